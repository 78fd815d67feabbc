/** The sampler: its numbers are the learner's, and an answer depends on its prompt, its stream and nothing else. */
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EspalierError } from '../../../src-main/contract/errors.ts';
import { openCheckpoint } from '../../../src-main/models/open-checkpoint.ts';
import type { SamplerOptions } from '../../../src-main/rollout/create-sampler.ts';
import { createSampler } from '../../../src-main/rollout/create-sampler.ts';
import type { SampleOptions, SampleRequest, SampleResult } from '../../../src-main/rollout/sampler.ts';
import { createParameterStore } from '../../../src-main/runtime/load-weights.ts';
import type { ParameterStore } from '../../../src-main/runtime/parameter-store.ts';
import { storedWeights } from '../../../src-main/runtime/weights.ts';
import { createLearner } from '../../../src-main/training/compiled-learner.ts';
import { expectClose } from '../../helpers/compare.ts';
import { nllLoss, noKl } from '../../helpers/loss-forms.ts';
import type { ModelFixture } from '../../helpers/model-fixtures.ts';
import { lossSequence, modelNames, openFixture, openLearner } from '../../helpers/model-fixtures.ts';
import { fillRandom, tinyConfig } from '../../helpers/tiny-model.ts';

const defaults: SampleOptions = { maxTokens: 10, temperature: 1, topP: 1, topK: 0, stopIds: [] };

/** Samples once with a sampler made for it. */
async function sample(
  options: SamplerOptions,
  requests: readonly SampleRequest[],
  choices: Partial<SampleOptions> = {},
): Promise<SampleResult[]> {
  const sampler = await createSampler(options);
  try {
    return await sampler.generate(requests, { ...defaults, ...choices });
  } finally {
    await sampler.dispose();
  }
}

const idsOf = (results: readonly SampleResult[]): number[][] => results.map(({ ids }) => [...ids]);

describe.each(modelNames)('%s', (name) => {
  it('gives the log-probabilities of the learner', async () => {
    const fixture = await openFixture(name);
    const { learner, store } = await openLearner(fixture);
    const { config } = fixture.checkpoint;
    const requests = Array.from({ length: 12 }, (_, index) => ({
      promptIds: Int32Array.from(fixture.reference.sequences[index % 3]!.slice(0, 1 + (index % 5) * 2)),
      stream: [3, index],
    }));
    for (const temperature of [0.7, 1, 1.3]) {
      const results = await sample({ config, weights: store }, requests, { temperature, stopIds: [2] });
      const scores = await learner.score(
        results.map(({ ids }, index) => ({ promptIds: requests[index]!.promptIds, answerIds: ids })),
        temperature,
      );
      results.forEach(({ logprobs }, index) =>
        expectClose(
          logprobs,
          scores[index]!.logprobs,
          { absolute: 1e-4 },
          `answer ${index} at ${temperature}`,
        ),
      );
    }
    await learner.dispose();
  });
});

