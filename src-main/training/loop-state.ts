/**
 * What the training loop must remember, besides weights and optimizer, to go on as if it had never stopped.
 * Data order and random streams are functions of seed and step, so no generator state is kept.
 */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { userError } from '../contract/errors.ts';
import type { RunConfig } from '../contract/experiment.ts';
import { healthStateSchema, initialHealth } from './health.ts';

export const loopStateFile = 'loop.json';

const identitySchema = z.strictObject({ config: z.string(), model: z.string(), data: z.string() });
/** Hashes of everything that decides what a run computes. */
export type RunIdentity = z.infer<typeof identitySchema>;

const statisticsSchema = z
  .array(z.strictObject({ count: z.int().min(0), mean: z.number(), squares: z.number().min(0) }).nullable())
  .default([]);

export const loopStateSchema = z.strictObject({
  version: z.literal(1),
  identity: identitySchema,
  /** Steps done. */
  step: z.int().min(0),
  /** Last step at which the held-out questions were asked; −1 before the first time. */
  evaluatedStep: z.int().min(-1),
  /** Held-out score at the start, newest, and best with its step. */
  before: z.number().nullable(),
  after: z.number().nullable(),
  best: z.strictObject({ step: z.int().min(0), score: z.number() }).nullable(),
  /** Moving average of rewards of earlier steps (REINFORCE); null before the first. */
  movingAverage: z.number().nullable(),
  /** Weight of the KL penalty where it follows a target; null before the first step, and without a target. */
  klCoefficient: z.number().min(0).nullable().default(null),
  /** Mean and spread of the values of each reward component that is evened out; empty before the first answer. */
  rewardStatistics: statisticsSchema,
  /** The same of the first held-out answers, by which all held-out scores are evened out, so that they can be compared. */
  evaluationStatistics: statisticsSchema,
  /** Largest difference between sampler and learner in the newest step where it was measured; null before. */
  samplerGap: z.number().nullable(),
  /** What the health of the run is judged by. */
  health: healthStateSchema.default(initialHealth),
  /** Steps in a row whose update was left out because loss or gradient was not finite. */
  failedUpdates: z.int().min(0),
  /** Answers sampled for training, and their tokens. */
  answers: z.int().min(0),
  generatedTokens: z.int().min(0),
  /** Seconds spent in all, and in sampling answers for training. */
  seconds: z.number().min(0),
  generateSeconds: z.number().min(0),
  /** Bytes. */
  peakMemory: z.number().min(0),
});
export type LoopState = z.infer<typeof loopStateSchema>;

/** State before the first step. */
export function initialLoopState(identity: RunIdentity): LoopState {
  return {
    version: 1,
    identity,
    step: 0,
    evaluatedStep: -1,
    before: null,
    after: null,
    best: null,
    movingAverage: null,
    klCoefficient: null,
    rewardStatistics: [],
    evaluationStatistics: [],
    samplerGap: null,
    health: initialHealth,
    failedUpdates: 0,
    answers: 0,
    generatedTokens: 0,
    seconds: 0,
    generateSeconds: 0,
    peakMemory: 0,
  };
}

/**
 * Hash of the settings that decide what a run computes. Name and paths are left out (a moved folder is the same
 * run; content is covered by the hashes of model and data), and so is how often a checkpoint is written.
 */
export function configHash(config: RunConfig): string {
  const { model, data, budget, method, reward, seed } = config;
  const { seeds: _seeds, checkpointEvery: _checkpointEvery, ...computed } = budget;
  const content = {
    model: { ...model, path: '' },
    data: { ...data, path: '', evaluation: data.evaluation === undefined ? null : '' },
    budget: computed,
    method,
    reward: reward ?? null,
    seed,
  };
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
}

/** JSON with the keys of every object in alphabetical order, so that equal settings give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Writes the state into a checkpoint folder. */
export async function writeLoopState(directory: string, state: LoopState): Promise<void> {
  await writeFile(join(directory, loopStateFile), `${JSON.stringify(state, null, 2)}\n`);
}

/**
 * Reads the state of a checkpoint folder.
 * @throws user error `checkpoint-broken` when it is missing or cannot be parsed
 */
export async function readLoopState(directory: string): Promise<LoopState> {
  const file = join(directory, loopStateFile);
  try {
    return loopStateSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw userError(
      'checkpoint-broken',
      `The checkpoint cannot be continued: ${loopStateFile} is missing or damaged.`,
      {
        where: file,
        advice: 'Start the run again, or continue from another checkpoint of it.',
        cause,
      },
    );
  }
}

/**
 * Refuses to continue a run whose settings, model or data are not those of the checkpoint.
 * @throws user error `resume-mismatch` that names what differs
 */
export function checkIdentity(saved: RunIdentity, present: RunIdentity, directory: string): void {
  const names = { config: 'settings', model: 'starting model', data: 'data' } as const;
  const differing = (['config', 'model', 'data'] as const)
    .filter((key) => saved[key] !== present[key])
    .map((key) => names[key]);
  if (differing.length === 0) return;
  throw userError(
    'resume-mismatch',
    `The run cannot be continued: its ${differing.join(' and ')} changed since the checkpoint was written.`,
    {
      where: directory,
      advice: 'Put back what was changed, or start a new run from this checkpoint as its model folder.',
    },
  );
}
