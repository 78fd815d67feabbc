/** Reads the reference cases of advantages and turns their options into specifications. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { AdvantageSpec, KlSpec } from '../../../src-main/contract/estimator.ts';
import type { AdvantageBatch } from '../../../src-main/estimators/advantages.ts';

const ragged = z.array(z.array(z.number()));

const caseSchema = z.object({
  name: z.string(),
  tolerance: z.number().optional(),
  options: z.object({
    advantage: z.object({
      baseline: z.enum([
        'none',
        'ema',
        'groupMean',
        'leaveOneOut',
        'greedy',
        'lengthWeightedGroupMean',
        'bestMinusSecond',
        'groupMeanTimesNonzero',
        'critic',
      ]),
      lambda: z.number().optional(),
      scale: z.enum(['none', 'groupStd', 'batchStd', 'batchScores', 'batchTokens', 'batchTokensCenter']),
      ddof: z.union([z.literal(0), z.literal(1)]).default(1),
      eps: z.number().default(0),
      epsAt: z.enum(['var', 'floorVar']).optional(),
    }),
    kl: z.object({
      where: z.enum(['none', 'reward']),
      est: z.literal('k1').default('k1'),
      coef: z.number().default(0),
      fold: z.enum(['score', 'toGo']).default('toGo'),
    }),
    reward: z
      .object({ clip: z.tuple([z.number(), z.number()]), clipAt: z.enum(['score', 'afterBaseline']) })
      .optional(),
  }),
  input: z.object({
    groups: z.array(z.int()),
    lengths: z.array(z.int()),
    rewards: z.array(z.number()),
    greedyRewards: z.array(z.number()).optional(),
    logps: ragged.optional(),
    refLogps: ragged.optional(),
    values: ragged.optional(),
    ema: z.object({ decay: z.number(), value: z.number().nullable() }).optional(),
  }),
  expected: z.object({
    advantages: ragged,
    returns: ragged.optional(),
    nextEma: z.number().optional(),
    zeroStdFraction: z.number().optional(),
  }),
});
const fileSchema = z.object({ tolerance: z.number(), cases: z.array(caseSchema) });
export type AdvantageCase = z.output<typeof caseSchema>;

/** The cases of `advantages-METHOD.json`, each with the tolerance that applies to it. */
export function advantageCases(method: string): (AdvantageCase & { tolerance: number })[] {
  const url = new URL(`../../fixtures/estimators/advantages-${method}.json`, import.meta.url);
  const file = fileSchema.parse(JSON.parse(readFileSync(url, 'utf8')));
  return file.cases.map((each) => ({ ...each, tolerance: each.tolerance ?? file.tolerance }));
}

export function specOf(each: AdvantageCase): { spec: AdvantageSpec; kl: KlSpec } {
  const { advantage, kl, reward } = each.options;
  const { baseline, epsAt, lambda, ...rest } = advantage;
  return {
    spec: {
      ...rest,
      baseline: baseline === 'ema' ? 'movingAverage' : baseline,
      klFold: kl.fold,
      ...(lambda === undefined ? {} : { lambda }),
      ...(epsAt === undefined ? {} : { epsAt }),
      ...(each.input.ema === undefined ? {} : { decay: each.input.ema.decay }),
      ...(reward === undefined
        ? {}
        : { clip: { low: reward.clip[0], high: reward.clip[1], at: reward.clipAt } }),
    },
    kl: { where: kl.where, estimator: kl.est, coefficient: kl.coef },
  };
}

export function batchOf(each: AdvantageCase): AdvantageBatch {
  const { groups, rewards, lengths, greedyRewards, logps, refLogps, values } = each.input;
  return {
    groups,
    rewards,
    lengths,
    ...(greedyRewards === undefined ? {} : { greedyRewards }),
    ...(values === undefined ? {} : { criticValues: values }),
    ...(logps === undefined ? {} : { logprobs: logps }),
    ...(refLogps === undefined ? {} : { referenceLogprobs: refLogps }),
  };
}
