/**
 * Whole GRPO steps through the code of a real run: questions encoded, answers sampled, graded, compared and learnt.
 * With a folder: the tasks, the tokenizer and the reward of the peer.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { chooseMicroBatchTokens } from '../../runtime/memory-estimate.ts';
import { initialLoopState } from '../../training/loop-state.ts';
import { openText } from '../../training/prepare-text.ts';
import { rolloutStep } from '../../training/rollout-step.ts';
import type { GivenAnswer, PreparedPrompt } from '../../training/training-parts.ts';
import type { PresetModel } from './preset-model.ts';
import { presetModel, randomIds } from './preset-model.ts';
import type { PresetName } from './presets.ts';
import { preset } from './presets.ts';
import type { ChosenParts } from './step-parts.ts';
import { benchConfig, benchIdentity, stepParts } from './step-parts.ts';
import type { Measured } from './stopwatch.ts';
import { median, peakMemory, timed } from './stopwatch.ts';
import { benchOptimizer } from './train.ts';

/** The file that the peer writes beside the weights: tasks in the order of use. */
const inputsSchema = z.object({
  prompts: z.int().min(1),
  group: z.int().min(2),
  new: z.int().min(1),
  steps: z.int().min(1),
  tasks: z.array(z.object({ prompt: z.string(), answer: z.string() })),
});
type Inputs = z.infer<typeof inputsSchema>;

interface TextSide extends Omit<ChosenParts, 'grade'> {
  /** Ids of each prompt. */
  encode(prompts: readonly string[]): Promise<Int32Array[]>;
}

/**
 * The peer's reward: 1 if the first run of digits is the right answer, else 0.1 × the share of characters that are
 * digits, so that advantages are not all 0.
 */
export function additionReward(text: string, right: string): number {
  if (/[0-9]+/.exec(text)?.[0] === right) return 1;
  const characters = Array.from(text);
  const digits = characters.filter((character) => character >= '0' && character <= '9').length;
  return (0.1 * digits) / Math.max(characters.length, 1);
}

async function grade(_split: unknown, answers: readonly GivenAnswer[]) {
  return answers.map(({ prompt, text }) => {
    const value = additionReward(text, prompt.reference);
    return { total: value, components: [{ name: 'addition', value, reason: '' }] };
  });
}

/** The tokenizer of the folder. */
async function folderText(folder: string, model: PresetModel): Promise<TextSide> {
  const text = await openText(folder, model.config, 'auto');
  return {
    stopIds: text.stopIds,
    decode: (answers) => text.decode(answers),
    encode: async (prompts) => (await text.encodePrompts(prompts)).map(({ promptIds }) => promptIds),
  };
}

const characters = '0123456789abcdefghijklmnopqrstuvwxyz';
const plainPrompt = 16;

/** Without a tokenizer: each id stands for one of a few characters, prompts are random ids. */
function plainText({ config }: PresetModel): TextSide {
  return {
    stopIds: config.eosIds,
    decode: async (answers) =>
      answers.map(({ ids }) => ({
        text: Array.from(ids, (id) => characters.charAt(id % characters.length)).join(''),
      })),
    encode: async (prompts) =>
      prompts.map((row) => randomIds(plainPrompt, config.vocabularySize, Number(row))),
  };
}

async function readInputs(name: PresetName, folder: string | undefined): Promise<Inputs> {
  if (folder !== undefined) {
    return inputsSchema.parse(JSON.parse(await readFile(join(folder, 'grpo.json'), 'utf8')));
  }
  const { prompts, group, answer, steps } = preset(name).grpo;
  return {
    prompts,
    group,
    new: answer,
    steps,
    tasks: Array.from({ length: prompts * steps }, (_, row) => ({ prompt: `${row}`, answer: `${row}` })),
  };
}

/** GRPO's steps. */
export function measureGrpo(name: PresetName, folder: string | undefined): Promise<Measured> {
  return measureSteps(name, folder, 'grpo');
}

