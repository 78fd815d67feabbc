/**
 * Requests to the Hub that wait out what passes: a lost connection, a server error, too many requests. The token goes
 * to the Hub alone, never to the servers that it sends downloads to.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { EspalierError } from '../../contract/errors.ts';
import { refusedBy, unreachable, type Asked } from './hub-errors.ts';

/** What requests use of the world; tests hand in their own. */
export interface NetworkWorld {
  readonly fetch: typeof fetch;
  /** Waits so many milliseconds; rejects when the signal is aborted. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long a server may be silent, in milliseconds. */
  readonly silence: number;
  /** Attempts without any progress before a fetch gives up. */
  readonly attempts: number;
}

export const usualNetwork: NetworkWorld = {
  fetch: (input, init) => fetch(input, init),
  sleep: async (milliseconds, signal) => {
    await delay(milliseconds, undefined, { signal });
  },
  now: () => Date.now(),
  silence: 30_000,
  attempts: 5,
};

/** Longest wait that a server may ask for; beyond it the user decides. */
const longestWait = 10 * 60_000;

export interface HubRequests {
  /** A request whose answer is a success; `detail` is told what is waited for. */
  readonly request: (
    url: string,
    init: {
      headers?: Record<string, string>;
      signal: AbortSignal;
      /** Reads the whole body before it is given out, so that one that is cut off is asked for again. */
      whole?: boolean;
    },
  ) => Promise<Response>;
}

/** The pause that a response asks for, in milliseconds; null where it does not. */
export function retryAfter(headers: Headers, now: number): number | null {
  const value = headers.get('retry-after');
  // The Hub's own header: seconds until its window begins anew.
  const window = /(?:^|;)\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1];
  if (value === null) return window === undefined ? null : Number(window) * 1000;
  if (/^\d+(\.\d+)?$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** The wait before attempt `n` (from 1): half a second, doubled each time, at most half a minute. */
export function backoff(attempt: number): number {
  return Math.min(30_000, 500 * 2 ** (attempt - 1));
}

/**
 * Requests for one repository.
 * @param onWait told in words what is waited for, and an empty text when it is over
 */
export function hubRequests(
  asked: Asked,
  token: string | null,
  world: NetworkWorld,
  onWait: (detail: string) => void,
): HubRequests {
  const origin = new URL(asked.endpoint).origin;
  return {
    async request(url, { headers = {}, signal, whole = false }) {
      const own = new URL(url).origin === origin;
      const send = {
        ...headers,
        'user-agent': 'espalier',
        ...(own && token !== null ? { authorization: `Bearer ${token}` } : {}),
      };
      for (let attempt = 1; ; attempt++) {
        signal.throwIfAborted();
        let failure: EspalierError;
        let wait = backoff(attempt);
        try {
          const response = await withTimeout(world.silence, signal, async (inner) => {
            // A redirect to another server drops the token: fetch itself sees to it.
            const answer = await world.fetch(url, { headers: send, signal: inner, redirect: 'follow' });
            if (!whole || !answer.ok) return answer;
            return new Response(await answer.arrayBuffer(), {
              status: answer.status,
              headers: answer.headers,
            });
          });
          if (response.ok) return response;
          void response.body?.cancel().catch(() => undefined);
          failure = refusedBy(response, asked);
          if (response.status !== 429 && response.status < 500) throw failure;
          wait = retryAfter(response.headers, world.now()) ?? wait;
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof EspalierError) throw error;
          failure = unreachable(asked, error);
        }
        if (attempt >= world.attempts || wait > longestWait) throw failure;
        onWait(`${failure.message} Trying again in ${Math.ceil(wait / 1000)} s.`);
        await world.sleep(wait, signal);
        onWait('');
      }
    },
  };
}

/** Runs `work` with a signal that is also aborted after so many milliseconds. */
export async function withTimeout<T>(
  milliseconds: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new Error(`no answer within ${Math.round(milliseconds / 1000)} s`)),
    milliseconds,
  );
  try {
    return await work(AbortSignal.any([signal, controller.signal]));
  } finally {
    clearTimeout(timer);
  }
}
