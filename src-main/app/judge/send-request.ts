/**
 * One request to a judge, and what became of it. Redirects are not followed, since they could take the key elsewhere; a reply
 * is read up to a limit; nothing of the key appears in what is told.
 */
import type { JudgeClock } from './judge-clock.ts';

/** What a failure says about others: `down` concerns all requests now, `passing` may pass, `answer` is about this text, `final` stays. */
export type FailureScope = 'down' | 'passing' | 'answer' | 'final';

export interface RequestFailure {
  readonly scope: FailureScope;
  /** What happened, as a clause: "connection refused". */
  readonly reason: string;
  /** HTTP status, where there was one. */
  readonly status?: number;
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter?: number;
  /** Whether the request reached nobody, so that it cost nothing. */
  readonly unsent?: true;
  readonly advice?: string;
}

export type Sent<T> = { readonly value: T } | { readonly failure: RequestFailure };

export interface RequestTools {
  readonly fetch: typeof fetch;
  readonly clock: JudgeClock;
}

export interface JudgeRequest {
  readonly url: string;
  /** Sent as JSON with POST; GET without. */
  readonly body?: unknown;
  readonly key: string | undefined;
  /** Milliseconds for the whole exchange. */
  readonly timeout: number;
}

const largestReply = 2 * 1024 * 1024;
const longestWait = 10 * 60_000;

/** Sends a request and reads its JSON reply. Rejects only where `signal` is aborted, with its reason. */
export async function sendRequest(
  request: JudgeRequest,
  { fetch: send, clock }: RequestTools,
  signal: AbortSignal,
): Promise<Sent<unknown>> {
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const timeUp = clock.sleep(request.timeout, both).then(
    () => ended.abort(new TimeUp()),
    () => {},
  );
  try {
    return await exchange(request, send, both);
  } catch (error) {
    signal.throwIfAborted();
    if (ended.signal.aborted)
      return failure('passing', `no answer within ${Math.round(request.timeout / 1000)} s`, {
        advice: 'Raise "timeout", lower "concurrency" or "maxTokens", or use a smaller judge.',
      });
    return { failure: describeBrokenConnection(error) };
  } finally {
    ended.abort();
    await timeUp;
  }
}

class TimeUp extends Error {}

