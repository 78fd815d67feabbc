import { describe, expect, it } from 'vitest';
import { HealthWatch, healthStreak } from '../../../src-main/training/health.ts';

function tell(metrics: Record<string, number>, steps: number, watch = new HealthWatch()): string[] {
  return Array.from({ length: steps }, (_, step) => watch.warnings(step + 1, metrics)).flat();
}

describe('HealthWatch', () => {
  it('says nothing of a healthy run or of a short spell', () => {
    const healthy = {
      zeroVarianceShare: 0.4,
      truncatedShare: 0.1,
      clipFrac: 0.1,
      samplerLogpGapMean: 1e-6,
      rewardStd: 0.4,
    };
    expect(tell(healthy, 100)).toEqual([]);
    expect(tell({}, 100)).toEqual([]);
    const watch = new HealthWatch();
    expect(tell({ truncatedShare: 1 }, healthStreak - 1, watch)).toEqual([]);
    expect(tell(healthy, 1, watch)).toEqual([]);
    expect(tell({ truncatedShare: 1 }, healthStreak - 1, watch)).toEqual([]);
  });

  it('tells each sign once, after it has lasted', () => {
    expect(tell({ zeroVarianceShare: 0.6, rewardStd: 0.1 }, 3 * healthStreak)).toEqual([
      expect.stringMatching(/^Steps 1 to 10: more than half of the questions/),
    ]);
    expect(
      tell({ truncatedShare: 0.3, clipFrac: 0.3, samplerLogpGapMean: 0.1, rewardStd: 0 }, healthStreak),
    ).toHaveLength(4);
  });

  it('tells of a critic that explains nothing', () => {
    expect(tell({ explainedVariance: 0, rewardStd: 0.1 }, healthStreak)).toEqual([
      expect.stringContaining('the critic explains nothing'),
    ]);
    expect(tell({ explainedVariance: 0.1, rewardStd: 0.1 }, healthStreak)).toEqual([]);
  });
});