describe('answers', () => {
  let fixture: ModelFixture;
  let store: ParameterStore;
  let weights: SamplerOptions;
  let requests: SampleRequest[];
  let stopIds: number[];
  let expected: SampleResult[];

  beforeAll(async () => {
    fixture = await openFixture('mistral');
    ({ store } = await openLearner(fixture));
    weights = { config: fixture.checkpoint.config, weights: store };
    requests = Array.from({ length: 20 }, (_, index) => ({
      promptIds: Int32Array.from(fixture.reference.sequences[index % 3]!.slice(0, 1 + (index % 4) * 3)),
      stream: [11, index],
    }));
    // The most frequent tokens as stops, so that answers end at many different lengths.
    const free = await sample(weights, requests, { maxTokens: 24 });
    const counts = new Map<number, number>();
    for (const id of idsOf(free).flat()) counts.set(id, (counts.get(id) ?? 0) + 1);
    stopIds = [...counts]
      .sort((a, b) => b[1] - a[1])
      .slice(0, 4)
      .map(([id]) => id);
    expected = await sample(weights, requests, { maxTokens: 24, stopIds });
  });

  it('end at a stop id, which they include, or at the longest length', () => {
    const lengths = new Set(expected.map(({ ids }) => ids.length));
    expect(lengths.size).toBeGreaterThan(4);
    expect(new Set(expected.map(({ finish }) => finish))).toEqual(new Set(['stop', 'length']));
    for (const { ids, logprobs, finish } of expected) {
      expect(logprobs).toHaveLength(ids.length);
      expect([...ids.subarray(0, -1)].some((id) => stopIds.includes(id))).toBe(false);
      expect(stopIds.includes(ids.at(-1)!)).toBe(finish === 'stop');
      if (finish === 'length') expect(ids).toHaveLength(24);
    }
  });

  it('do not depend on places, order and company', async () => {
    const choices = { maxTokens: 24, stopIds };
    for (const places of [1, 3, 7]) {
      const some = await sample({ ...weights, places }, requests, choices);
      expect(idsOf(some), `${places} places`).toEqual(idsOf(expected));
      some.forEach(({ logprobs, finish }, index) => {
        expect(finish).toBe(expected[index]!.finish);
        expectClose(
          logprobs,
          expected[index]!.logprobs,
          { absolute: 1e-5 },
          `${places} places, answer ${index}`,
        );
      });
    }
    const reversed = await sample({ ...weights, places: 5 }, requests.toReversed(), choices);
    expect(idsOf(reversed.toReversed())).toEqual(idsOf(expected));
    const alone = await sample(weights, [requests[13]!], choices);
    expect(idsOf(alone)).toEqual([idsOf(expected)[13]]);
    // Little room for caches: one place.
    expect(idsOf(await sample({ ...weights, cacheBytes: 1 }, requests.slice(0, 5), choices))).toEqual(
      idsOf(expected.slice(0, 5)),
    );
  });

  it('are the same from a sampler that was used before', async () => {
    const sampler = await createSampler(weights);
    const choices = { ...defaults, maxTokens: 24, stopIds };
    await sampler.generate(requests.slice(4, 9), { ...choices, temperature: 2 });
    await sampler.generate([{ promptIds: new Int32Array(60).fill(3), stream: [1] }], choices);
    expect(idsOf(await sampler.generate(requests, choices))).toEqual(idsOf(expected));
    expect(await sampler.generate([], choices)).toEqual([]);
    await sampler.dispose();
  });

  it('of one prompt are each what they are alone, and differ by stream', async () => {
    const promptIds = requests[3]!.promptIds;
    const group = Array.from({ length: 9 }, (_, index) => ({
      promptIds: promptIds.slice(),
      stream: [21, index % 8],
    }));
    const mixed = [...group.slice(0, 4), requests[0]!, ...group.slice(4), requests[1]!];
    const results = await sample({ ...weights, places: 4 }, mixed, { maxTokens: 8 });
    for (const [index, request] of mixed.entries()) {
      const [alone] = await sample(weights, [request], { maxTokens: 8 });
      expect([...results[index]!.ids], `answer ${index}`).toEqual([...alone!.ids]);
    }
    const answers = results.filter((_, index) => index !== 4 && index !== 10).map(({ ids }) => ids.join());
    expect(answers[8]).toBe(answers[0]);
    expect(new Set(answers.slice(0, 8)).size).toBe(8);
  });

  it('continued from any prefix are what they were', async () => {
    const { promptIds } = requests[2]!;
    const [whole] = await sample(weights, [requests[2]!], { maxTokens: 20, temperature: 0 });
    const forks = Array.from({ length: 20 }, (_, length) => ({
      promptIds: Int32Array.from([...promptIds, ...whole!.ids.subarray(0, length)]),
      stream: [1],
    }));
    const rest = await sample({ ...weights, places: 6 }, forks, { maxTokens: 20, temperature: 0 });
    rest.forEach(({ ids, logprobs }, length) => {
      expect([...ids.subarray(0, 20 - length)], `from ${length} tokens`).toEqual([
        ...whole!.ids.subarray(length),
      ]);
      expectClose(
        logprobs.subarray(0, 20 - length),
        whole!.logprobs.subarray(length),
        { absolute: 1e-5 },
        `fork ${length}`,
      );
    });
  });

  it('end where each request says', async () => {
    const lengths = requests.map((request, index) => ({ ...request, maxTokens: 1 + (index % 7) * 3 }));
    const results = await sample({ ...weights, places: 6 }, lengths, { maxTokens: 5, stopIds });
    results.forEach(({ ids, finish }, index) => {
      const most = lengths[index]!.maxTokens;
      expect([...ids]).toEqual([...expected[index]!.ids.subarray(0, most)]);
      expect(finish).toBe(expected[index]!.ids.length <= most ? expected[index]!.finish : 'length');
    });
    const beyond = [{ ...requests[0]!, maxTokens: 100_000 }];
    await expect(sample(weights, beyond)).rejects.toMatchObject({ code: 'prompt-too-long' });
  });

  it('from all places of several answers are what they are alone', async () => {
    const whole = await sample(weights, requests.slice(0, 4), { maxTokens: 12 });
    const forks = whole.flatMap(({ ids }, answer) =>
      [0, 1, 3, 4, 7, 11].flatMap((position) =>
        [0, 1, 2].map((order) => ({
          promptIds: Int32Array.from([...requests[answer]!.promptIds, ...ids.subarray(0, position)]),
          stream: [31, answer, position, order],
          maxTokens: 12 - position,
        })),
      ),
    );
    const together = await sample({ ...weights, places: 7 }, forks, { stopIds });
    for (let index = 0; index < forks.length; index += 5) {
      const [alone] = await sample(weights, [forks[index]!], { stopIds });
      expect([...together[index]!.ids], `fork ${index}`).toEqual([...alone!.ids]);
      expectClose(together[index]!.logprobs, alone!.logprobs, { absolute: 1e-5 }, `fork ${index}`);
    }
  });

  it('are the same where the binding copies results', async () => {
    const copied = await sample({ ...weights, session: { copyResults: true } }, requests, {
      maxTokens: 24,
      stopIds,
    });
    expect(idsOf(copied)).toEqual(idsOf(expected));
    copied.forEach(({ logprobs }, index) => expect([...logprobs]).toEqual([...expected[index]!.logprobs]));
  });

  it('follow the weights of the learner at once', async () => {
    const { learner, store: own } = await openLearner(fixture);
    const sampler = await createSampler({ config: fixture.checkpoint.config, weights: own });
    const request = { promptIds: Int32Array.of(5, 6, 7), stream: [1] };
    const [before] = await sampler.generate([request], { ...defaults, temperature: 0 });
    const sequence = lossSequence([5, 6, 7, 40, 41, 42], 3);
    for (let step = 0; step < 12; step++) {
      await learner.accumulate([sequence], nllLoss, noKl, 1);
      learner.step({ learningRate: 0.02, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, clipNorm: 1 });
      const [now] = await sampler.generate([request], { ...defaults, maxTokens: 3, temperature: 0 });
      const [score] = await learner.score([{ ...sequence, answerIds: now!.ids }], 1);
      expectClose(now!.logprobs, score!.logprobs, { absolute: 1e-4 }, `after step ${step + 1}`);
    }
    const [after] = await sampler.generate([request], { ...defaults, maxTokens: 3, temperature: 0 });
    expect([...after!.ids]).toEqual([40, 41, 42]);
    expect([...before!.ids.subarray(0, 3)]).not.toEqual([40, 41, 42]);
    await sampler.dispose();
    await learner.dispose();
  });

  it('report progress and stop when told to', async () => {
    const sampler = await createSampler({ ...weights, places: 4 });
    const seen: [number, number][] = [];
    const onProgress = (finished: number, tokens: number): boolean => {
      seen.push([finished, tokens]);
      return true;
    };
    await sampler.generate(requests, { ...defaults, maxTokens: 5, onProgress });
    expect(seen.at(-1)).toEqual([20, 100]);
    expect(seen.every(([, tokens], index) => index === 0 || tokens > seen[index - 1]![1])).toBe(true);
    const stopped = sampler.generate(requests, { ...defaults, onProgress: (finished) => finished < 3 });
    await expect(stopped).rejects.toMatchObject({ kind: 'cancelled', code: 'cancelled' });
    expect(idsOf(await sampler.generate(requests, { ...defaults, maxTokens: 24, stopIds }))).toEqual(
      idsOf(expected),
    );
    await sampler.dispose();
  });

  it('to impossible requests are refused with advice', async () => {
    const sampler = await createSampler(weights);
    const refused = async (
      promptIds: number[],
      choices: Partial<SampleOptions>,
      code: string,
    ): Promise<void> => {
      const answer = sampler.generate([{ promptIds: Int32Array.from(promptIds), stream: [1] }], {
        ...defaults,
        ...choices,
      });
      const error: unknown = await answer.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(EspalierError);
      expect(error).toMatchObject({ kind: 'user', code });
    };
    await refused([], {}, 'prompt-empty');
    await refused(new Array<number>(120).fill(1), {}, 'prompt-too-long');
    await refused([1, 2], { maxTokens: 127 }, 'prompt-too-long');
    await refused([1, 104], {}, 'token-unknown');
    await refused([-1], {}, 'token-unknown');
    await expect(sampler.generate(requests, { ...defaults, topP: 0 })).rejects.toThrow(RangeError);
    await expect(sampler.generate(requests, { ...defaults, maxTokens: 0 })).rejects.toThrow(RangeError);
    // As long as the model allows is allowed.
    const [longest] = await sampler.generate([{ promptIds: Int32Array.of(1, 2), stream: [1] }], {
      ...defaults,
      maxTokens: 126,
    });
    expect(longest!.ids).toHaveLength(126);
    await sampler.dispose();
  });
});

