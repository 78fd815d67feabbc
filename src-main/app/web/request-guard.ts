/**
 * Who may talk to the local server. Three checks on every request: the Host header names this server (else a
 * foreign name was pointed at it), an Origin is its own page's, and the token of the printed address is known.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

export interface GuardOptions {
  readonly token: string;
  /** Address that the server listens on, and its port. */
  readonly host: string;
  readonly port: number;
  /** Name of this machine, allowed when the server listens on every address. */
  readonly machineName: string;
}

/** The address of a request, not decoded. */
export interface RequestAddress {
  readonly path: string;
  readonly query: URLSearchParams;
}

export type GuardVerdict =
  | {
      readonly allowed: true;
      /** The token stood in the address: the page gets a cookie. */ readonly byAddress: boolean;
    }
  | { readonly allowed: false; readonly status: 401 | 403 | 421; readonly reason: string };

/** Name of the cookie; ports share cookies, so it holds the port. */
export function cookieName(port: number): string {
  return `espalier-${port}`;
}

/** Decides about a request. `acts`: it is a call or an event socket, not a file of the page. */
export function guardRequest(
  request: IncomingMessage,
  query: URLSearchParams,
  acts: boolean,
  options: GuardOptions,
): GuardVerdict {
  const host = request.headers.host;
  if (host === undefined || !hostAllowed(host, options)) {
    return { allowed: false, status: 421, reason: 'The Host header does not name this server.' };
  }
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${host}`) {
    return { allowed: false, status: 403, reason: 'Requests from other pages are refused.' };
  }
  const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const inAddress = query.get('token') ?? undefined;
  const byHeader = matches(bearer, options.token);
  const byAddress = matches(inAddress, options.token);
  const byCookie = matches(cookieValue(request.headers.cookie, cookieName(options.port)), options.token);
  if (!byHeader && !byAddress && !byCookie) {
    return { allowed: false, status: 401, reason: 'The token is missing or wrong.' };
  }
  // A browser adds cookies by itself, so an action that only a cookie vouches for must come from our own page.
  if (acts && !byHeader && !byAddress && origin === undefined) {
    return { allowed: false, status: 403, reason: 'A request with a cookie needs an Origin header.' };
  }
  return { allowed: true, byAddress };
}

const anyAddress = ['0.0.0.0', '::'];
const loopbackNames = ['127.0.0.1', 'localhost', '::1'];

function hostAllowed(header: string, { host, port, machineName }: GuardOptions): boolean {
  const parsed = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/@?#]+))(?::(\d{1,5}))?$/i.exec(header);
  if (parsed === null) return false;
  const name = (parsed[1] ?? parsed[2] ?? '').toLowerCase();
  if (Number(parsed[3] ?? 80) !== port) return false;
  if (loopbackNames.includes(name) || name === host.toLowerCase()) return true;
  if (!anyAddress.includes(host)) return false;
  // Other names are refused: a page of the attacker's could be given a name that resolves to this machine.
  const machine = machineName.toLowerCase();
  return isIP(name) !== 0 || name === machine || name === `${machine}.local`;
}

/** Compares without telling by its time how much was right. */
function matches(given: string | undefined, token: string): boolean {
  if (given === undefined || given === '') return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const [key, ...value] = pair.trim().split('=');
    if (key === name) return value.join('=');
  }
  return undefined;
}
