/** Measured against exact: on a small process, sampled answers must show what enumeration knows. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  enumerateProcess,
  greedyAnswer,
  prefixValue,
  type EnumeratedAnswer,
  type EnumeratedProcess,
} from '../../../src-main/analysis/decision-process.ts';
import { addAnswer, emptyGradient } from '../../../src-main/analysis/exact-gradient.ts';
import { examineProcess } from '../../../src-main/analysis/laboratory.ts';
import { sampledGradients } from '../../../src-main/analysis/sampled-gradient.ts';
import { sampledPicture } from '../../../src-main/analysis/sampled-picture.ts';
import { estimatorNames } from '../../../src-main/contract/estimator.ts';
import { budgetSchema, methodSchema } from '../../../src-main/contract/experiment.ts';
import {
  laboratorySettingsSchema,
  processFileSchema,
  sampledReportSchema,
  type SampledQuestion,
} from '../../../src-main/contract/laboratory.ts';
import { randomSequence } from '../../../src-main/contract/random.ts';
import { anchorAdvantages } from '../../../src-main/estimators/anchors.ts';

const url = new URL('../../../resources/laboratory/1-think-or-guess.json', import.meta.url);
const {
  title: _title,
  about: _about,
  ...process
} = processFileSchema.parse(JSON.parse(readFileSync(url, 'utf8')));
const enumerated = enumerateProcess(process);
const groupSize = 3;

type Looks = NonNullable<SampledQuestion['answers'][number]['looks']>;

/** The gradient of the answer weighed by advantages of its letters, as the trainer process measures it. */
function weighed(
  from: EnumeratedProcess,
  answer: EnumeratedAnswer,
  advantages: ArrayLike<number>,
): Float32Array {
  const gradient = emptyGradient(from);
  addAnswer(gradient, from, answer, advantages, 1);
  return Float32Array.from(gradient);
}

/** TRePO with the exact values of every `stride`-th prefix, and PPO with a critic that errs. */
function lookInside(
  from: EnumeratedProcess,
  answer: EnumeratedAnswer,
  { stride, between }: { stride: number; between: 'segment' | 'linear' },
): Looks {
  const values = answer.states.map((state) => prefixValue(from, from.states[state]!));
  const anchors = values.flatMap((value, position) => (position % stride === 0 ? [{ position, value }] : []));
  const criticValues = Float32Array.from(values, (value, place) => value + 0.1 * Math.sin(3 * place));
  const ofAnchors = anchorAdvantages(values.length, anchors, answer.reward, between);
  return [
    {
      method: 'trepo',
      tokens: 10,
      values: { between, anchors },
      criticValues: null,
      projection: weighed(from, answer, ofAnchors),
    },
    {
      method: 'ppo',
      tokens: 0,
      values: null,
      criticValues,
      projection: weighed(
        from,
        answer,
        Array.from(criticValues, (value) => answer.reward - value),
      ),
    },
  ];
}

/** Answers drawn from the process, each with its exact gradient in place of a projection. */
function sampled(
  from: EnumeratedProcess,
  count: number,
  seed: number,
  look: { stride: number; between: 'segment' | 'linear' } = { stride: 1, between: 'segment' },
): SampledQuestion {
  const draw = randomSequence([seed]);
  const greedy = greedyAnswer(from);
  return {
    greedyReward: greedy.reward,
    greedyTokens: greedy.letters.length,
    answers: Array.from({ length: count }, () => {
      let left = draw();
      const answer = from.answers.find(({ probability }) => (left -= probability) < 0) ?? from.answers[0]!;
      const projection = emptyGradient(from);
      addAnswer(
        projection,
        from,
        answer,
        answer.letters.map(() => 1),
        1,
      );
      const looks = lookInside(from, answer, look);
      return { reward: answer.reward, tokens: answer.letters.length, projection, looks };
    }),
  };
}

const alike = estimatorNames.filter((name) => !['trepo', 'vineppo', 'ppo'].includes(name));
const options = {
  groupSize,
  seed: 1,
  budget: budgetSchema.parse({ maxTokens: process.maxLength }),
  methods: alike,
};

