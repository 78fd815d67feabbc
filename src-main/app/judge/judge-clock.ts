/** Time as the judge's client needs it; tests hand in their own. */
import { setTimeout as after } from 'node:timers/promises';

export interface JudgeClock {
  /** Milliseconds, rising. */
  now(): number;
  /** Waits; rejects with the reason of the signal when it is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const realClock: JudgeClock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => after(milliseconds, undefined, { signal }),
};
