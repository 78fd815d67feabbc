/** Everything that can be known of an experiment before it starts, without a tokenizer and without training. */
import type { JudgeCheck } from '../contract/judge.ts';
import type { CallOutput } from '../contract/calls.ts';
import { userError } from '../contract/errors.ts';
import { expandExperiment } from '../contract/expand-experiment.ts';
import type { Experiment, RunConfig } from '../contract/experiment.ts';
import type { ComponentOf, RewardConfig } from '../contract/reward.ts';
import { pairTexts } from '../datasets/preference-pairs.ts';
import type { PairRequest } from '../datasets/preference-pairs.ts';
import { answerNeeded, readQuestionSets } from '../datasets/question-sets.ts';
import type { PromptRow } from '../datasets/row.ts';
import { estimatorSpec } from '../estimators/index.ts';
import { stepCost } from '../estimators/step-cost.ts';
import { memoryPlan } from './memory-plan.ts';
import type { ModelCard } from '../models/model-card.ts';
import { inspectModel } from './model-and-data.ts';

/** How the judges of a reward are looked at. */
export interface JudgeLook {
  /** The reward with the words of its rubrics. */
  readonly resolve: (reward: RewardConfig | undefined) => RewardConfig | undefined;
  readonly check: (component: ComponentOf<'judge'>) => Promise<JudgeCheck>;
}

/**
 * The answer of `experiments.check`: facts of the first run, and every reason why any of the runs would fail.
 * @param experiment with absolute paths
 * @throws EspalierError what would make a run fail: model, data, settings, memory
 */
export async function checkExperiment(
  experiment: Experiment,
  modelsDirectory: string,
  judges?: JudgeLook,
): Promise<CallOutput<'experiments.check'>> {
  const planned = expandExperiment(experiment);
  const [first] = planned;
  if (first === undefined) throw new Error('internal: an experiment without runs');
  const warnings = new Set<string>();
  const cards = new Map<string, Promise<ModelCard>>();
  const data = new Map<string, Promise<DataFacts>>();
  // Runs that differ in other settings share their model and data.
  const cardOf = ({ model }: RunConfig) =>
    remembered(cards, JSON.stringify([model.path, model.init]), () =>
      inspectModel(model.path, modelsDirectory, { weights: model.init === 'weights' }),
    );
  const dataOf = (config: RunConfig) =>
    remembered(
      data,
      JSON.stringify([
        config.data,
        config.data.limit === undefined ? 0 : config.seed,
        answerNeeded(config),
        pairsNeeded(config),
      ]),
      () => readData(config),
    );
  for (const { config } of planned) {
    checkMethod(config);
    const card = await cardOf(config);
    checkLengths(config, card, warnings);
    if (config.model.chat === 'on' && !card.hasChatTemplate) {
      throw userError('chat-template-missing', 'The model folder has no chat template.', {
        where: 'model.chat',
        advice: 'Set model.chat to auto or off, or choose a model that was made for conversations.',
      });
    }
    for (const warning of (await dataOf(config)).warnings) warnings.add(warning);
  }
  if (judges !== undefined)
    await checkJudges(
      planned.map(({ config }) => config),
      judges,
      warnings,
    );
  const model = await cardOf(first.config);
  const { trainRows, evaluationRows, droppedRows, longestPrompt, longestAnswer } = await dataOf(first.config);
  const memory = await memoryPlan(first.config, modelsDirectory, { longestPrompt, longestAnswer });
  return {
    model,
    trainRows,
    evaluationRows,
    droppedRows,
    memory,
    warnings: [...warnings],
    runs: planned.length,
    cost: stepCost(estimatorSpec(first.config.method, first.config.budget).plan, first.config.budget),
  };
}

function remembered<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}

function checkMethod(config: RunConfig): void {
  const { plan } = estimatorSpec(config.method, config.budget);
  if (plan.samplesPerPrompt > 0 && config.reward === undefined) {
    throw userError(
      'reward-missing',
      `The method ${config.method.estimator} learns from rewards, and the experiment has none.`,
      {
        where: 'reward',
        advice:
          'Add a reward, for example {"components": [{"kind": "exact"}]}; or choose a method that learns from the data alone, such as sft or dpo.',
      },
    );
  }
}

