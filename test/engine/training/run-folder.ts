/** A small run on a fixture model: question and data files, configuration, and a way to train it in this process. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createJudgeLink } from '../../../src-main/training/judge-link.ts';
import type { TrainerEvent } from '../../../src-main/contract/events.ts';
import { runConfigSchema } from '../../../src-main/contract/experiment.ts';
import type { RunConfig } from '../../../src-main/contract/experiment.ts';
import { prepareRun } from '../../../src-main/training/prepare-run.ts';
import { trainLoop } from '../../../src-main/training/train-loop.ts';

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

/** Trains in this process. `onEvent` may ask for a stop by returning true. */
export async function trainHere(
  config: RunConfig,
  runDirectory: string,
  resumeFrom: string | null = null,
  onEvent: (event: TrainerEvent) => boolean = () => false,
): Promise<InProcess> {
  const events: TrainerEvent[] = [];
  let stop = false;
  const run = await prepareRun(config, {
    emit: (event) => {
      events.push(event);
      if (onEvent(event)) stop = true;
    },
    now: () => performance.now(),
    memory: () => process.memoryUsage.rss(),
    availableMemory: () => 4e9,
    stopRequested: () => stop,
    pause: () => nextTurn(),
    judge: createJudgeLink(() => {}),
  });
  try {
    return { events, outcome: await trainLoop(run.parts, runDirectory, resumeFrom) };
  } finally {
    await run.dispose();
  }
}
