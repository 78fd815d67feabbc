/** A judge that answers nobody: everyone who asks waits for the same next try, with growing pauses, until it answers or the wait was long enough. */
import { EspalierError } from '../../contract/errors.ts';
import type { JudgeClock } from './judge-clock.ts';
import type { RequestFailure } from './send-request.ts';

export interface OutageState {
  /** What happened last, as a clause. */
  readonly reason: string;
  /** Milliseconds to the next try. */
  readonly wait: number;
}

export interface OutageOptions {
  /** How the judge is called in messages. */
  readonly address: string;
  /** Milliseconds after which the wait is given up. */
  readonly limit: number;
  readonly clock: JudgeClock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Told before each pause, and null once it answers again. */
  readonly onChange: (state: OutageState | null) => void;
}

const firstPause = 1_000;
const longestPause = 60_000;

/** A pause before try `count` (from 1): doubles each time, half of it by chance so that many who wait do not come back at once. */
export function backoff(count: number, random: () => number): number {
  const whole = Math.min(longestPause, firstPause * 2 ** Math.min(20, count - 1));
  return Math.round(whole / 2 + (random() * whole) / 2);
}

export class Outage {
  readonly #options: OutageOptions;
  #since: number | null = null;
  #tries = 0;
  #round = 0;
  #pause: Promise<void> | null = null;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** Pauses so far. A request remembers it, so that its failure is known for old when it is told after a pause. */
  get round(): number {
    return this.#round;
  }

  /**
   * Waits until the next try is due; not at all where a pause has passed since the request of `round` began.
   * @throws EspalierError `judge-unavailable` once the outage lasts longer than the limit
   */
  async wait(failure: RequestFailure, round: number, signal: AbortSignal): Promise<void> {
    if (round < this.#round && this.#pause === null) return;
    this.#pause ??= this.#begin(failure, signal).finally(() => (this.#pause = null));
    await this.#pause;
  }

  /** Waits while others wait, so that no new request runs into a known outage. */
  async settled(): Promise<void> {
    await this.#pause;
  }

  /** The judge answered. */
  end(): void {
    if (this.#since === null) return;
    this.#since = null;
    this.#tries = 0;
    this.#options.onChange(null);
  }

  async #begin({ reason, retryAfter, advice }: RequestFailure, signal: AbortSignal): Promise<void> {
    const { clock, limit, address, random, onChange } = this.#options;
    const now = clock.now();
    this.#since ??= now;
    this.#tries++;
    this.#round++;
    const left = this.#since + limit - now;
    if (left <= 0) {
      throw new EspalierError(
        'environment',
        'judge-unavailable',
        `The judge at ${address} has not answered for ${Math.round((now - this.#since) / 60_000)} minutes (${reason}).`,
        {
          where: 'reward, judge',
          advice: `${advice === undefined ? '' : `${advice} `}Start the judge, then continue the run: it goes on where it stopped, and judgements that were given are not asked for again.`,
        },
      );
    }
    const wait = Math.min(left, Math.max(retryAfter ?? 0, backoff(this.#tries, random)));
    onChange({ reason, wait });
    await clock.sleep(wait, signal);
  }
}
