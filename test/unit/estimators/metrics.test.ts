/** Metrics of small steps, worked out by hand. */
import { describe, expect, it } from 'vitest';
import type { SurrogateSpec } from '../../../src-main/contract/estimator.ts';
import { policyMetrics, rewardMetrics, type ScoredAnswer } from '../../../src-main/estimators/metrics.ts';
import { metricDefinitions } from '../../../src-main/estimators/metric-names.ts';

const surrogate: SurrogateSpec = {
  kind: 'ppoClip',
  ratio: 'token',
  clipLow: 0.2,
  clipHigh: 0.2,
  aggregation: 'tokenMean',
  constantLength: 8,
  epochs: 1,
  samplerCap: 2,
};
/** A number equal to within rounding. */
const close = (value: number): unknown => expect.closeTo(value, 12);
const noKl = { where: 'none', estimator: 'k1', coefficient: 0 } as const;

describe('rewardMetrics', () => {
  it('counts groups, cut-off and ungradable answers', () => {
    const got = rewardMetrics({
      groups: [0, 0, 1, 1, 2, 2],
      rewards: [1, 0, 1, 1, null, 0],
      lengths: [1, 2, 3, 4, 5, 9],
      truncated: [false, false, false, false, false, true],
    });
    expect(got).toEqual({
      ungradableShare: 1 / 6,
      lengthMean: 4,
      lengthMax: 9,
      truncatedShare: 1 / 6,
      rewardMean: 0.6,
      rewardStd: close(Math.sqrt(0.3)),
      // Groups 0 and 1 can be compared; the answer left of group 2 has no peer.
      zeroVarianceShare: 0.5,
      rewardGroupStd: close(Math.SQRT1_2 / 2),
    });
  });

  it('says nothing about groups where each question has one answer', () => {
    const got = rewardMetrics({
      groups: [0, 1],
      rewards: [1, 0],
      lengths: [1, 1],
      truncated: [false, false],
      greedyRewards: [null, 1],
    });
    expect(got).not.toHaveProperty('zeroVarianceShare');
    expect(got).toMatchObject({ greedyRewardMean: 1 });
  });

  it('has no reward metrics where nothing could be graded, and none at all without answers', () => {
    const got = rewardMetrics({ groups: [0], rewards: [null], lengths: [3], truncated: [true] });
    expect(got).toEqual({ ungradableShare: 1, lengthMean: 3, lengthMax: 3, truncatedShare: 1 });
    expect(rewardMetrics({ groups: [], rewards: [], lengths: [], truncated: [] })).toEqual({});
  });
});

describe('policyMetrics', () => {
  const answer: ScoredAnswer = {
    included: true,
    logprobs: [-1, -2, -1, -9],
    oldLogprobs: [-1 - Math.log(1.5), -2 - Math.log(0.5), -1, 0],
    samplerLogprobs: [-1 - Math.log(1.5), -2 - Math.log(0.5), -1 - Math.log(3), 5],
    referenceLogprobs: [-2, -2, -1, 0],
    advantages: [1, -1, 1, 7],
    entropies: [0.1, 0.2, 0.6, 99],
    mask: [1, 1, 1, 0],
  };

  it('takes means over the tokens that count', () => {
    const got = policyMetrics(
      [answer, { ...answer, included: false, logprobs: [-50, -50, -50, -50] }],
      surrogate,
      noKl,
    );
    expect(got).toEqual({
      advantageMean: close(1 / 3),
      advantageStd: close(Math.sqrt(8 / 9)),
      ratioMean: close(1),
      ratioMax: close(1.5),
      approxKl: close(-Math.log(0.75) / 3),
      clipFracLow: close(1 / 3),
      clipFracHigh: close(1 / 3),
      clipFrac: close(2 / 3),
      entropyMean: close(0.3),
      klMean: close(1 / 3),
      samplerLogpGapMean: close(Math.log(3) / 3),
      samplerLogpGapMax: close(Math.log(3)),
      samplerWeightMean: close(4 / 3),
    });
    expect(Object.keys(metricDefinitions)).toEqual(expect.arrayContaining(Object.keys(got)));
  });

  it('on fresh answers every ratio is 1 and the sampler is compared with the present policy', () => {
    const fresh = { ...answer, oldLogprobs: null, samplerLogprobs: [-1, -2, -1.5, 0] };
    expect(policyMetrics([fresh], surrogate, noKl)).toMatchObject({
      ratioMean: 1,
      ratioMax: 1,
      approxKl: 0,
      clipFrac: 0,
      samplerLogpGapMax: 0.5,
    });
  });

  it('without any token that counts there is nothing to say', () => {
    expect(policyMetrics([{ ...answer, included: false }], surrogate, noKl)).toEqual({});
  });

  it('for SFT only entropy is left', () => {
    const row = { included: true, logprobs: [-1], advantages: [1], entropies: [0.5] };
    expect(policyMetrics([row], { ...surrogate, kind: 'nll' }, noKl)).toEqual({ entropyMean: 0.5 });
  });
});
