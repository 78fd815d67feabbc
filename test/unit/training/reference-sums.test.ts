/** Reference scores of a data set are computed once for each pair, and not at all where a loss has no reference. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findCheckpoint } from '../../../src-main/training/checkpoint.ts';
import type { LearnerSequence } from '../../../src-main/training/learner.ts';
import { trainLoop } from '../../../src-main/training/train-loop.ts';
import type { PreparedPrompt } from '../../../src-main/training/training-parts.ts';
import { eventsOf, makeRun, prompts, temporaryFolder } from './loop-parts.ts';
import type { TestRun } from './loop-parts.ts';

const root = temporaryFolder();
afterAll(() => rm(root, { recursive: true, force: true }));

const rows = (): PreparedPrompt[] =>
  prompts.map((prompt) => ({
    ...prompt,
    pair: { chosen: prompt.answerIds!.slice(), rejected: Int32Array.of(1 + ((prompt.index + 2) % 4), 1, 0) },
  }));

interface Counted extends TestRun {
  /** Answers scored under the reference, in the order in which it was asked. */
  readonly reference: LearnerSequence[][];
  readonly policy: TestRun['policy'];
}

function makeCounted(method: Record<string, unknown>, heldOut: boolean): Counted {
  const run = makeRun({
    method: { groupSize: undefined, learningRate: 0.05, ...method },
    // Four of six rows a step: steps lie across passes.
    budget: { steps: 9, promptsPerStep: 4, evaluateEvery: 3, checkpointEvery: 5 },
    reward: null,
    evaluation: heldOut ? rows() : [],
  });
  const reference: LearnerSequence[][] = [];
  const { score } = run.policy;
  run.policy.score = async (sequences, temperature, which) => {
    if (which === 'reference') reference.push([...sequences]);
    return score.call(run.policy, sequences, temperature, which);
  };
  return { ...run, parts: { ...run.parts, train: rows() }, reference };
}

let folders = 0;
async function newFolder(): Promise<string> {
  const folder = join(root, String(folders++));
  await mkdir(folder);
  return folder;
}

describe('reference scores', () => {
  it.each([
    ['DPO', { estimator: 'dpo' }],
    [
      'IPO in two epochs of two minibatches',
      { estimator: 'dpo', preferenceLoss: 'ipo', epochs: 2, minibatches: 2 },
    ],
  ])('of pairs are computed once for each answer (%s)', async (_name, method) => {
    const run = makeCounted(method, true);
    expect(await trainLoop(run.parts, await newFolder(), null)).toBe('done');
    const asked = run.reference.flat().map(({ answerIds }) => answerIds);
    // Six training and six held-out rows of two answers each.
    expect(asked).toHaveLength(24);
    expect(new Set(asked).size).toBe(24);
    // Held out: once. Training: four rows in the first step, the two that are left in the second.
    expect(run.reference.map((list) => list.length)).toEqual([12, 8, 4]);
  });

  it.each([{ estimator: 'orpo' }, { estimator: 'simpo' }])(
    'are never asked for by $estimator',
    async (method) => {
      const run = makeCounted(method, true);
      expect(await trainLoop(run.parts, await newFolder(), null)).toBe('done');
      expect(run.reference).toEqual([]);
    },
  );

  it('of KTO: once for each answer, and for answers under wrong questions, which differ from step to step', async () => {
    const run = makeCounted({ estimator: 'kto' }, false);
    expect(await trainLoop(run.parts, await newFolder(), null)).toBe('done');
    const own = new Map(
      run.parts.train.flatMap(({ promptIds, pair }) =>
        [pair!.chosen!, pair!.rejected!].map((ids) => [ids, promptIds]),
      ),
    );
    const matched = run.reference.filter((list) =>
      list.every(({ promptIds, answerIds }) => own.get(answerIds) === promptIds),
    );
    expect(matched.map((list) => list.length)).toEqual([8, 4]);
    expect(run.reference.length - matched.length).toBe(9);
  });

  it('are those of a run that was never stopped when it goes on', async () => {
    const whole = makeCounted({ estimator: 'dpo' }, false);
    await trainLoop(whole.parts, await newFolder(), null);
    const folder = await newFolder();
    const first = makeCounted({ estimator: 'dpo' }, false);
    first.control.onEvent = (event) => {
      if (event.type === 'step' && event.step === 5) first.control.stop = true;
    };
    await trainLoop(first.parts, folder, null);
    const rest = makeCounted({ estimator: 'dpo' }, false);
    await trainLoop(rest.parts, folder, await findCheckpoint(folder, 'last'));
    const margins = (run: TestRun): unknown[] =>
      eventsOf(run.events, 'step').map(({ step, metrics }) => [step, metrics['rewards/margins']]);
    expect(margins(rest)).toEqual(margins(whole).slice(5));
    // Rows are scored together with those of their first step, as before: what is computed together decides the rounding.
    const texts = (run: Counted): string[] =>
      run.reference.map((list) =>
        list.map(({ promptIds, answerIds }) => `${promptIds.join()}>${answerIds.join()}`).join(' '),
      );
    expect(texts(rest).every((text) => texts(whole).includes(text))).toBe(true);
  });
});
