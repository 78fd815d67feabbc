/** How sure a reward model is against how often it is right, read from what an evaluation has stored. */
import type { RunDetail } from '../../src-main/contract/calls.ts';

/** Held-out pairs that the model is about equally sure of. */
export interface CalibrationPoint {
  /** Mean probability that the model gives the answer which it prefers, from ½ to 1. */
  readonly predicted: number;
  /** Share of these pairs in which that answer is the better one. */
  readonly right: number;
  readonly pairs: number;
}

export interface StoredCalibration {
  /** From unsure to sure. */
  readonly points: readonly CalibrationPoint[];
  /** Mean distance of predicted and right, weighted by pairs; null where it was not stored. */
  readonly error: number | null;
  /** Step of the evaluation. */
  readonly step: number;
}

/** Of the newest evaluation that has it; null where none has, as for everything that is no reward model. */
export function newestCalibration(evaluations: RunDetail['evaluations']): StoredCalibration | null {
  for (const { step, components } of evaluations.toReversed()) {
    const points = Object.keys(components).flatMap((name) => {
      const place = /^calibration\/(\d+)\/pairs$/.exec(name)?.[1];
      if (place === undefined) return [];
      const pairs = components[name];
      const predicted = components[`calibration/${place}/predicted`];
      const right = components[`calibration/${place}/right`];
      if (pairs === undefined || predicted === undefined || right === undefined) return [];
      return [{ predicted, right, pairs }];
    });
    if (points.length > 0) {
      return {
        points: points.sort((a, b) => a.predicted - b.predicted),
        error: components['calibrationError'] ?? null,
        step,
      };
    }
  }
  return null;
}