describe('the distribution', () => {
  const config = tinyConfig({ vocabularySize: 8 });
  const draws = 4000;
  let store: ParameterStore;

  beforeAll(async () => {
    store = await createParameterStore(config, true);
    fillRandom(store, 31);
  });

  /** Probabilities of every word after a prompt, from the learner. */
  async function distribution(prompt: readonly number[], temperature: number): Promise<number[]> {
    const learner = await createLearner({ config, store, microBatchTokens: 512, sourceFolder: '' });
    const words = Array.from({ length: 8 }, (_, word) => ({
      promptIds: Int32Array.from(prompt),
      answerIds: Int32Array.of(word),
    }));
    const scores = await learner.score(words, temperature);
    await learner.dispose();
    return scores.map(({ logprobs }) => Math.exp(logprobs[0]!));
  }

  async function counts(
    prompt: readonly number[],
    choices: Partial<SampleOptions>,
    position: number,
  ): Promise<number[]> {
    const requests = Array.from({ length: draws }, (_, index) => ({
      promptIds: Int32Array.from(prompt),
      stream: [77, index],
    }));
    const results = await sample({ config, weights: store }, requests, {
      ...choices,
      maxTokens: position + 1,
    });
    const found = new Array<number>(8).fill(0);
    for (const { ids } of results) found[ids[position]!]! += 1;
    return found;
  }

  /** Σ (observed − expected)² / expected over words that are expected at least five times, the others together. */
  function chiSquare(
    observed: readonly number[],
    expected: readonly number[],
  ): { value: number; freedom: number } {
    const cells: [number, number][] = [];
    let rare: [number, number] = [0, 0];
    observed.forEach((count, word) => {
      const wanted = expected[word]! * draws;
      if (wanted >= 5) cells.push([count, wanted]);
      else rare = [rare[0] + count, rare[1] + wanted];
    });
    if (rare[1] >= 5) cells.push(rare);
    return {
      value: cells.reduce((sum, [count, wanted]) => sum + (count - wanted) ** 2 / wanted, 0),
      freedom: cells.length - 1,
    };
  }

  /** Values that chi-square exceeds with probability 0.001, for 1 to 7 degrees of freedom. */
  const critical = [10.828, 13.816, 16.266, 18.467, 20.515, 22.458, 24.322];

  it.each([0.6, 1, 1.5])('of the first word is the model’s (temperature %d)', async (temperature) => {
    const expected = await distribution([1, 2], temperature);
    const { value, freedom } = chiSquare(await counts([1, 2], { temperature }, 0), expected);
    expect(freedom).toBeGreaterThan(1);
    expect(value).toBeLessThan(critical[freedom - 1]!);
  });

  it('of the second word is that over all first words', async () => {
    const first = await distribution([1, 2], 1);
    const expected = new Array<number>(8).fill(0);
    for (const [word, probability] of first.entries()) {
      const next = await distribution([1, 2, word], 1);
      next.forEach((p, then) => (expected[then]! += probability * p));
    }
    const { value, freedom } = chiSquare(await counts([1, 2], {}, 1), expected);
    expect(value).toBeLessThan(critical[freedom - 1]!);
    // The test has the power to reject: another temperature is refused.
    const other = chiSquare(await counts([1, 2], { temperature: 1.3 }, 1), expected);
    expect(other.value).toBeGreaterThan(critical[freedom - 1]!);
  });

  it('with top-k and top-p is the renormalised head of it', async () => {
    const full = await distribution([1, 2], 1);
    const order = [...full.keys()].sort((a, b) => full[b]! - full[a]!);
    const restricted = (kept: readonly number[]): number[] => {
      const sum = kept.reduce((total, word) => total + full[word]!, 0);
      return full.map((p, word) => (kept.includes(word) ? p / sum : 0));
    };
    const three = restricted(order.slice(0, 3));
    const topK = await counts([1, 2], { topK: 3 }, 0);
    expect(topK.filter((count) => count > 0)).toHaveLength(3);
    expect(chiSquare(topK, three).value).toBeLessThan(critical[1]!);

    // Just below what the first two hold together: exactly these two reach it.
    const bound = full[order[0]!]! + full[order[1]!]! - 1e-4;
    const two = restricted(order.slice(0, 2));
    const topP = await counts([1, 2], { topP: bound }, 0);
    expect(topP.filter((count) => count > 0)).toHaveLength(2);
    expect(chiSquare(topP, two).value).toBeLessThan(critical[0]!);

    // One word is left: certain, but its log-probability stays that of the full softmax.
    const certain = await sample(
      { config, weights: store },
      [{ promptIds: Int32Array.of(1, 2), stream: [1] }],
      {
        topK: 1,
        maxTokens: 1,
      },
    );
    expect(certain[0]!.ids[0]).toBe(order[0]);
    expectClose(certain[0]!.logprobs, [Math.log(full[order[0]!]!)], { absolute: 1e-5 }, 'log-probability');
  });
});

