/** The measurement of gradients: against finite differences of the learner's own log-probabilities, and as a job. */
import { rm } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createJudgeLink } from '../../../src-main/training/judge-link.ts';
import type { TrainerEvent } from '../../../src-main/contract/events.ts';
import { methodSchema } from '../../../src-main/contract/experiment.ts';
import { gradientJob, type GradientCommand } from '../../../src-main/training/gradient-job.ts';
import { addToSketch, directionOf } from '../../../src-main/training/gradient-sketch.ts';
import { prepareRun, type PreparedRun } from '../../../src-main/training/prepare-run.ts';
import { spawnSandbox } from '../../helpers/spawn-sandbox.ts';
import { newFolder, runConfig, writeQuestions } from './run-folder.ts';

const directions = 32;
let folder: string;
let run: PreparedRun;
let command: GradientCommand;
let events: TrainerEvent[] = [];
let stopAfter = Infinity;

beforeAll(async () => {
  folder = await newFolder();
  const config = runConfig(await writeQuestions(folder));
  command = { type: 'lab', config, questions: 2, answers: 3, groupSize: 3, looks: [], directions };
  run = await prepareRun(config, {
    emit: (event) => events.push(event),
    now: () => performance.now(),
    memory: () => process.memoryUsage.rss(),
    availableMemory: () => 4e9,
    spawnSandbox,
    stopRequested: () => events.filter(({ type }) => type === 'projected').length >= stopAfter,
    pause: () => nextTurn(),
    judge: createJudgeLink(() => {}),
  });
});
afterAll(async () => {
  await run.dispose();
  await rm(folder, { recursive: true, force: true });
});

const projected = () => events.flatMap((event) => (event.type === 'projected' ? [event] : []));

test('measures every answer, the same way each time', async () => {
  events = [];
  await gradientJob(command, run);
  const first = projected();
  expect(first.map(({ question, answer }) => [question, answer])).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 0],
    [1, 1],
    [1, 2],
  ]);
  expect(events.at(-1)).toMatchObject({ type: 'job-end', status: 'done', rows: 6 });
  for (const { projection, reward } of first) {
    expect(projection).toHaveLength(directions);
    expect(Math.hypot(...projection)).toBeGreaterThan(0);
    expect(reward).not.toBeNull();
  }
  events = [];
  await gradientJob(command, run);
  expect(projected().map(({ projection }) => [...projection])).toEqual(
    first.map(({ projection }) => [...projection]),
  );
});

test('ends between two answers when it is stopped', async () => {
  events = [];
  stopAfter = 2;
  await gradientJob(command, run);
  stopAfter = Infinity;
  expect(events.at(-1)).toMatchObject({ type: 'job-end', status: 'stopped', rows: 2 });
});

test('the gradient along a random direction is the slope of the log-probability along it', async () => {
  const { learner, store, parts } = run;
  const prompt = parts.train[0]!;
  const answerIds = Int32Array.of(5, 9, 4);
  const temperature = parts.config.budget.temperature;
  const weight = (direction: number): number => Math.cos(3 * direction);
  const logprob = async (): Promise<number> => {
    const [scores] = await learner.score([{ promptIds: prompt.promptIds, answerIds }], temperature);
    return scores!.logprobs.reduce((sum, value) => sum + value, 0);
  };
  /** Moves every weight along Σ weight(k) · direction k. */
  const move = (step: number): void => {
    let first = 0;
    for (const { name } of store.parameters) {
      const values = store.weights(name);
      for (let index = 0; index < values.length; index++) {
        const { direction, sign } = directionOf(first + index, directions, command.config.seed);
        values[index]! += step * sign * weight(direction);
      }
      first += values.length;
    }
  };
  const ones = new Float32Array(3).fill(1);
  learner.discardGradient();
  await learner.accumulate(
    [
      {
        promptIds: prompt.promptIds,
        answerIds,
        advantages: ones.map(() => -1),
        oldLogprobs: null,
        referenceLogprobs: null,
        weights: ones,
      },
    ],
    {
      kind: 'pg',
      ratio: 'token',
      clipLow: 0.2,
      clipHigh: 0.2,
      aggregation: 'tokenSum',
      constantLength: 1,
      epochs: 1,
      samplerCap: null,
    },
    { where: 'none', estimator: 'k1', coefficient: 0 },
    temperature,
  );
  const sketch = new Float64Array(directions);
  let first = 0;
  for (const { name } of store.parameters) {
    addToSketch(sketch, store.gradient(name), first, command.config.seed);
    first += store.gradient(name).length;
  }
  learner.discardGradient();
  const slope = sketch.reduce((sum, value, direction) => sum + weight(direction) * value, 0);
  const step = 2e-4;
  move(step);
  const above = await logprob();
  move(-2 * step);
  const below = await logprob();
  move(step);
  expect(Math.abs((above - below) / (2 * step) - slope)).toBeLessThan(0.02 * Math.max(1, Math.abs(slope)));
  expect(Math.abs(slope)).toBeGreaterThan(0.1);
});

test('a method that looks into answers is the sum of its parts', async () => {
  events = [];
  const method = methodSchema.parse({
    estimator: 'trepo',
    groupSize: 3,
    anchorRule: 'stride',
    anchorStride: 1,
  });
  await gradientJob({ ...command, looks: [method] }, run);
  const answers = projected();
  expect(answers).toHaveLength(6);
  for (const { looks, reward, tokens, projection } of answers) {
    const [look] = looks;
    expect(look?.method).toBe('trepo');
    if (look?.values?.between !== 'segment') throw new Error('no segments');
    expect(look.values.anchors.map(({ position }) => position)).toEqual([...Array(tokens).keys()]);
    // With equal values everywhere and another reward at the end, only the last token is weighed.
    const values = look.values.anchors.map(({ value }) => value);
    if (values.every((value) => value === reward)) expect(Math.hypot(...look.projection)).toBe(0);
    else expect(Math.hypot(...look.projection)).toBeGreaterThan(0);
    expect(Math.hypot(...projection)).toBeGreaterThan(0);
  }
  // Answers of a group share the place at the start, and pay for it once.
  expect(answers[0]!.looks[0]!.tokens).toBeGreaterThan(answers[1]!.looks[0]!.tokens - 1);
});

test('refuses more questions than there are', async () => {
  await expect(gradientJob({ ...command, questions: 100 }, run)).rejects.toMatchObject({
    kind: 'user',
    code: 'questions-too-few',
  });
});
