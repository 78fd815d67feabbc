/** The state of a learner: saved and restored, accumulated and refused. */
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ParameterStore } from '../../../src-main/runtime/parameter-store.ts';
import type { Learner, LossSequence, OptimizerSettings } from '../../../src-main/training/learner.ts';
import { splitMicroBatches, packSequences } from '../../../src-main/training/batch-layout.ts';
import { expectClose, largestSize } from '../../helpers/compare.ts';
import { nllLoss, noKl, plainLoss } from '../../helpers/loss-forms.ts';
import type { ModelFixture } from '../../helpers/model-fixtures.ts';
import { lossSequence, lossSequences, openFixture, openLearner } from '../../helpers/model-fixtures.ts';

const settings: OptimizerSettings = {
  learningRate: 0.003,
  beta1: 0.9,
  beta2: 0.99,
  eps: 1e-8,
  weightDecay: 0.05,
  clipNorm: 1,
};

const folders: string[] = [];
async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'espalier-learner-'));
  folders.push(folder);
  return folder;
}
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

const bits = (store: ParameterStore): Buffer => Buffer.from(store.copyWeights().buffer);

async function train(learner: Learner, sequences: readonly LossSequence[], steps: number): Promise<number[]> {
  const norms: number[] = [];
  for (let step = 0; step < steps; step++) {
    await learner.accumulate(sequences, step % 2 === 0 ? nllLoss : plainLoss, noKl, 1);
    norms.push(learner.step(settings).gradientNorm);
  }
  return norms;
}

describe.each(['qwen2', 'gpt2', 'llama-gqa-tied'])('%s', (name) => {
  let fixture: ModelFixture;
  let sequences: LossSequence[];
  beforeAll(async () => {
    fixture = await openFixture(name);
    sequences = lossSequences(fixture);
  });

  it('goes on from a saved state bit by bit as if nothing had been', async () => {
    const folder = await temporary();
    const first = await openLearner(fixture, { microBatchTokens: 48 });
    await train(first.learner, sequences, 3);
    await first.learner.save(folder);
    const norms = await train(first.learner, sequences, 3);

    const second = await openLearner(fixture, { microBatchTokens: 48 });
    await second.learner.restore(folder);
    expect(await train(second.learner, sequences, 3)).toEqual(norms);
    expect(bits(second.store).equals(bits(first.store))).toBe(true);
    for (const { name: parameter } of first.store.parameters) {
      expect(second.store.firstMoment(parameter)).toEqual(first.store.firstMoment(parameter));
      expect(second.store.secondMoment(parameter)).toEqual(first.store.secondMoment(parameter));
    }
    await first.learner.dispose();
    await second.learner.dispose();
  });

  it('two runs are equal bit by bit', async () => {
    const [a, b] = [await openLearner(fixture), await openLearner(fixture)];
    expect(await train(a.learner, sequences, 4)).toEqual(await train(b.learner, sequences, 4));
    expect(bits(a.store).equals(bits(b.store))).toBe(true);
    await a.learner.dispose();
    await b.learner.dispose();
  });

  it('forgets the gradient of the step before, however the steps are split', async () => {
    const { learner, store } = await openLearner(fixture);
    const still = { ...settings, learningRate: 0 };
    const gradients = async (...calls: (readonly LossSequence[])[]): Promise<Float32Array[]> => {
      for (const call of calls) await learner.accumulate(call, plainLoss, noKl, 1);
      const copies = store.parameters.map((parameter) => store.gradient(parameter.name).slice());
      learner.step(still);
      return copies;
    };
    const [one, two] = [sequences.slice(0, 1), sequences.slice(1)];
    const alone = await gradients(one);
    const both = await gradients(one, two);
    const other = await gradients(two);
    const again = await gradients(one);
    store.parameters.forEach(({ name: parameter }, index) => {
      expect(again[index], parameter).toEqual(alone[index]);
      const sum = alone[index]!.map((value, at) => value + other[index]![at]!);
      const bound = { absolute: 2e-6 * Math.max(largestSize(alone[index]!), largestSize(other[index]!)) };
      expectClose(both[index]!, sum, bound, `sum of two calls: ${parameter}`);
    });
    // A step without any sequence has no gradient.
    expect(learner.step(still)).toEqual({ gradientNorm: 0, applied: true });
    await learner.dispose();
  });

  it('does not apply a gradient that is not finite, and goes on afterwards', async () => {
    const { learner, store } = await openLearner(fixture);
    await train(learner, sequences, 1);
    const before = bits(store);
    const broken = sequences.map((sequence) => ({
      ...sequence,
      advantages: sequence.advantages.map(() => NaN),
    }));
    const { loss } = await learner.accumulate(broken, plainLoss, noKl, 1);
    expect(loss).toBeNaN();
    expect(learner.step(settings).applied).toBe(false);
    const endless = sequences.map((sequence) => ({
      ...sequence,
      advantages: sequence.advantages.map(() => 3e38),
    }));
    await learner.accumulate(endless, plainLoss, noKl, 1);
    expect(learner.step(settings).applied).toBe(false);
    expect(bits(store).equals(before)).toBe(true);

    // What follows is what would have followed without them: nothing of them stays in gradients or moments.
    const fresh = await openLearner(fixture);
    await train(fresh.learner, sequences, 1);
    for (const calls of [[sequences], [sequences.slice(0, 2), sequences.slice(2)]]) {
      for (const one of [learner, fresh.learner]) {
        for (const call of calls) await one.accumulate(call, nllLoss, noKl, 1);
        expect(one.step(settings).applied).toBe(true);
      }
      expect(bits(store).equals(bits(fresh.store))).toBe(true);
    }
    await learner.dispose();
    await fresh.learner.dispose();
  });
});

