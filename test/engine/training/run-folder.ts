/** A small run on a fixture model: question and data files, configuration, and a way to train it in this process. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createJudgeLink } from '../../../src-main/training/judge-link.ts';
import type { TrainerEvent } from '../../../src-main/contract/events.ts';
import { runConfigSchema } from '../../../src-main/contract/experiment.ts';
import type { RunConfig } from '../../../src-main/contract/experiment.ts';
import { prepareRewardRun, trainsRewardModel } from '../../../src-main/training/prepare-reward-run.ts';
import { prepareRun } from '../../../src-main/training/prepare-run.ts';
import { findCheckpoint } from '../../../src-main/training/checkpoint.ts';
import { trainLoop } from '../../../src-main/training/train-loop.ts';
import type { TrainingParts } from '../../../src-main/training/training-parts.ts';

import { spawnSandbox } from '../../helpers/spawn-sandbox.ts';

export const modelFolder = resolve('test/fixtures/models/llama-gqa-tied');

export async function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'espalier-run-'));
}

/** Twelve questions of one digit; the right answer repeats it. */
export async function writeQuestions(folder: string): Promise<string> {
  const path = join(folder, 'questions.jsonl');
  const rows = Array.from({ length: 12 }, (_, row) => ({
    prompt: `${row % 10}${row > 9 ? '+' : '='}`,
    answer: String(row % 10),
  }));
  await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  return path;
}

export function runConfig(data: string, changes: Record<string, Record<string, unknown>> = {}): RunConfig {
  return runConfigSchema.parse({
    version: 1,
    name: 'digits',
    model: { path: modelFolder, ...changes['model'] },
    data: { path: data, holdOut: 0.25, ...changes['data'] },
    reward: { components: [{ kind: 'exact' }], ...changes['reward'] },
    method: { estimator: 'grpo', groupSize: 4, learningRate: 3e-3, ...changes['method'] },
    budget: {
      // These models know nothing yet: a run of them would be held back.
      preflight: 'off',
      steps: 6,
      promptsPerStep: 4,
      maxTokens: 3,
      evaluateEvery: 3,
      checkpointEvery: 2,
      ...changes['budget'],
    },
    seed: 7,
  });
}

export interface InProcess {
  readonly events: TrainerEvent[];
  readonly outcome: string;
}

/** Trains in this process. `onEvent` may ask for a stop by returning true; `change` replaces parts of the run. */
export async function trainHere(
  config: RunConfig,
  runDirectory: string,
  resumeFrom: string | null = null,
  onEvent: (event: TrainerEvent) => boolean = () => false,
  change: (parts: TrainingParts) => TrainingParts = (parts) => parts,
): Promise<InProcess> {
  const events: TrainerEvent[] = [];
  let stop = false;
  const prepare = trainsRewardModel(config) ? prepareRewardRun : prepareRun;
  const run = await prepare(config, {
    emit: (event) => {
      events.push(event);
      if (onEvent(event)) stop = true;
    },
    now: () => performance.now(),
    memory: () => process.memoryUsage.rss(),
    availableMemory: () => 4e9,
    spawnSandbox,
    stopRequested: () => stop,
    pause: () => nextTurn(),
    judge: createJudgeLink(() => {}),
  });
  try {
    const parts = 'rewardModel' in run.parts ? run.parts : change(run.parts);
    return { events, outcome: await trainLoop(parts, runDirectory, resumeFrom) };
  } finally {
    await run.dispose();
  }
}

/** Writes rows as JSONL; returns the path. */
export async function writeRows(folder: string, name: string, rows: readonly object[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  return path;
}

/** Questions of the model of `undecidedModel`. */
export const undecidedQuestions = Array.from({ length: 12 }, (_, row) => `${row}?`);

/** A model folder whose answers end by themselves and are 7 or 3, each about half the time: learnt from both. */
export async function undecidedModel(folder: string): Promise<string> {
  const rows = undecidedQuestions.flatMap((prompt) => ['7', '3'].map((answer) => ({ prompt, answer })));
  const config = runConfig(await writeRows(folder, 'undecided.jsonl', rows), {
    data: { holdOut: 0 },
    method: { estimator: 'sft', groupSize: undefined, learningRate: 1e-2, schedule: 'linear' },
    budget: { steps: 60, promptsPerStep: 24, maxTokens: 4, checkpointEvery: 60 },
  });
  const run = join(folder, 'undecided');
  await trainHere({ ...config, reward: undefined }, run);
  return join((await findCheckpoint(run, 'last'))!, 'model');
}