describe('sampled gradients of a process whose truth is known', async () => {
  const exact = await examineProcess(process, { settings: laboratorySettingsSchema.parse({ groupSize }) });
  const report = {
    ...sampledGradients([sampled(enumerated, 3_000, 5)], options),
    complete: true,
    seconds: 0,
  };

  it('is in the form of the contract', () => {
    sampledReportSchema.parse(report);
    expect(report).toMatchObject({ questions: 1, answers: 3_000, batches: 1_000, directions: 21 });
    expect(report.rewardMean).toBeCloseTo(exact.expectedReward, 1);
    expect(sampledPicture(report, 'x')).not.toMatch(/NaN|null|undefined/);
  });

  it.each(report.rows.map((row) => [row.id, row] as const))('%s agrees with enumeration', (id, row) => {
    const want = exact.rows.find((each) => each.id === id) ?? expect.fail(id);
    const { low, high } = row.cosine;
    // Twice the half width: eleven intervals of 95 % would not all hold.
    const slack = ((high ?? 0) - (low ?? 0)) / 2 + 1e-9;
    expect(want.cosine).toBeGreaterThan((low ?? 0) - slack);
    expect(want.cosine).toBeLessThan((high ?? 0) + slack);
    expect(row.tokens / want.tokens).toBeCloseTo(1, 1);
    expect(row.variance / want.variance).toBeGreaterThan(0.7);
    expect(row.variance / want.variance).toBeLessThan(1.4);
    if (want.verdict !== 'biased') expect(row.verdict).not.toBe('biased');
  });

  it('finds the bias of GRPO, and none in RLOO and Dr. GRPO', () => {
    const verdicts = Object.fromEntries(report.rows.map((row) => [row.id, row.verdict]));
    expect(verdicts).toMatchObject({ grpo: 'biased', rloo: 'clear', 'dr-grpo': 'clear' });
  });

  it('says that it cannot tell where there is no signal', () => {
    const flat = enumerateProcess({
      ...process,
      rewards: Object.fromEntries(Object.keys(process.rewards).map((answer) => [answer, 1])),
    });
    const { rows } = sampledGradients([sampled(flat, 30, 3)], options);
    for (const row of rows) {
      expect(row.verdict).toBe('noisy');
      expect(row.meaning).toMatch(/^Too noisy/);
    }
  });

  it('knows how much steadier values of prefixes are', () => {
    const methods = ['rloo', 'trepo', 'ppo'];
    const { rows } = sampledGradients([sampled(enumerated, 3_000, 5)], { ...options, methods });
    const [rloo, ppo, trepo] = rows;
    const theorem = exact.rows.find(({ id }) => id === 'theorem') ?? expect.fail('no theorem');
    // Exact values at every prefix are the theorem itself; an estimate is the mean of a group.
    expect(trepo).toMatchObject({ id: 'trepo', verdict: 'clear' });
    expect(trepo!.noise.value! / ((theorem.noise ?? Number.NaN) / Math.sqrt(groupSize))).toBeCloseTo(1, 1);
    expect(trepo!.tokens).toBeCloseTo(rloo!.tokens + 10 * groupSize, 6);
    expect(trepo!.directionBias.value).toBeLessThan(0.05);
    // It divides by all tokens of a batch and evens them out, which here leads astray as the exact row says too.
    expect(ppo!.verdict).toBe(exact.rows.find(({ id }) => id === 'ppo')?.verdict);
    expect(ppo!.noise.value).toBeLessThan(rloo!.noise.value!);
    for (const row of rows) expect(row.varianceCost).toBeCloseTo(row.variance * row.tokens, 9);
  });

  it('finds the bias of straight lines between values', () => {
    const own = methodSchema.parse({
      estimator: 'trepo',
      anchorRule: 'stride',
      anchorStride: 2,
      anchorBetween: 'linear',
    });
    const look = { stride: 2, between: 'linear' } as const;
    const { rows } = sampledGradients([sampled(enumerated, 3_000, 5, look)], {
      ...options,
      own,
      methods: ['trepo'],
    });
    const want =
      exact.rows.find(({ id }) => id === 'trepo-linear/stride') ??
      expect.fail(exact.rows.map(({ id }) => id).join());
    expect(rows[0]!.verdict).toBe('biased');
    expect(rows[0]!.cosine.value).toBeCloseTo(want.cosine!, 1);
  });

  it('says in a sentence which is cheapest and which go astray', () => {
    expect(report.summary[0]).toMatch(/^Of the methods without evidence of bias, .+ needs the fewest/);
    expect(report.summary.join(' ')).toContain('GRPO');
  });

  it('leaves out what a run would refuse, with the reason', () => {
    const budget = budgetSchema.parse({ maxTokens: 1 });
    const { left } = sampledGradients([sampled(enumerated, 12, 1)], {
      ...options,
      budget,
      methods: ['rloo', 'trepo'],
    });
    expect(left).toMatchObject([{ id: 'trepo', reason: expect.stringContaining('one token') as string }]);
  });

  it('needs two batches', () => {
    expect(() => sampledGradients([sampled(enumerated, 5, 1)], options)).toThrow(RangeError);
  });
});
