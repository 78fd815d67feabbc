/** The entropy bonus in compiled training: its gradient against central differences, and a run that it keeps varied. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SurrogateSpec } from '../../../src-main/contract/estimator.ts';
import { randomSequence } from '../../../src-main/contract/random.ts';
import { compile } from '../../../src-main/graph/compile.ts';
import { createParameterStore } from '../../../src-main/runtime/load-weights.ts';
import { createLearner } from '../../../src-main/training/compiled-learner.ts';
import { buildLossGraph } from '../../../src-main/training/loss-graph.ts';
import { expectClose } from '../../helpers/compare.ts';
import { evaluateGraph, tensor } from '../../helpers/evaluate-graph.ts';
import { noKl, plainLoss } from '../../helpers/loss-forms.ts';
import { lossSequence } from '../../helpers/model-fixtures.ts';
import { layoutFeeds } from '../../helpers/run-layout.ts';
import { fillRandom, tinyConfig } from '../../helpers/tiny-model.ts';
import { newFolder, runConfig, trainHere } from '../training/run-folder.ts';

const form = { kl: noKl, onPolicy: true, accumulate: false };
const withBonus: SurrogateSpec = { ...plainLoss, entropyBonus: 0.3 };

describe.each([
  ['12 words', 12, 40],
  ['9,000 words, in slices', 9000, 3],
])('the gradient through the whole model, %s', (_name, vocabularySize, samples) => {
  const config = tinyConfig({ vocabularySize });
  const words = vocabularySize - 1;
  const ids = [
    [1, 2, words, 4, 5, 6],
    [words, 8, 9],
    [10, 11, 0, 1],
  ];
  const sequences = ids.map((row) => ({
    ...lossSequence(row, 1, 0.1),
    // Without an advantage only the entropy pulls; a weight of 0 takes it away.
    advantages: Float32Array.from(row.slice(1), (_, index) => [1, -0.5, 0][index % 3]!),
    weights: Float32Array.from(row.slice(1), (_, index) => [0.1, 0, 0.25][index % 3]!),
  }));

  it('agrees with central differences in double precision', async () => {
    const store = await createParameterStore(config, true);
    fillRandom(store, 21);
    const layout = { rows: 3, width: 8, places: [0, 1, 2].map((row) => ({ row, column: 0 })) };
    const { loss } = buildLossGraph(config, { ...form, surrogate: withBonus });
    const feeds = layoutFeeds(config, store, sequences, layout, 0.7);
    const lossWith = (name: string, index: number, by: number): number => {
      const { shape, data } = feeds[name]!;
      const moved = data.slice();
      moved[index]! += by;
      return evaluateGraph([loss.node], { ...feeds, [name]: tensor(shape, moved) }).get(loss.node)!.data[0]!;
    };
    const learner = await createLearner({ config, store, microBatchTokens: 16, sourceFolder: '' });
    const result = await learner.accumulate(sequences, withBonus, noKl, 0.7);
    expectClose([result.loss], [lossWith('model.norm.weight', 0, 0)], { absolute: 1e-5 }, 'loss');
    const next = randomSequence([22]);
    for (const { name } of store.parameters) {
      const gradient = store.gradient(name);
      for (let sample = 0; sample < samples; sample++) {
        const index = Math.floor(next() * gradient.length);
        const difference = (lossWith(name, index, 1e-5) - lossWith(name, index, -1e-5)) / 2e-5;
        expectClose([gradient[index]!], [difference], { absolute: 2e-5 }, `${name}[${index}]`);
      }
    }
    await learner.dispose();
  });
});

it('adds nothing to the graph where there is none', () => {
  const config = tinyConfig();
  const bytes = (surrogate: SurrogateSpec): Uint8Array => {
    const { graph, results, gradients, rows } = buildLossGraph(config, { ...form, surrogate });
    return compile(graph, [...results, ...gradients, ...rows]).bytes;
  };
  expect(bytes({ ...plainLoss, entropyBonus: 0 })).toEqual(bytes(plainLoss));
  expect(bytes(withBonus).length).toBeGreaterThan(bytes(plainLoss).length);
});

describe('in a run', () => {
  let root: string;
  beforeAll(async () => void (root = await newFolder()));
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('keeps answers varied, everything else equal', async () => {
    const path = join(root, 'sevens.jsonl');
    const rows = Array.from({ length: 12 }, (_, row) => ({ prompt: `${row}?`, answer: '7' }));
    await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
    const run = async (entropyBonus: number | undefined): Promise<Record<string, number>[]> => {
      const config = runConfig(path, {
        reward: { components: [{ kind: 'number', find: 'last' }] },
        method: { estimator: 'rloo', groupSize: 16, learningRate: 5e-3, entropyBonus },
        budget: { steps: 40, promptsPerStep: 4, evaluateEvery: 40, checkpointEvery: 100 },
      });
      const { events } = await trainHere(config, join(root, `bonus ${entropyBonus}`));
      return events.flatMap((event) => (event.type === 'step' ? [event.metrics] : []));
    };
    const plain = await run(undefined);
    const varied = await run(0.3);
    const entropy = (metrics: Record<string, number>[]): number => metrics.at(-1)!['entropyMean']!;
    expect(entropy(plain)).toBeLessThan(0.5 * plain[0]!['entropyMean']!);
    expect(entropy(varied)).toBeGreaterThan(2 * entropy(plain));
    expect(plain.every((metrics) => metrics['entropyLoss'] === undefined)).toBe(true);
    // RLOO sums over answers: what the loss holds is the mean entropy times the mean length.
    const { entropyLoss, entropyMean, lengthMean, skippedShare } = varied[0]!;
    expect(entropyLoss).toBeCloseTo(entropyMean! * lengthMean!, 4);
    expect(skippedShare).toBe(0);
    // The first step began from the same weights and answers.
    expect(varied[0]!['rewardMean']).toBe(plain[0]!['rewardMean']);
  });

  it('of 0 changes nothing', async () => {
    const path = join(root, 'digits.jsonl');
    await writeFile(
      path,
      ['1', '2', '3', '4'].map((answer) => JSON.stringify({ prompt: `${answer}=`, answer })).join('\n'),
    );
    const run = async (entropyBonus: number | undefined) => {
      const config = runConfig(path, { method: { entropyBonus }, budget: { steps: 2, maxTokens: 2 } });
      const { events } = await trainHere(config, join(root, `none ${entropyBonus}`));
      return events.flatMap((event) =>
        event.type === 'step' ? [[event.metrics['loss'], event.metrics['gradientNorm']]] : [],
      );
    };
    expect(await run(0)).toEqual(await run(undefined));
  });
});
