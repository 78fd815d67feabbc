/** Reads the reference cases of preference losses and of the critic's loss. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { PreferenceSpec } from '../../../src-main/contract/estimator.ts';
import type { PreferenceAnswer, PreferencePair } from '../../../src-main/estimators/preference-loss.ts';

const ragged = z.array(z.array(z.number()));
const side = z.object({
  logps: ragged,
  refLogps: ragged.optional(),
  promptLogps: ragged.optional(),
});

const caseSchema = z.object({
  name: z.string(),
  tolerance: z.number().optional(),
  options: z.object({
    loss: z.enum(['sigmoid', 'robust', 'ipo']).optional(),
    beta: z.number(),
    labelSmoothing: z.number().default(0),
    average: z.boolean().optional(),
    gamma: z.number().default(0),
    nllCoef: z.number().default(0),
    nllOver: z.enum(['completion', 'promptAndCompletion']).optional(),
    desirableWeight: z.number().default(1),
    undesirableWeight: z.number().default(1),
  }),
  input: z.object({
    chosen: side.optional(),
    rejected: side.optional(),
    logps: ragged.optional(),
    refLogps: ragged.optional(),
    desirable: z.array(z.boolean()).optional(),
    mismatched: side.optional(),
  }),
  expected: z.object({
    loss: z.number(),
    grad: z.object({
      chosen: ragged.optional(),
      rejected: ragged.optional(),
      responses: ragged.optional(),
    }),
    metrics: z.record(z.string(), z.number()).default({}),
  }),
});
export type PreferenceCase = z.output<typeof caseSchema> & { tolerance: number };
const fileSchema = z.object({ tolerance: z.number(), cases: z.array(caseSchema) });

export function preferenceCases(name: 'dpo' | 'kto' | 'orpo' | 'simpo'): PreferenceCase[] {
  const url = new URL(`../../fixtures/estimators/loss-${name}.json`, import.meta.url);
  const file = fileSchema.parse(JSON.parse(readFileSync(url, 'utf8')));
  return file.cases.map((each) => ({ ...each, tolerance: each.tolerance ?? file.tolerance }));
}

export function preferenceSpecOf(
  method: 'dpo' | 'kto' | 'orpo' | 'simpo',
  { options }: PreferenceCase,
): PreferenceSpec {
  return {
    loss: method === 'dpo' ? (options.loss ?? 'sigmoid') : method,
    beta: options.beta,
    labelSmoothing: options.labelSmoothing,
    average: method === 'orpo' || method === 'simpo' || options.average === true,
    margin: options.gamma,
    likelihood: method === 'orpo' ? 1 : options.nllCoef,
    desirable: options.desirableWeight,
    undesirable: options.undesirableWeight,
    reference: method === 'dpo' || method === 'kto',
  };
}

function total(row: readonly number[] | undefined): number | null {
  return row === undefined ? null : row.reduce((sum, value) => sum + value, 0);
}

function answersOf(part: z.output<typeof side> | undefined): PreferenceAnswer[] {
  return (part?.logps ?? []).map((logprobs, place) => ({
    logprobs,
    referenceSum: total(part?.refLogps?.[place]),
  }));
}

export function pairsOf({ input }: PreferenceCase): PreferencePair[] {
  const rejected = answersOf(input.rejected);
  return answersOf(input.chosen).map((chosen, place) => ({ chosen, rejected: rejected[place]! }));
}

export function judgedOf({ input }: PreferenceCase): (PreferenceAnswer & { desirable: boolean })[] {
  return (input.logps ?? []).map((logprobs, place) => ({
    logprobs,
    referenceSum: total(input.refLogps?.[place]),
    desirable: input.desirable?.[place] ?? false,
  }));
}

export function mismatchedOf({ input }: PreferenceCase): PreferenceAnswer[] {
  return answersOf(input.mismatched);
}

const valueCaseSchema = z.object({
  name: z.string(),
  tolerance: z.number().optional(),
  options: z.object({
    clip: z.number().nullable().optional(),
    agg: z.enum(['tokenMean', 'seqTokenMean']).default('tokenMean'),
    critic: z.object({ clip: z.number(), coef: z.number() }).optional(),
  }),
  input: z.object({
    values: ragged,
    oldValues: ragged,
    returns: ragged,
    logps: ragged.optional(),
    oldLogps: ragged.optional(),
    advantages: ragged.optional(),
  }),
  expected: z.object({
    loss: z.number(),
    grad: z.object({ values: ragged, logps: ragged.optional() }),
    policyLoss: z.number().optional(),
    valueLoss: z.number().optional(),
    metrics: z.record(z.string(), z.number()).default({}),
  }),
});
const valueFileSchema = z.object({ tolerance: z.number(), cases: z.array(valueCaseSchema) });
export type ValueCase = z.output<typeof valueCaseSchema> & { tolerance: number };

export function valueCases(name: 'value' | 'ppo-joint'): ValueCase[] {
  const url = new URL(`../../fixtures/estimators/loss-${name}.json`, import.meta.url);
  const file = valueFileSchema.parse(JSON.parse(readFileSync(url, 'utf8')));
  return file.cases.map((each) => ({ ...each, tolerance: each.tolerance ?? file.tolerance }));
}
