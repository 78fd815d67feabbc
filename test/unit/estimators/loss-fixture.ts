/** Reads the reference cases of losses and turns their options into specifications and weights. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Aggregation, SurrogateSpec } from '../../../src-main/contract/estimator.ts';
import type { KlTerm } from '../../../src-main/estimators/kl-estimate.ts';
import { samplerWeights } from '../../../src-main/estimators/sampler-correction.ts';
import type { SurrogateAnswer } from '../../../src-main/estimators/surrogate.ts';
import {
  exactTokenWeights,
  stepTotals,
  type AnswerTokens,
} from '../../../src-main/estimators/token-weights.ts';

const ragged = z.array(z.array(z.number()));
const aggregation = z.enum([
  'tokenMean',
  'seqTokenMean',
  'constant',
  'seqSum',
  'tokenSum',
  'tokenMeanPerMicroBatch',
]);
const nullable = <S extends z.ZodType>(schema: S) => schema.nullable().optional();

const surrogateSchema = z.object({
  kind: z.enum(['pg', 'ppoClip', 'cispo']),
  ratio: z.enum(['token', 'seqMean', 'seqSum']),
  agg: aggregation,
  C: z.number().optional(),
  lo: z.number().default(0.2),
  hi: z.number().default(0.2),
  dual: z.number().optional(),
  emptySequences: z.enum(['count', 'skip']).default('skip'),
});

const klSchema = z.object({
  where: z.literal('loss').default('loss'),
  est: z.enum(['k1', 'k2', 'k3']),
  coef: z.number().default(1),
  gradient: z.enum(['estimator', 'timesRatio', 'k2']),
  ratioCap: z.number().optional(),
  clampLogRatio: z.number().optional(),
  clampValue: z.number().optional(),
  agg: aggregation.optional(),
});

const caseSchema = z.object({
  name: z.string(),
  source: z.string(),
  tolerance: z.number().optional(),
  options: z.object({
    surrogate: surrogateSchema.optional(),
    kl: klSchema.optional(),
    samplerIS: z
      .object({
        mode: z.enum(['token', 'sequence', 'seqMean']),
        treatment: z.enum(['truncate', 'mask']),
        cap: z.number(),
        floor: z.number().nullable(),
      })
      .optional(),
    entropy: z.object({ coef: z.number(), agg: aggregation }).optional(),
    microBatches: z.array(z.array(z.int())).optional(),
    agg: aggregation.optional(),
    weight: z.literal('probability').optional(),
  }),
  input: z.object({
    logps: ragged,
    advantages: ragged.optional(),
    oldLogps: nullable(ragged),
    refLogps: nullable(ragged),
    samplerLogps: nullable(ragged),
    entropies: ragged.optional(),
    mask: z.array(z.array(z.number())).optional(),
  }),
  expected: z.object({
    loss: z.number(),
    grad: z.union([ragged, z.object({ responses: ragged }).transform((grad) => grad.responses)]),
    entropyGrad: ragged.optional(),
    losses: z.array(z.number()).optional(),
    values: ragged.optional(),
    metrics: z.record(z.string(), z.number()).default({}),
  }),
});
const fileSchema = z.object({ tolerance: z.number(), cases: z.array(caseSchema) });
export type LossCase = z.output<typeof caseSchema> & { tolerance: number };

/** The cases of `loss-NAME.json`, each with the tolerance that applies to it. */
export function lossCases(name: string): LossCase[] {
  const url = new URL(`../../fixtures/estimators/loss-${name}.json`, import.meta.url);
  const file = fileSchema.parse(JSON.parse(readFileSync(url, 'utf8')));
  return file.cases.map((each) => ({ ...each, tolerance: each.tolerance ?? file.tolerance }));
}

/** The specification of a case; `nll` where it has no surrogate. */
export function surrogateOf(each: LossCase): SurrogateSpec {
  const s = each.options.surrogate;
  return {
    kind: s?.kind ?? 'nll',
    ratio: s?.ratio ?? 'token',
    clipLow: s?.lo ?? 0,
    clipHigh: s?.hi ?? 0,
    ...(s?.dual === undefined ? {} : { dualClip: s.dual }),
    aggregation: plain(s?.agg ?? each.options.agg ?? 'tokenMean'),
    constantLength: s?.C ?? 1,
    epochs: 1,
    samplerCap: null,
    ...(each.options.entropy === undefined ? {} : { entropyBonus: each.options.entropy.coef }),
  };
}

export function klOf(each: LossCase): KlTerm {
  const kl = each.options.kl;
  if (kl === undefined) return { where: 'none', estimator: 'k1', coefficient: 0 };
  const { est, coef, where, gradient, ratioCap, clampLogRatio, clampValue } = kl;
  return {
    where,
    estimator: est,
    coefficient: coef,
    gradient,
    ...(ratioCap === undefined ? {} : { ratioCap }),
    ...(clampLogRatio === undefined ? {} : { clampLogRatio }),
    ...(clampValue === undefined ? {} : { clampValue }),
  };
}

/** Answers of the case with the weights that its aggregation, mask and sampler correction give. */
export function answersOf(each: LossCase): SurrogateAnswer[] {
  const { logps, oldLogps, refLogps, samplerLogps, advantages, entropies, mask } = each.input;
  const { surrogate, samplerIS, kl, entropy, weight } = each.options;
  const tokens: AnswerTokens[] = logps.map((row, answer) => ({
    length: row.length,
    included: true,
    ...(mask === undefined ? {} : { mask: mask[answer]! }),
  }));
  const totals = stepTotals(tokens, surrogate?.emptySequences);
  const spec = surrogateOf(each);
  // One clipped term per answer: the sum over an answer's equal terms is divided by its length.
  const perAnswer = spec.ratio === 'seqSum' && spec.aggregation === 'seqSum';
  const weights = exactTokenWeights(
    tokens,
    totals,
    perAnswer ? { ...spec, aggregation: 'seqTokenMean' } : spec,
  );
  const klWeights =
    kl?.agg === undefined
      ? undefined
      : exactTokenWeights(tokens, totals, { ...spec, aggregation: plain(kl.agg) });
  const entropyWeights =
    entropy === undefined || entropy.agg === surrogate?.agg
      ? undefined
      : exactTokenWeights(tokens, totals, { ...spec, aggregation: plain(entropy.agg) });
  return logps.map((row, answer) => {
    const own = weights[answer]!;
    if (samplerIS !== undefined) {
      const factors = samplerWeights(oldLogps?.[answer] ?? [], samplerLogps?.[answer] ?? [], samplerIS);
      own.forEach((value, token) => (own[token] = value * factors[token]!));
    }
    if (weight === 'probability') own.forEach((value, token) => (own[token] = value * Math.exp(row[token]!)));
    return {
      logprobs: row,
      oldLogprobs: oldLogps?.[answer] ?? null,
      referenceLogprobs: refLogps?.[answer] ?? null,
      advantages: advantages?.[answer] ?? row.map(() => 1),
      weights: own,
      ...(klWeights === undefined ? {} : { klWeights: klWeights[answer]! }),
      ...(entropies === undefined ? {} : { entropies: entropies[answer]! }),
      ...(entropyWeights === undefined ? {} : { entropyWeights: entropyWeights[answer]! }),
      ...(mask === undefined ? {} : { mask: mask[answer]! }),
    };
  });
}

function plain(name: z.output<typeof aggregation>): Aggregation {
  return name === 'tokenMeanPerMicroBatch' ? 'tokenMean' : name;
}
