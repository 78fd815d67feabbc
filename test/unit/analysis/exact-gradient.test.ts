/**
 * Exact expectation and variance of every estimator on five decision processes against the reference table. Rows
 * that are unbiased, or an exact multiple of the true gradient, must be so; the others must differ from any multiple.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  anchorOutcomes,
  bernoulliAnchors,
  criticAdvantages,
  sparseOutcomes,
  strideAnchors,
  theoremAdvantages,
  valueOutcomes,
  type AnchorRule,
} from '../../../src-main/analysis/continuation-estimators.ts';
import {
  decisionProcessSchema,
  enumerateProcess,
  greedyAnswer,
  prefixValue,
  type EnumeratedAnswer,
  type EnumeratedProcess,
} from '../../../src-main/analysis/decision-process.ts';
import {
  answerFunctionGradient,
  answerMoments,
  compareGradients,
  estimatorMoments,
  expectedReward,
  groupMoments,
  trueGradient,
  type LetterWeights,
  type Moments,
  type Outcome,
} from '../../../src-main/analysis/exact-gradient.ts';
import type { AdvantageSpec, Aggregation, EstimatorSpec } from '../../../src-main/contract/estimator.ts';
import { hasSignal, mean } from '../../../src-main/estimators/group-statistics.ts';

const table = z.record(z.string(), z.array(z.number()));
const rowSchema = z.object({
  name: z.string(),
  samples: z.int(),
  agg: z.enum(['seqSum', 'tokenMean', 'seqTokenMean', 'constant']),
  C: z.number().optional(),
  advantage: z
    .object({
      baseline: z.enum([
        'none',
        'groupMean',
        'leaveOneOut',
        'lengthWeightedGroupMean',
        'groupMeanTimesNonzero',
        'bestMinusSecond',
      ]),
      scale: z.enum(['none', 'groupStd', 'batchTokens']),
      ddof: z.literal(1).default(1),
      eps: z.number().default(0),
      epsAt: z.literal('var').optional(),
    })
    .optional(),
  unbiased: z.boolean(),
  exactMultiple: z.number().optional(),
  gradient: table,
  variance: z.number(),
  scale: z.number(),
  cosine: z.number(),
  keepProbability: z.number().optional(),
  gradientOfExpectedBest: table.optional(),
  expectedBest: z.number().optional(),
});
type Row = z.output<typeof rowSchema>;
const fileSchema = z.object({
  tolerance: z.number(),
  cases: z.array(
    z.object({
      name: z.string(),
      input: z.object({ ...decisionProcessSchema.shape, wrongCritic: z.record(z.string(), z.number()) }),
      expected: z.object({
        J: z.number(),
        gradient: table,
        probabilities: z.record(z.string(), z.number()),
        values: z.record(z.string(), z.number()),
        greedyResponse: z.string(),
        estimators: z.array(rowSchema),
      }),
    }),
  ),
});
const url = new URL('../../fixtures/estimators/exact.json', import.meta.url);
const file = fileSchema.parse(JSON.parse(readFileSync(url, 'utf8')));

type Setting = { readonly enumerated: EnumeratedProcess; readonly critic: (prefix: string) => number };
type Rule = (setting: Setting, row: Row) => Moments;

const constant = (answer: EnumeratedAnswer, weight: number): LetterWeights =>
  answer.letters.map(() => weight);
const sure =
  (weights: (setting: Setting, answer: EnumeratedAnswer) => LetterWeights): Rule =>
  (setting) =>
    answerMoments(setting.enumerated, (answer) => [{ probability: 1, weights: weights(setting, answer) }]);
const anchored =
  (rule: AnchorRule, between: 'segment' | 'linear', valuation: 'exact' | number): Rule =>
  ({ enumerated }) =>
    answerMoments(enumerated, anchorOutcomes(enumerated, rule, between, valuation));
const sparse =
  (valuation: 'exact' | number, shared: boolean): Rule =>
  ({ enumerated }) =>
    answerMoments(enumerated, sparseOutcomes(enumerated, 0.5, valuation, shared));
const exactCritic =
  ({ enumerated }: Setting) =>
  (prefix: string) =>
    prefixValue(enumerated, prefix);

/** A boundary after each letter a that is not the last. */
const afterA: AnchorRule = (answer) => {
  const later = answer.letters.flatMap((_, place) =>
    place > 0 && answer.text[place - 1] === 'a' ? [place] : [],
  );
  return [{ probability: 1, positions: [0, ...later] }];
};
/** One position drawn when the length is known: the draw depends on the future, which biases. */
const oneOfLength: AnchorRule = (answer) => {
  const length = answer.letters.length;
  if (length === 1) return [{ probability: 1, positions: [0] }];
  return Array.from({ length: length - 1 }, (_, index) => ({
    probability: 1 / (length - 1),
    positions: [0, index + 1],
  }));
};
const promptOnly: AnchorRule = () => [{ probability: 1, positions: [0] }];

