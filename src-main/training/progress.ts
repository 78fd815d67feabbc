/** Progress of a long part of a step, told at most twice a second. */
import type { TrainerEvent } from '../contract/events.ts';

type Phase = Extract<TrainerEvent, { type: 'phase' }>['phase'];

const interval = 500;

/**
 * A function to call with how many of `total` are finished.
 * The first report comes after half a second, so that short work is not announced at all.
 */
export function reportProgress(
  parts: { readonly emit: (event: TrainerEvent) => void; readonly now: () => number },
  phase: Phase,
  total: number,
  detail?: string,
): (finished: number) => void {
  let last = parts.now();
  return (finished) => {
    const now = parts.now();
    if (now - last < interval || total === 0) return;
    last = now;
    parts.emit({
      type: 'phase',
      phase,
      ...(detail === undefined ? {} : { detail }),
      done: Math.min(1, finished / total),
    });
  };
}