describe('weights read in place', () => {
  const folders: string[] = [];
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

  async function temporary(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'espalier-sampler-'));
    folders.push(folder);
    return folder;
  }

  it.each(['llama-bias', 'llama-sharded', 'qwen3', 'gpt2', 'llama-bf16', 'llama-f16'])(
    '%s: the same through links to blobs',
    async (name) => {
      const fixture = await openFixture(name);
      const { config } = fixture.checkpoint;
      const { store, learner } = await openLearner(fixture);
      await learner.dispose();
      // The cache of the Hugging Face hub: snapshots/ with links into blobs/.
      const root = await temporary();
      const [blobs, snapshot] = [join(root, 'blobs'), join(root, 'snapshots', 'main')];
      await mkdir(blobs);
      await mkdir(snapshot, { recursive: true });
      for (const [index, file] of (await readdir(fixture.folder)).entries()) {
        await copyFile(join(fixture.folder, file), join(blobs, `blob-${index}`));
        await symlink(join('..', '..', 'blobs', `blob-${index}`), join(snapshot, file));
      }
      const requests = fixture.reference.sequences.map((ids, index) => ({
        promptIds: Int32Array.from(ids.slice(0, 4 + index)),
        stream: [index],
      }));
      const loaded = await sample({ config, weights: store }, requests);
      for (const folder of [fixture.folder, snapshot]) {
        const stored = storedWeights(await openCheckpoint(folder));
        expect(stored, folder).not.toBeNull();
        const results = await sample({ config, weights: stored! }, requests);
        expect(idsOf(results)).toEqual(idsOf(loaded));
        results.forEach(({ logprobs }, index) =>
          expectClose(logprobs, loaded[index]!.logprobs, { absolute: 1e-5 }, `${folder}, answer ${index}`),
        );
      }
    },
  );

  it('are declined in several folders', async () => {
    const { checkpoint } = await openFixture('llama-mha');
    const name = 'lm_head.weight';
    const elsewhere = { ...checkpoint.tensors.get(name)!, file: '/elsewhere/model.safetensors' };
    const moved = new Map(checkpoint.tensors).set(name, elsewhere);
    expect(storedWeights({ ...checkpoint, tensors: moved })).toBeNull();
  });
});

describe('memory', () => {
  it('does not grow over 300 runs', async () => {
    const config = tinyConfig({ vocabularySize: 512, hiddenSize: 64 });
    const store = await createParameterStore(config, true);
    fillRandom(store, 41);
    const sampler = await createSampler({ config, weights: store });
    const learner = await createLearner({ config, store, microBatchTokens: 256, sourceFolder: '' });
    const requests = Array.from({ length: 8 }, (_, index) => ({
      promptIds: Int32Array.of(1, 2, index),
      stream: [index],
    }));
    const round = async (): Promise<void> => {
      const results = await sampler.generate(requests, { ...defaults, maxTokens: 3 });
      const sequences = results.map(({ ids }, index) => lossSequence([1, 2, index, ...ids], 3, 0.01));
      await learner.accumulate(sequences, nllLoss, noKl, 1);
      learner.step({ learningRate: 1e-4, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, clipNorm: 1 });
    };
    for (let run = 0; run < 60; run++) await round();
    const collect = globalThis.gc;
    collect?.();
    const before = process.memoryUsage().rss;
    for (let run = 0; run < 300; run++) await round();
    collect?.();
    expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(30);
    await sampler.dispose();
    await learner.dispose();
  });
});