/** Own reward among those that make the baseline. */
const ownReward =
  (count: number): Rule =>
  ({ enumerated }) =>
    answerMoments(enumerated, (answer): Outcome[] =>
      valueOutcomes(enumerated, '', count).map(({ probability, value }) => ({
        probability,
        weights: constant(answer, answer.reward - (answer.reward + count * value) / (count + 1)),
      })),
    );

const single: Readonly<Record<string, Rule>> = {
  theorem: sure(({ enumerated }, answer) => theoremAdvantages(enumerated, answer)),
  reinforce: (setting, row) =>
    product(setting, row, { baseline: 'none', scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' }),
  'reinforce/constant-baseline-0.37': sure((_, answer) => constant(answer, answer.reward - 0.37)),
  'reinforce/prompt-value-baseline': sure(({ enumerated }, answer) =>
    constant(answer, answer.reward - prefixValue(enumerated, '')),
  ),
  remax: (setting, row) =>
    product(setting, row, { baseline: 'greedy', scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' }),
  'ppo/lambda-1/any-critic': sure(({ critic }, answer) => criticAdvantages(answer, critic, 1)),
  'ppo/lambda-0/exact-critic': sure((setting, answer) => criticAdvantages(answer, exactCritic(setting), 0)),
  'ppo/lambda-0.95/exact-critic': sure((setting, answer) =>
    criticAdvantages(answer, exactCritic(setting), 0.95),
  ),
  'ppo/lambda-0.95/wrong-critic': sure(({ critic }, answer) => criticAdvantages(answer, critic, 0.95)),
  'ppo/lambda-0/wrong-critic': sure(({ critic }, answer) => criticAdvantages(answer, critic, 0)),
  'vineppo/after-a/exact-values': anchored(afterA, 'segment', 'exact'),
  'vineppo/after-a/m1': anchored(afterA, 'segment', 1),
  'trepo-segment/bernoulli-0.5/exact-values': anchored(bernoulliAnchors(0.5), 'segment', 'exact'),
  'trepo-segment/bernoulli-0.5/m1': anchored(bernoulliAnchors(0.5), 'segment', 1),
  'trepo-segment/stride-1/m1': anchored(strideAnchors(1), 'segment', 1),
  'trepo-segment/stride-2/exact-values': anchored(strideAnchors(2), 'segment', 'exact'),
  'trepo-segment/stride-2/m1': anchored(strideAnchors(2), 'segment', 1),
  'trepo-segment/prompt-only/m1': anchored(promptOnly, 'segment', 1),
  'trepo-segment/prompt-only/m2': anchored(promptOnly, 'segment', 2),
  'trepo-segment/one-of-length/exact-values': anchored(oneOfLength, 'segment', 'exact'),
  'trepo-segment/one-of-length/m1': anchored(oneOfLength, 'segment', 1),
  'trepo-linear/stride-1/exact-values': anchored(strideAnchors(1), 'linear', 'exact'),
  'trepo-linear/stride-2/exact-values': anchored(strideAnchors(2), 'linear', 'exact'),
  'trepo-linear/stride-2/m1': anchored(strideAnchors(2), 'linear', 1),
  'trepo-linear/bernoulli-0.5/exact-values': anchored(bernoulliAnchors(0.5), 'linear', 'exact'),
  'trepo-sparse/q-0.5/exact-values': sparse('exact', true),
  'trepo-sparse/q-0.5/m1-shared': sparse(1, true),
  'trepo-sparse/q-0.5/m1-independent': sparse(1, false),
  'own-reward-minus-linear-baseline/stride-2': sure(({ enumerated }, answer) => {
    const length = answer.letters.length;
    const value = (position: number): number => {
      if (position % 2 === 0) return prefixValue(enumerated, answer.text.slice(0, position));
      const next = Math.min(position + 1, length);
      const after = next === length ? answer.reward : prefixValue(enumerated, answer.text.slice(0, next));
      const before = prefixValue(enumerated, answer.text.slice(0, position - 1));
      return before + (after - before) / (next - position + 1);
    };
    return answer.letters.map((_, place) => answer.reward - value(place));
  }),
  'own-reward-in-prompt-baseline/m1': ownReward(1),
  'own-reward-in-prompt-baseline/m2': ownReward(2),
  'discount-0.9-to-go': sure((_, answer) =>
    answer.letters.map((_letter, place) => 0.9 ** (answer.letters.length - 1 - place) * answer.reward),
  ),
  'truncated-answers-masked': sure((_, answer) => constant(answer, answer.ended ? answer.reward : 0)),
  'end-token-term-dropped': sure((_, answer) =>
    answer.letters.map((_letter, place) =>
      answer.ended && place === answer.letters.length - 1 ? 0 : answer.reward,
    ),
  ),
};

/** An estimator as training runs it, through the product's advantages, weights and loss. */
function product(setting: Setting, row: Row, advantage: AdvantageSpec): Moments {
  return estimatorMoments(setting.enumerated, specOf(row.samples, row.agg, advantage, row.C));
}

function specOf(
  samples: number,
  aggregation: Aggregation,
  advantage: AdvantageSpec,
  length = 1,
): EstimatorSpec {
  return {
    plan: { samplesPerPrompt: samples, greedy: advantage.baseline === 'greedy' },
    advantage,
    surrogate: {
      kind: 'pg',
      ratio: 'token',
      clipLow: 0.2,
      clipHigh: 0.2,
      aggregation,
      constantLength: length,
      epochs: 1,
      samplerCap: null,
    },
    kl: { where: 'none', estimator: 'k1', coefficient: 0 },
  };
}

/** Groups without signal are drawn again: what remains is conditioned on a signal. */
const resampled: Rule = ({ enumerated }, row) =>
  groupMoments(
    enumerated,
    row.samples,
    (answers) => {
      const center = mean(answers.map((answer) => answer.reward));
      return answers.map((answer) => constant(answer, (answer.reward - center) / answers.length));
    },
    (answers) => hasSignal(answers.map((answer) => answer.reward)),
  );

function momentsOf(setting: Setting, row: Row): Moments {
  const rule = single[row.name] ?? (row.name.startsWith('group-mean-resampled') ? resampled : undefined);
  if (rule !== undefined) return rule(setting, row);
  if (row.advantage === undefined) return expect.fail(`no rule for ${row.name}`);
  const { epsAt, ...rest } = row.advantage;
  return product(setting, row, { ...rest, klFold: 'toGo', ...(epsAt === undefined ? {} : { epsAt }) });
}

function flatten(
  enumerated: EnumeratedProcess,
  of: Readonly<Record<string, readonly number[]>>,
): Float64Array {
  return Float64Array.from(
    enumerated.states.flatMap((state) => of[state] ?? expect.fail(`no state ${state}`)),
  );
}

function expectVector(got: Float64Array, want: Float64Array, tolerance: number, what: string): void {
  got.forEach((value, index) => {
    const bound = tolerance * Math.max(1, Math.abs(want[index]!));
    if (!(Math.abs(value - want[index]!) <= bound))
      expect.fail(`${what}[${index}]: got ${value}, want ${want[index]}`);
  });
}

describe.each(file.cases.map((each) => [each.name, each] as const))('%s', (_, { input, expected }) => {
  const { wrongCritic, ...process } = input;
  const enumerated = enumerateProcess(process);
  const setting: Setting = { enumerated, critic: (prefix) => wrongCritic[prefix] ?? expect.fail(prefix) };
  const truth = trueGradient(enumerated);

  it('has the same answers, values, expectation and true gradient', () => {
    expect(expectedReward(enumerated)).toBeCloseTo(expected.J, 10);
    expect(greedyAnswer(enumerated).text).toBe(expected.greedyResponse);
    for (const answer of enumerated.answers)
      expect(answer.probability).toBeCloseTo(expected.probabilities[answer.text]!, 10);
    for (const state of enumerated.states)
      expect(prefixValue(enumerated, state)).toBeCloseTo(expected.values[state]!, 10);
    expectVector(truth, flatten(enumerated, expected.gradient), file.tolerance, 'gradient');
  });

  it('the true gradient equals central differences of the expected reward', () => {
    const h = 1e-6;
    const letters = process.vocabulary.length;
    const differences = truth.map((_value, index) => {
      const at = (change: number): number => {
        const state = enumerated.states[Math.floor(index / letters)]!;
        const row = process.logits[state]!.map(
          (logit, letter) => logit + (letter === index % letters ? change : 0),
        );
        return expectedReward(enumerateProcess({ ...process, logits: { ...process.logits, [state]: row } }));
      };
      return (at(h) - at(-h)) / (2 * h);
    });
    expectVector(truth, differences, 1e-8, 'difference');
  });

  it.each(expected.estimators.map((row) => [row.name, row] as const))('%s', (name, row) => {
    const got = momentsOf(setting, row);
    // Whitening divides by a deviation near 1e-4 where answers repeat, which magnifies rounding.
    const tolerance = name.startsWith('reinforcepp') ? 1e-9 : file.tolerance;
    expectVector(got.gradient, flatten(enumerated, row.gradient), tolerance, name);
    expect(Math.abs(got.variance - row.variance)).toBeLessThan(tolerance * Math.max(1, row.variance));
    expect(got.samples).toBe(row.samples);
    expect(got.keepProbability).toBeCloseTo(row.keepProbability ?? 1, 10);
    const compared = compareGradients(got.gradient, truth);
    expect(compared.scale).toBeCloseTo(row.scale, 8);
    expect(compared.cosine).toBeCloseTo(row.cosine, 8);
    if (row.unbiased) expect(compared.relativeBias).toBeLessThan(1e-10);
    else expect(compared.relativeBias).toBeGreaterThan(1e-4);
    if (row.exactMultiple !== undefined) {
      expectVector(
        got.gradient,
        truth.map((value) => value * row.exactMultiple!),
        1e-10,
        'exact multiple',
      );
    } else {
      expect(compared.relativeDirectionBias).toBeGreaterThan(1e-6);
    }
    if (row.gradientOfExpectedBest !== undefined) {
      const best = flatten(enumerated, row.gradientOfExpectedBest);
      expectVector(
        got.gradient.map((value) => value * row.samples),
        best,
        1e-10,
        'expected best',
      );
    }
  });
});

it('token rewards folded into one reward per answer give the same gradient; with a discount they do not', () => {
  const { wrongCritic: _unused, ...process } = file.cases[0]!.input;
  const enumerated = enumerateProcess(process);
  const letterReward = (answer: EnumeratedAnswer, place: number): number =>
    Math.sin(17 * answer.text.slice(0, place + 1).length + answer.letters[place]! * 5 + place);
  const total = (answer: EnumeratedAnswer): number =>
    answer.letters.reduce((sum, _letter, place) => sum + letterReward(answer, place), 0);
  const folded = answerFunctionGradient(enumerated, total);
  const toGo = (discount: number): Float64Array =>
    answerMoments(enumerated, (answer) => [
      {
        probability: 1,
        weights: answer.letters.map((_letter, place) =>
          answer.letters
            .slice(place)
            .reduce((sum, _later, ahead) => sum + discount ** ahead * letterReward(answer, place + ahead), 0),
        ),
      },
    ]).gradient;
  expect(compareGradients(toGo(1), folded).relativeBias).toBeLessThan(1e-12);
  expect(compareGradients(toGo(0.9), folded).relativeDirectionBias).toBeGreaterThan(1e-3);
});

describe('a process that cannot be listed is refused with the place', () => {
  const { wrongCritic: _unused, ...process } = file.cases[0]!.input;
  it.each([
    [{ ...process, rewards: { ...process.rewards, zz: 1 } }, 'rewards.zz'],
    [{ ...process, logits: { ...process.logits, aa: [1, 2] } }, 'logits.aa'],
    [
      {
        ...process,
        rewards: Object.fromEntries(Object.entries(process.rewards).filter(([answer]) => answer !== 'aE')),
      },
      'rewards.aE',
    ],
    [{ ...process, vocabulary: ['a', 'a', 'E'] }, 'vocabulary'],
  ])('%#', (bad, where) => {
    expect(() => enumerateProcess(bad)).toThrow(expect.objectContaining({ kind: 'user', where }));
  });
});