async function exchange(
  { url, body, key }: JudgeRequest,
  send: typeof fetch,
  signal: AbortSignal,
): Promise<Sent<unknown>> {
  const response = await send(url, {
    method: body === undefined ? 'GET' : 'POST',
    redirect: 'manual',
    signal,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await readBounded(response, largestReply);
  if (!response.ok) return { failure: describeStatus(response, text ?? '', key) };
  if (text === null) return failure('passing', `a reply of more than ${largestReply / 1024 / 1024} MB`);
  if (/^\s*<(?:!doctype|html)/i.test(text))
    return failure('final', 'it answers with a web page', {
      advice: 'This is not the address of the interface; it usually ends in /v1.',
    });
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch {
    return failure(
      'passing',
      text.trim() === '' ? 'an empty reply' : 'a reply that is no JSON, or is cut off',
    );
  }
}

function failure(
  scope: FailureScope,
  reason: string,
  more: Omit<RequestFailure, 'scope' | 'reason'> = {},
): { failure: RequestFailure } {
  return { failure: { scope, reason, ...more } };
}

/** The text of a reply; null where it is longer than the limit, of which the rest is not read. */
async function readBounded(response: Response, limit: number): Promise<string | null> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  // Leaving the loop early cancels the stream.
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > limit) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function describeStatus(response: Response, body: string, key: string | undefined): RequestFailure {
  const { status } = response;
  if (status >= 300 && status < 400) {
    return {
      scope: 'final',
      status,
      reason: `it redirects to another address (status ${status})`,
      advice:
        'Redirects are not followed, so that no key goes astray. Enter the address that it redirects to, if you trust it.',
    };
  }
  const said = serverMessage(body, key);
  const words = `status ${status}${said === '' ? '' : `: ${said}`}`;
  switch (status) {
    case 401:
    case 403:
      // The message of the server may repeat parts of the key.
      return {
        scope: 'final',
        status,
        reason:
          key === undefined
            ? `it asks for a key (status ${status})`
            : `it does not accept the key (status ${status})`,
        advice: 'Check the key and its name; "espalier judge --help" says how keys are kept.',
      };
    case 402:
      return {
        scope: 'final',
        status,
        reason: words,
        advice: 'The account of the judge has no credit left.',
      };
    case 404:
    case 405:
      return {
        scope: 'final',
        status,
        reason: words,
        advice:
          'Check the address (it usually ends in /v1) and the name of the model, and that the server has loaded it.',
      };
    case 429:
    case 502:
    case 503:
    case 504:
    case 529:
      return {
        scope: status === 429 && /insufficient_quota|billing/i.test(body) ? 'final' : 'down',
        status,
        reason: status === 429 ? `it asks to slow down (${words})` : words,
        ...retryAfter(response),
      };
    case 400:
    case 413:
    case 415:
    case 422:
      return { scope: 'answer', status, reason: words };
    default:
      return {
        scope: status >= 500 || status === 408 ? 'passing' : 'final',
        status,
        reason: words,
        ...retryAfter(response),
      };
  }
}

function retryAfter(response: Response): { retryAfter?: number } {
  const header = response.headers.get('retry-after');
  if (header === null) return {};
  // A date is compared with the server's own clock, which may differ from that of this computer.
  const seconds = /^\s*\d+(\.\d+)?\s*$/.test(header)
    ? Number(header)
    : (Date.parse(header) - Date.parse(response.headers.get('date') ?? '')) / 1000;
  return Number.isFinite(seconds) ? { retryAfter: Math.min(longestWait, Math.max(0, seconds * 1000)) } : {};
}

const longestMessage = 300;

/** What the server says went wrong, on one short line without the key. */
function serverMessage(body: string, key: string | undefined): string {
  const line = withoutKey(messageIn(body), key).replace(/\s+/g, ' ').trim().toWellFormed();
  return line.length <= longestMessage ? line : `${line.slice(0, longestMessage - 1).toWellFormed()}…`;
}

function messageIn(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null) {
      const inner: unknown =
        Reflect.get(parsed, 'error') ?? Reflect.get(parsed, 'message') ?? Reflect.get(parsed, 'detail');
      if (typeof inner === 'string') return inner;
      if (typeof inner === 'object' && inner !== null) {
        const message: unknown = Reflect.get(inner, 'message');
        if (typeof message === 'string') return message;
      }
    }
  } catch {
    // Plain text or a page.
  }
  return /^\s*</.test(body) ? '' : body;
}

/** A text in which a key that a server repeated cannot be read. */
export function withoutKey(text: string, key: string | undefined): string {
  return key === undefined || key === '' ? text : text.replaceAll(key, '[key]');
}

const brokenReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up now',
  EHOSTUNREACH: 'no way to it',
  ENETUNREACH: 'no network',
  ETIMEDOUT: 'no connection within the time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within the time',
};

function describeBrokenConnection(error: unknown): RequestFailure {
  const code = errorCode(error);
  if (/^(CERT_|ERR_TLS|ERR_SSL|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED)/.test(code)) {
    return {
      scope: 'final',
      reason: `its certificate cannot be trusted (${code})`,
      unsent: true,
      advice: 'Give the server a valid certificate, or use its http address on this computer.',
    };
  }
  const known = brokenReasons[code];
  if (known !== undefined) return { scope: 'down', reason: known, unsent: true };
  // The server took the request and then let go: that may be because of this very answer.
  return { scope: 'passing', reason: `the connection broke off${code === '' ? '' : ` (${code})`}` };
}

/** The system's code of a failed `fetch`, wherever in the chain of causes it stands. */
function errorCode(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at instanceof AggregateError && at.errors.length > 0) return errorCode(at.errors[0]);
    const code: unknown = Reflect.get(at, 'code');
    if (typeof code === 'string') return code;
  }
  return '';
}
