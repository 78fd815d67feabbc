/** The questions of an experiment: training rows and held-out rows, the same for the check before a start and for the run. */
import { userError } from '../contract/errors.ts';
import type { RunConfig } from '../contract/experiment.ts';
import type { RewardComponent } from '../contract/reward.ts';
import { loadDataset } from './load-dataset.ts';
import { mapRows } from './map-rows.ts';
import type { PromptRow } from './row.ts';
import { drawRows, holdOut, pairKey, sameQuestion, withoutHeldOut } from './split.ts';
import type { RowKey } from './split.ts';

export interface QuestionSets {
  readonly train: readonly PromptRow[];
  readonly evaluation: readonly PromptRow[];
  /** Training rows left out because the same question is held out. */
  readonly removed: number;
  readonly warnings: readonly string[];
}

/** Which questions are held out must not depend on the seed of a run: seeds are compared on the same ones. */
const splitSeed = 0;

/** Whether right answers are learnt or compared with; other components look at the answer alone or at columns of their own. */
export function answerNeeded({
  method,
  reward,
  data,
}: Pick<RunConfig, 'method' | 'reward' | 'data'>): boolean {
  if (method.estimator === 'sft') return true;
  // With a verdict in the data, the answer of the row is what is judged.
  if (method.estimator === 'kto' && data.label !== undefined) return true;
  return reward?.components.some(comparesWithAnswer) ?? false;
}

function comparesWithAnswer(component: RewardComponent): boolean {
  switch (component.kind) {
    case 'exact':
    case 'number':
    case 'choice':
    case 'similarity':
      return true;
    case 'contains':
      return component.texts.some((text) => text.includes('{answer}'));
    case 'regex':
      return component.capture;
    case 'judge':
      return component.mode === 'compare';
    default:
      return false;
  }
}

/**
 * Reads, maps and splits the data files of a run.
 * @throws user errors of the readers; `data-empty` where every training question is held out
 */
export async function readQuestionSets(
  config: Pick<RunConfig, 'data' | 'seed' | 'method' | 'reward'>,
): Promise<QuestionSets> {
  const { data, seed } = config;
  const warnings: string[] = [];
  const read = async (path: string, limit: number | undefined): Promise<PromptRow[]> => {
    const loaded = await loadDataset({ path, filter: data.filter, limit, seed });
    const mapped = mapRows(loaded.rows, {
      prompt: data.prompt,
      answer: data.answer,
      messages: data.messages,
      system: data.system,
      path,
      answerNeeded: answerNeeded(config),
    });
    warnings.push(...loaded.warnings, ...mapped.warnings);
    return mapped.rows;
  };
  const keyOf = (rows: readonly PromptRow[]): RowKey =>
    config.method.estimator === 'reward-model' ? pairKey(rows) : sameQuestion;
  const rows = await read(data.path, data.limit);
  if (data.evaluation === undefined) {
    const split = holdOut(rows, data.holdOut, splitSeed, keyOf(rows));
    return {
      train: split.train,
      evaluation: drawRows(split.evaluation, data.evaluationLimit, splitSeed),
      removed: 0,
      warnings,
    };
  }
  const evaluation = drawRows(await read(data.evaluation, undefined), data.evaluationLimit, splitSeed);
  const { rows: train, removed } = withoutHeldOut(rows, evaluation, keyOf(rows));
  if (train.length === 0) {
    throw userError(
      'data-empty',
      'Every training question is also held out, so there is nothing left to train on.',
      {
        where: data.path,
        advice: 'Use different files for training and evaluation, or leave data.evaluation out.',
      },
    );
  }
  if (removed > 0)
    warnings.push(`${removed} training rows are left out because the same question is held out.`);
  return { train, evaluation, removed, warnings };
}