/** TRePO's steps on the same batch of answers, for its time, tokens and memory beside GRPO's. */
export function measureTrepo(name: PresetName, folder: string | undefined): Promise<Measured> {
  return measureSteps(name, folder, 'trepo');
}

/** PPO's steps with a critic of its own on as many answers, for its time and memory beside GRPO's. */
export function measurePpo(name: PresetName, folder: string | undefined): Promise<Measured> {
  return measureSteps(name, folder, 'ppo');
}

/**
 * Times whole steps: every answer of a step in one micro-batch, one update a step. The first step is left out of the
 * medians where there are several, as the peer does.
 * @returns `seconds` (median of a step), `firstSeconds`, `generateSeconds`, `rewardSeconds`, `learnSeconds` (medians),
 *   `answerTokens` (mean length), `generatedTokens` (median of a step, continuations included), `tokensPerSecond` of sampling, `meanReward`, `memory`
 */
async function measureSteps(
  name: PresetName,
  folder: string | undefined,
  estimator: 'grpo' | 'trepo' | 'ppo',
): Promise<Measured> {
  const inputs = await readInputs(name, folder);
  const model = await presetModel(name, folder, true);
  const text = folder === undefined ? plainText(model) : await folderText(folder, model);
  const config = benchConfig(
    { estimator, groupSize: inputs.group, learningRate: benchOptimizer.learningRate },
    { promptsPerStep: inputs.prompts, maxTokens: inputs.new, steps: inputs.steps, temperature: 1 },
  );
  const encoded = await text.encode(inputs.tasks.map(({ prompt }) => prompt));
  const longest = encoded.reduce((most, ids) => Math.max(most, ids.length), 0) + inputs.new;
  // Rows of a micro-batch are rounded up to a multiple of 8 tokens.
  const stepTokens = chooseMicroBatchTokens(model.config, longest, process.availableMemory());
  const parts = await stepParts(model, config, stepTokens, {
    stopIds: text.stopIds,
    decode: text.decode,
    grade,
  });
  let state = initialLoopState(benchIdentity);
  const steps: { seconds: number; metrics: Record<string, number> }[] = [];
  for (let index = 0; index < inputs.steps; index++) {
    let metrics: Record<string, number> = {};
    const seconds = await timed(async () => {
      const tasks = inputs.tasks.slice(index * inputs.prompts, (index + 1) * inputs.prompts);
      // A run encodes its questions once at the start; here it counts, because it does for the peer.
      const ids = await text.encode(tasks.map(({ prompt }) => prompt));
      const prompts = tasks.map(({ prompt, answer }, slot): PreparedPrompt => ({
        index: index * inputs.prompts + slot,
        row: { prompt, answer },
        question: prompt,
        prompt,
        promptIds: ids[slot] ?? new Int32Array(0),
        reference: answer,
        answerIds: null,
      }));
      const outcome = await rolloutStep(parts, prompts, state, benchOptimizer);
      if (!outcome.applied) throw new Error('internal: loss or gradient was not finite');
      state = { ...state, ...outcome.change, step: index + 1 };
      metrics = outcome.metrics;
    });
    steps.push({ seconds, metrics });
  }
  const counted = steps.length > 1 ? steps.slice(1) : steps;
  const middle = (metric: string): number => median(counted.map(({ metrics }) => metrics[metric] ?? NaN));
  return {
    seconds: median(counted.map(({ seconds }) => seconds)),
    firstSeconds: steps[0]?.seconds ?? NaN,
    generateSeconds: middle('secondsGenerate'),
    rewardSeconds: middle('secondsReward'),
    learnSeconds: middle('secondsLearn'),
    answerTokens: middle('lengthMean'),
    generatedTokens: middle('generatedTokens'),
    tokensPerSecond: middle('generatedTokensPerSecond'),
    meanReward: middle('rewardMean'),
    memory: peakMemory(),
  };
}
