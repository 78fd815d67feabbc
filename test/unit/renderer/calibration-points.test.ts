/** Which dots the reliability diagram of a run has. */
import { describe, expect, it } from 'vitest';
import { newestCalibration } from '../../../src-renderer/lib/calibration-points.ts';

const evaluation = (step: number, components: Record<string, number>) => ({
  step,
  score: 0.5,
  components,
  count: 10,
  seconds: 1,
  at: 0,
});

describe('the newest calibration', () => {
  it('is that of the last evaluation that has one, from unsure to sure', () => {
    const bin = (place: number, predicted: number, right: number, pairs: number) => ({
      [`calibration/${place}/predicted`]: predicted,
      [`calibration/${place}/right`]: right,
      [`calibration/${place}/pairs`]: pairs,
    });
    const found = newestCalibration([
      evaluation(0, { accuracy: 0.5, ...bin(1, 0.51, 0.4, 10) }),
      evaluation(5, {
        accuracy: 0.6,
        calibrationError: 0.05,
        ...bin(10, 0.97, 1, 4),
        ...bin(2, 0.56, 0.5, 6),
      }),
      evaluation(9, { accuracy: 0.6 }),
    ]);
    expect(found).toEqual({
      step: 5,
      error: 0.05,
      points: [
        { predicted: 0.56, right: 0.5, pairs: 6 },
        { predicted: 0.97, right: 1, pairs: 4 },
      ],
    });
  });

  it('is none where nothing was stored of it', () => {
    expect(newestCalibration([])).toBeNull();
    expect(newestCalibration([evaluation(0, { number: 0.9 })])).toBeNull();
  });
});
