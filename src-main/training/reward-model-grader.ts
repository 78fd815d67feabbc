/**
 * Grades answers by reward models: each folder is loaded once, with weights and session of its own. Several models of a
 * component are an ensemble whose value is mean − k · spread (Coste et al. 2023), so that what they disagree on counts less.
 */
import { userError } from '../contract/errors.ts';
import type { ComponentOf, RewardConfig } from '../contract/reward.ts';
import { readModelConfig } from '../models/read-config.ts';
import { requireRewardModel } from '../models/use.ts';
import { notGradable } from '../rewards/outcome.ts';
import type { Outcome, RewardItem } from '../rewards/outcome.ts';
import { chooseMicroBatchTokens, scoringBytes } from '../runtime/memory-estimate.ts';
import type { MemoryPart } from '../runtime/memory-estimate.ts';
import { openRewardModel } from './open-reward-model.ts';
import type { OpenRewardModel } from './open-reward-model.ts';
import { cutBeginning, shareBeginnings } from './reward-text.ts';

export interface RewardModelGrader {
  /** One outcome for each item, in order. Throws user errors of a model folder that cannot be read. */
  grade(component: ComponentOf<'reward-model'>, items: readonly RewardItem[]): Promise<Outcome[]>;
  /** Loads every model of a reward, so that what is wrong with one shows before anything is graded. */
  load(reward: RewardConfig): Promise<void>;
  dispose(): Promise<void>;
}

/** @param availableMemory bytes that batches are planned with */
export function createRewardModelGrader(availableMemory: () => number): RewardModelGrader {
  const models = new Map<string, Promise<OpenRewardModel>>();
  const modelOf = (folder: string): Promise<OpenRewardModel> => {
    const known = models.get(folder) ?? openRewardModel(folder, availableMemory());
    models.set(folder, known);
    return known;
  };
  return {
    async grade({ models: folders, spread, maxTokens }, items) {
      const columns: ScoredText[][] = [];
      // One after the other: each model uses all cores.
      for (const folder of folders) columns.push(await scoreTexts(await modelOf(folder), items, maxTokens));
      const names = modelNames(folders);
      return items.map((_, place) =>
        outcomeOf(
          names,
          columns.map((column) => column[place]!),
          spread,
        ),
      );
    },
    async load(reward) {
      for (const folder of rewardModelFolders(reward)) await modelOf(folder);
    },
    async dispose() {
      for (const model of models.values()) await (await model).scorer.dispose();
      models.clear();
    },
  };
}

/** What one model says of one text; `score` null where the text has no tokens. */
interface ScoredText {
  readonly score: number | null;
  /** Tokens that the model did not read. */
  readonly cut: number;
}

async function scoreTexts(
  { checkpoint, text, bosId, scorer }: OpenRewardModel,
  items: readonly RewardItem[],
  maxTokens: number,
): Promise<ScoredText[]> {
  const whole = await text.encode(items);
  const limit = Math.min(maxTokens, checkpoint.config.maxPositions);
  const read = whole.map((ids) => cutBeginning(ids, limit, bosId));
  const places = read.flatMap((ids, place) => (ids.length === 0 ? [] : [place]));
  const scores = await scorer.score(
    shareBeginnings(
      places.map((place) => read[place]!),
      places.map((place) => items[place]!.prompt),
    ),
  );
  const results = whole.map((ids, place): { score: number | null; cut: number } => ({
    score: null,
    cut: ids.length - read[place]!.length,
  }));
  places.forEach((place, index) => (results[place]!.score = scores[index] ?? NaN));
  return results;
}

/** Value and reason from what each model says. */
export function outcomeOf(names: readonly string[], texts: readonly ScoredText[], spread: number): Outcome {
  const scores = texts.map(({ score }) => score);
  if (!scores.every((score) => score !== null)) return notGradable('question and answer have no text');
  const broken = scores.findIndex((score) => !Number.isFinite(score));
  if (broken >= 0) return notGradable(`the score of ${names[broken] ?? 'the model'} is not a finite number`);
  const value = pessimistic(scores, spread);
  const cut = Math.max(...texts.map((text) => text.cut));
  const each = scores.map((score, place) => `${names[place] ?? ''} ${score.toFixed(3)}`).join(', ');
  const about =
    scores.length === 1
      ? each
      : `mean ${mean(scores).toFixed(3)}, spread ${deviation(scores).toFixed(3)} (${each})`;
  return { value, reason: cut === 0 ? about : `${about}; too long: the first ${cut} tokens were not read` };
}

/** Mean less `spread` times the population standard deviation (divisor n, so 0 for a single model). */
export function pessimistic(scores: readonly number[], spread: number): number {
  return mean(scores) - spread * deviation(scores);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}

/** Last part of each path, with as much before it as tells the models apart. */
export function modelNames(folders: readonly string[]): string[] {
  const parts = folders.map((folder) => folder.split(/[\\/]/).filter((part) => part !== ''));
  const longest = Math.max(...parts.map(({ length }) => length));
  for (let depth = 1; depth < longest; depth++) {
    const names = parts.map((path) => path.slice(-depth).join('/'));
    if (new Set(names).size === new Set(folders).size) return names;
  }
  return [...folders];
}

/** Folders of all reward models of a reward, each once. */
export function rewardModelFolders(reward: RewardConfig | undefined): string[] {
  const components = reward?.components ?? [];
  return [...new Set(components.flatMap((one) => (one.kind === 'reward-model' ? one.models : [])))];
}

/**
 * Memory of the reward models of a reward; reads configurations alone.
 * @param folderOf the folder of a path in the reward
 * @throws user errors of a folder without a reward model
 */
export async function rewardModelMemory(
  reward: RewardConfig | undefined,
  available: number,
  folderOf: (path: string) => string = (path) => path,
): Promise<MemoryPart[]> {
  const folders = rewardModelFolders(reward);
  if (folders.length === 0) return [];
  const bytes = await Promise.all(
    folders.map(async (path) => {
      const folder = folderOf(path);
      const { config } = await readModelConfig(folder).catch((error: unknown) => {
        throw atComponent(error, path);
      });
      requireRewardModel(config, folder);
      const longest = Math.min(config.maxPositions, 512);
      return scoringBytes(config, chooseMicroBatchTokens(config, longest, available), longest);
    }),
  );
  return [{ name: 'reward models', bytes: bytes.reduce((sum, each) => sum + each, 0) }];
}

/** A missing folder is a mistake in the reward: say where it is named. */
function atComponent(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'model-not-found') return error;
  return userError('reward-model-missing', 'The reward names a reward model that is not there.', {
    where: `reward, component reward-model: ${path}`,
    advice:
      'Name a folder with config.json, tokenizer.json and model.safetensors; relative paths are relative to the experiment file.',
    cause: error,
  });
}
