/** Learning rate as a pure function of the step: linear warm-up, then constant, linear or cosine decay. */
import type { MethodConfig } from '../contract/experiment.ts';

export interface ScheduleSettings {
  readonly kind: MethodConfig['schedule'];
  /** Learning rate at the end of the warm-up. */
  readonly peak: number;
  readonly warmupSteps: number;
  /** Steps in the whole run. */
  readonly steps: number;
}

/**
 * Learning rate of a step, counted from 0. Warm-up rises as (step + 1) / warmupSteps, so that the first step
 * already learns; the decay starts at the peak and would reach zero one step after the last, so that the last
 * step still learns.
 */
export function learningRateAt(settings: ScheduleSettings, step: number): number {
  const { kind, peak, warmupSteps, steps } = settings;
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  if (kind === 'constant') return peak;
  const length = steps - warmupSteps;
  if (length <= 0) return peak;
  const done = Math.min(1, (step - warmupSteps) / length);
  return kind === 'linear' ? peak * (1 - done) : peak * 0.5 * (1 + Math.cos(Math.PI * done));
}
