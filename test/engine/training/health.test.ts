/** Every sign of ill health, provoked in real runs; and a healthy run, which is told nothing. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainerEvent } from '../../../src-main/contract/events.ts';
import type { TrainingParts } from '../../../src-main/training/training-parts.ts';
import {
  newFolder,
  runConfig,
  trainHere,
  undecidedModel,
  undecidedQuestions,
  writeRows,
} from './run-folder.ts';

let root: string;
let model: string;
let sevens: string;
/** Most questions ask for an answer that the model never gives. */
let hopeless: string;
beforeAll(async () => {
  root = await newFolder();
  model = await undecidedModel(root);
  const rows = (answer: (place: number) => string) =>
    undecidedQuestions.map((prompt, place) => ({ prompt, answer: answer(place) }));
  sevens = await writeRows(
    root,
    'sevens.jsonl',
    rows(() => '7'),
  );
  hopeless = await writeRows(
    root,
    'hopeless.jsonl',
    rows((place) => (place < 8 ? '5' : '7')),
  );
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Told {
  readonly warnings: readonly string[];
  readonly metrics: readonly Readonly<Record<string, number>>[];
}

let runs = 0;
async function train(
  data: string,
  method: Record<string, unknown>,
  budget: Record<string, unknown> = {},
  change?: (parts: TrainingParts) => TrainingParts,
): Promise<Told> {
  const config = runConfig(data, {
    model: { path: model },
    data: { holdOut: 0 },
    method: { learningRate: 1e-6, groupSize: 8, ...method },
    budget: {
      steps: 14,
      promptsPerStep: 12,
      maxTokens: 4,
      checkpointEvery: 100,
      evaluateEvery: 100,
      ...budget,
    },
  });
  const { events, outcome } = await trainHere(config, join(root, `run ${runs++}`), null, undefined, change);
  expect(outcome).toBe('done');
  return {
    warnings: warningsOf(events),
    metrics: events.flatMap((event) => (event.type === 'step' ? [event.metrics] : [])),
  };
}

/** What was told of steps; what was told of data and model at the start is left out. */
function warningsOf(events: readonly TrainerEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === 'log' && event.level === 'warning' && event.message.startsWith('Steps ')
      ? [event.message]
      : [],
  );
}

describe('a run', () => {
  it('in good health is told nothing, and learns', async () => {
    const { warnings, metrics } = await train(
      sevens,
      { estimator: 'dr-grpo', learningRate: 1e-4 },
      { steps: 30 },
    );
    expect(warnings).toEqual([]);
    expect(metrics.at(-1)!['rewardMean']!).toBeGreaterThan(metrics[0]!['rewardMean']!);
    for (const name of [
      'zeroVarianceShare',
      'truncatedShare',
      'clipFrac',
      'samplerLogpGapMean',
      'entropyMean',
      'rewardStd',
    ])
      expect(
        metrics.some((one) => one[name] !== undefined),
        name,
      ).toBe(true);
  });

  it('whose questions are mostly out of reach is told of groups without variance', async () => {
    const { warnings } = await train(hopeless, { estimator: 'rloo' });
    expect(warnings).toEqual([
      expect.stringMatching(
        /^Steps 1 to 10: (6[6-9]|7\d|8\d) % of the questions got equal rewards .* Choose easier/,
      ),
    ]);
  });

  it('whose answers may not be long enough is told of truncation', async () => {
    const { warnings } = await train(sevens, { estimator: 'rloo' }, { maxTokens: 1 });
    expect(warnings).toEqual([
      expect.stringMatching(/^Steps 1 to 10: 100 % of the answers were cut off .* Raise budget\.maxTokens/),
    ]);
  });

  it('with many updates in a narrow band is told of clipping', async () => {
    const method = { estimator: 'grpo', learningRate: 1e-4, epochs: 8, clipLow: 0.002, clipHigh: 0.002 };
    const { warnings } = await train(sevens, method);
    expect(warnings).toEqual([
      expect.stringMatching(/ % of the tokens were held back by the clip.* Lower method\.learningRate/),
    ]);
  });

  it('that learns one answer by heart is told of the collapse of entropy and of spread', async () => {
    const { warnings, metrics } = await train(
      sevens,
      { estimator: 'rloo', learningRate: 2e-3 },
      { steps: 60 },
    );
    expect(metrics.at(-1)!['rewardMean']).toBeGreaterThan(0.97);
    expect(warnings).toContainEqual(
      expect.stringMatching(
        /answers hardly vary any more: the entropy of the next token is [\de.-]+ nats, 0\.\d+ at the beginning.* method\.entropyBonus/,
      ),
    );
    expect(warnings).toContainEqual(
      expect.stringMatching(
        /(every answer got the same reward|rewards hardly differ any more).* the run can be stopped/,
      ),
    );
  });

  it('whose sampler is not the learner is told that the two disagree', async () => {
    const other = (parts: TrainingParts): TrainingParts => ({
      ...parts,
      sampler: {
        generate: (requests, options) =>
          parts.sampler.generate(requests, { ...options, temperature: 3 * options.temperature }),
        dispose: () => parts.sampler.dispose(),
      },
    });
    const { warnings, metrics } = await train(sevens, { estimator: 'rloo' }, {}, other);
    expect(metrics[0]!['samplerLogpGapMean']).toBeGreaterThan(0.05);
    expect(warnings).toContainEqual(
      expect.stringMatching(/^Steps 1 to 10: sampler and learner disagree .* should not be relied on/),
    );
  });

  it.each([
    ['runs wild', { criticLearningRate: 1, valueClip: null }, '-'],
    ['learns next to nothing', { criticLearningRate: 1e-9 }, '[\\d.]+e-'],
  ])('whose critic %s is told that it explains nothing', async (_name, method, share) => {
    const { warnings } = await train(sevens, { estimator: 'ppo', ...method });
    const evidence = `^Steps 1 to 10: the critic explains nothing: its explained variance is ${share}`;
    expect(warnings).toEqual([expect.stringMatching(`${evidence}.* method\\.criticLearningRate`)]);
  });
});
