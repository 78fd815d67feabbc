import { describe, expect, it } from 'vitest';
import {
  healthStateSchema,
  healthStreak,
  initialHealth,
  watchHealth,
} from '../../../src-main/training/health.ts';

/** Tells one list of metrics after the other; what is remembered goes through JSON, as in a checkpoint. */
function tell(list: readonly Record<string, number>[]): string[] {
  let state = initialHealth;
  return list.flatMap((metrics, place) => {
    const result = watchHealth(state, place + 1, metrics);
    state = healthStateSchema.parse(JSON.parse(JSON.stringify(result.state)));
    return result.warnings;
  });
}

const steps = (count: number, metrics: Record<string, number>): Record<string, number>[] =>
  Array.from({ length: count }, () => metrics);

const healthy = {
  zeroVarianceShare: 0.4,
  truncatedShare: 0.1,
  clipFrac: 0.1,
  samplerLogpGapMean: 1e-6,
  rewardStd: 0.4,
  entropyMean: 1,
};

describe('the health of a run', () => {
  it('says nothing of a healthy run or of a short spell', () => {
    expect(tell(steps(100, healthy))).toEqual([]);
    expect(tell(steps(100, {}))).toEqual([]);
    const spell = steps(healthStreak - 1, { truncatedShare: 1 });
    expect(tell([...spell, healthy, ...spell])).toEqual([]);
  });

  it('tells each sign once, after it has lasted, with what was measured', () => {
    expect(tell(steps(3 * healthStreak, { zeroVarianceShare: 0.6, rewardStd: 0.1 }))).toEqual([
      expect.stringMatching(/^Steps 1 to 10: 60 % of the questions got equal rewards/),
    ]);
    const all = { truncatedShare: 0.3, clipFrac: 0.3, samplerLogpGapMean: 0.1, rewardStd: 0 };
    expect(tell(steps(healthStreak, all))).toHaveLength(4);
  });

  it('tells of a critic that explains nothing', () => {
    expect(tell(steps(healthStreak, { explainedVariance: 0, rewardStd: 0.1 }))).toEqual([
      expect.stringContaining('the critic explains nothing: its explained variance is 0'),
    ]);
    expect(tell(steps(healthStreak, { explainedVariance: 0.1, rewardStd: 0.1 }))).toEqual([]);
  });

  it('tells of entropy and of spread that fall far below where they began', () => {
    const fallen = [...steps(20, healthy), ...steps(20, { ...healthy, entropyMean: 0.04, rewardStd: 0.02 })];
    expect(tell(fallen)).toEqual([
      expect.stringMatching(/^Steps 21 to 30: answers hardly vary .* 0\.04 nats, 1 at the beginning/),
      expect.stringMatching(/^Steps 21 to 30: rewards hardly differ .* 0\.02, 0\.4 at the beginning/),
    ]);
  });

  it('does not call an entropy collapsed that was small from the start, or is still large', () => {
    expect(tell(steps(100, { entropyMean: 0.01 }))).toEqual([]);
    expect(tell([...steps(20, { entropyMean: 6 }), ...steps(20, { entropyMean: 0.5 })])).toEqual([]);
  });

  it('neither ends nor lengthens a streak where a step has no such number', () => {
    const half = steps(healthStreak / 2, { clipFrac: 0.5 });
    expect(tell([...half, ...steps(7, {}), ...half.slice(1)])).toEqual([]);
    expect(tell([...half, ...steps(7, {}), ...half])).toEqual([
      expect.stringMatching(/^Steps 1 to 17: 50 % of the tokens were held back/),
    ]);
  });
});