describe('a saved state', () => {
  it('that is damaged is refused with the file', async () => {
    const fixture = await openFixture('llama-mha');
    const folder = await temporary();
    const { learner } = await openLearner(fixture);
    await train(learner, lossSequences(fixture), 1);
    await learner.save(folder);
    const state = join(folder, 'optimizer.json');
    const good = await readFile(state, 'utf8');
    expect(JSON.parse(good)).toEqual({ version: 1, updates: 1 });
    await writeFile(state, JSON.stringify({ version: 1, updates: -1 }));
    await expect(learner.restore(folder)).rejects.toMatchObject({ code: 'checkpoint-damaged', where: state });
    await writeFile(state, good.slice(0, 10));
    await expect(learner.restore(folder)).rejects.toMatchObject({ code: 'checkpoint-damaged', where: state });
    await writeFile(state, good);
    await truncate(join(folder, 'optimizer.safetensors'), 500);
    await expect(learner.restore(folder)).rejects.toMatchObject({ name: 'EspalierError' });
    await learner.dispose();
  });
});

describe('scores', () => {
  it('of answers without tokens are empty, and such answers change nothing', async () => {
    const fixture = await openFixture('llama-mha');
    const { learner, store } = await openLearner(fixture);
    const empty = lossSequence([5, 6, 7], 3);
    const [full] = lossSequences(fixture);
    const [scores] = await learner.score([empty], 1);
    expect(scores).toEqual({ logprobs: new Float32Array(0), entropies: new Float32Array(0) });
    expect((await learner.accumulate([empty], plainLoss, noKl, 1)).loss).toBe(0);
    expect(learner.step(settings)).toEqual({ gradientNorm: 0, applied: true });
    const alone = await learner.accumulate([full!], plainLoss, noKl, 1);
    const norm = store.gradientNorm();
    learner.step({ ...settings, learningRate: 0 });
    await learner.restore(await saved(learner));
    const together = await learner.accumulate([empty, full!, empty], plainLoss, noKl, 1);
    expect(together.loss).toBeCloseTo(alone.loss, 5);
    expect(store.gradientNorm() / norm).toBeCloseTo(1, 5);
    expect(together.scores[0]!.logprobs).toHaveLength(0);
    expect(together.scores[1]!.logprobs).toHaveLength(full!.answerIds.length);
    await learner.dispose();
  });
});

async function saved(learner: Learner): Promise<string> {
  const folder = await temporary();
  await learner.save(folder);
  return folder;
}

describe('arrangement', () => {
  it('fills rows without overlap and keeps micro-batches within their size', () => {
    const lengths = [24, 3, 17, 9, 9, 1, 30, 12, 2, 24];
    const { rows, width, places } = packSequences(lengths);
    expect(width).toBe(32);
    const used = new Set<number>();
    places.forEach(({ row, column }, index) => {
      expect(row).toBeLessThan(rows);
      for (let at = column; at < column + lengths[index]!; at++) {
        expect(at).toBeLessThan(width);
        expect(used.has(row * width + at)).toBe(false);
        used.add(row * width + at);
      }
    });
    for (const tokens of [8, 32, 64, 200]) {
      const batches = splitMicroBatches(lengths, tokens);
      expect(batches.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, index) => index));
      for (const batch of batches) {
        const packed = packSequences(batch.map((index) => lengths[index]!));
        if (batch.length > 1) expect(packed.rows * packed.width).toBeLessThanOrEqual(tokens);
      }
    }
  });
});