/** Each judge once, however many runs it has. */
async function checkJudges(
  configs: readonly RunConfig[],
  { resolve, check }: JudgeLook,
  warnings: Set<string>,
): Promise<void> {
  const judges = new Map<string, ComponentOf<'judge'>>();
  for (const { reward } of configs) {
    for (const component of resolve(reward)?.components ?? [])
      if (component.kind === 'judge') judges.set(JSON.stringify(component), component);
  }
  const looks = await Promise.all([...judges.values()].map(check));
  for (const { level, code, message, advice } of looks.flatMap(({ problems }) => problems)) {
    if (level === 'error') throw userError(code, message, { where: 'reward, judge', advice });
    warnings.add(`${message} ${advice}`);
  }
}

function checkLengths(config: RunConfig, card: ModelCard, warnings: Set<string>): void {
  const { maxTokens, maxPromptTokens } = config.budget;
  if (maxTokens >= card.context) {
    throw userError(
      'context-too-short',
      `The model reads at most ${card.context} tokens, and answers may be ${maxTokens} tokens long: no room is left for a question.`,
      {
        where: 'budget.maxTokens',
        advice: `Set budget.maxTokens below ${card.context}.`,
      },
    );
  }
  if (maxTokens + maxPromptTokens > card.context) {
    warnings.add(
      `The model reads at most ${card.context} tokens: questions of more than ${card.context - maxTokens} tokens are left out, because answers may take ${maxTokens}.`,
    );
  }
}

interface DataFacts {
  readonly trainRows: number;
  readonly evaluationRows: number;
  /** Training rows left out because their question is held out. */
  readonly droppedRows: number;
  /** UTF-8 bytes of the longest question, and of the longest right answer: no text has more tokens than bytes. */
  readonly longestPrompt: number;
  readonly longestAnswer: number;
  readonly warnings: readonly string[];
}

async function readData(config: RunConfig): Promise<DataFacts> {
  const { train, evaluation, removed, warnings } = await readQuestionSets(config);
  const rows = [...train, ...evaluation];
  const pairs = pairsNeeded(config);
  if (pairs !== null) {
    // With a reward, held-out questions are asked and the answers graded: they need no pairs.
    const { texts, warnings: more } = pairTexts(config.reward === undefined ? rows : train, pairs);
    return {
      trainRows: train.length,
      evaluationRows: evaluation.length,
      droppedRows: removed,
      longestPrompt: longest(rows, ({ prompt }) => prompt),
      longestAnswer: texts.reduce(
        (most, { chosen, rejected }) =>
          Math.max(most, Buffer.byteLength(chosen ?? ''), Buffer.byteLength(rejected ?? '')),
        0,
      ),
      warnings: [...warnings, ...more],
    };
  }
  return {
    trainRows: train.length,
    evaluationRows: evaluation.length,
    droppedRows: removed,
    longestPrompt: longest(rows, ({ prompt }) => prompt),
    longestAnswer: longest(rows, ({ answer }) => answer),
    warnings,
  };
}

/** What is read of the data by methods that learn from preferences in it; null for others. */
function pairsNeeded({ method, budget, data }: RunConfig): PairRequest | null {
  const { plan, preference, rewardModel } = estimatorSpec(method, budget);
  if (rewardModel !== undefined)
    return { chosen: data.chosen, rejected: data.rejected, label: undefined, single: false, path: data.path };
  if (preference === undefined || plan.samplesPerPrompt > 0) return null;
  const single = preference.loss === 'kto';
  return {
    chosen: data.chosen,
    rejected: data.rejected,
    label: single ? data.label : undefined,
    single,
    path: data.path,
  };
}

function longest(rows: readonly PromptRow[], text: (row: PromptRow) => string): number {
  return rows.reduce((most, row) => Math.max(most, Buffer.byteLength(text(row))), 0);
}
