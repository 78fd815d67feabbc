/**
 * The local server: the built window as files, the calls of the contract over HTTP, events over a WebSocket.
 * It listens on this computer only unless told otherwise. docs/server.md has the routes and checks.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isIPv6, type AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { EspalierError, toErrorShape, userError } from '../../contract/errors.ts';
import { answerCall, type CallEnvelope } from '../call-envelope.ts';
import { contentSecurityPolicy } from '../content-security-policy.ts';
import type { Services } from '../services.ts';
import { windowFile } from '../window-file.ts';
import { eventSockets } from './event-socket.ts';
import { readJsonBody } from './read-body.ts';
import { cookieName, guardRequest, type GuardOptions, type RequestAddress } from './request-guard.ts';

export interface WebServerOptions {
  readonly services: Pick<Services, 'callByName' | 'subscribe'>;
  /** Folder of the built window (`out/renderer`). */
  readonly windowDirectory: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default: 32 random bytes. */
  readonly token?: string;
  /** Milliseconds between pings of the event socket. */
  readonly heartbeat?: number;
}

export interface WebServer {
  /** The address to open, with the token. */
  readonly url: string;
  readonly port: number;
  /** Ends open connections; the services stay open. */
  close(): Promise<void>;
}

/** A call: `/api/NAME`. */
const callRoute = /^\/api\/([a-z]+\.[a-zA-Z]+)$/;
const eventsRoute = '/events';

/**
 * Starts the server.
 * @throws EspalierError `port-in-use`, `address-unusable`
 */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const host = options.host ?? '127.0.0.1';
  const token = options.token ?? randomBytes(32).toString('base64url');
  const sockets = eventSockets(options.heartbeat ?? 20_000);
  const guard = { token, host, port: 0, machineName: hostname() };
  const server = createServer((request, response) => {
    void handleRequest(request, response, options, guard).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendEnvelope(response, 500, { ok: false, error: toErrorShape(error) });
    });
  });
  server.requestTimeout = 60_000;
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined);
    const address = requestAddress(request);
    if (address?.path !== eventsRoute) return refuseUpgrade(socket, 404, 'Not Found');
    const verdict = guardRequest(request, address.query, true, guard);
    if (!verdict.allowed) return refuseUpgrade(socket, verdict.status, verdict.reason);
    sockets.accept(request, socket, head);
  });
  guard.port = await listen(server, host, options.port ?? 0);
  const unsubscribe = options.services.subscribe((event) => sockets.send(event));
  const shown =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : isIPv6(host) ? `[${host}]` : host;
  return {
    url: `http://${shown}:${guard.port}/?token=${token}`,
    port: guard.port,
    close: async () => {
      unsubscribe();
      const closed = new Promise<void>((done) => server.close(() => done()));
      await sockets.close();
      server.closeIdleConnections();
      // Answers under way may end; what hangs is cut off.
      const force = setTimeout(() => server.closeAllConnections(), 2_000);
      await closed;
      clearTimeout(force);
    },
  };
}

function listen(server: ReturnType<typeof createServer>, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new EspalierError('environment', 'port-in-use', `Port ${port} is used by another program.`, {
              where: '--port',
              advice: 'Choose another port, or none for any free one.',
              cause: error,
            })
          : userError('address-unusable', `The server cannot listen on ${host}: ${error.message}.`, {
              where: '--host',
              advice: 'Give an address of this computer, such as 127.0.0.1 or 0.0.0.0.',
              cause: error,
            }),
      );
    });
    server.listen({ host, port }, () => {
      const address: AddressInfo | string | null = server.address();
      if (address === null || typeof address === 'string')
        reject(new Error('internal: the server has no port'));
      else resolve(address.port);
    });
  });
}

async function handleRequest(
  request: IncomingMessage,
  response: ServerResponse,
  options: WebServerOptions,
  guard: GuardOptions,
): Promise<void> {
  setSecurityHeaders(response, guard);
  const address = requestAddress(request);
  if (address === null) return sendText(response, 400, 'The address cannot be read.');
  const isCall = address.path.startsWith('/api/');
  const verdict = guardRequest(request, address.query, isCall, guard);
  if (!verdict.allowed) {
    // The body is not read: the connection ends with the answer.
    response.setHeader('connection', 'close');
    if (isCall) return sendEnvelope(response, verdict.status, refusal('refused', verdict.reason));
    return sendText(
      response,
      verdict.status,
      `${verdict.reason} Open the address that "espalier serve" printed.`,
    );
  }
  if (isCall) return handleCall(request, response, address.path, options);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return sendText(response, 405, 'Only files are here.');
  }
  if (verdict.byAddress) {
    response.setHeader(
      'set-cookie',
      `${cookieName(guard.port)}=${guard.token}; HttpOnly; SameSite=Strict; Path=/`,
    );
  }
  return sendWindowFile(response, address.path, options.windowDirectory);
}

async function handleCall(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  { services }: WebServerOptions,
): Promise<void> {
  const name = callRoute.exec(path)?.[1];
  if (name === undefined)
    return sendEnvelope(response, 404, refusal('call-unknown', 'There is no such call.'));
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST');
    return sendEnvelope(response, 405, refusal('method', 'Calls are POST requests.'));
  }
  let input: unknown;
  try {
    input = await readJsonBody(request);
  } catch (error) {
    const shape = toErrorShape(error);
    const status = shape.code === 'body-too-large' ? 413 : shape.code === 'body-type' ? 415 : 400;
    // What is left of the body is not read.
    response.setHeader('connection', 'close');
    return sendEnvelope(response, status, { ok: false, error: shape });
  }
  sendEnvelope(response, 200, await answerCall(services, name, input));
}

async function sendWindowFile(response: ServerResponse, path: string, directory: string): Promise<void> {
  const file = await windowFile(directory, path);
  if (file === null) {
    const built = (await windowFile(directory, '/')) !== null;
    return built
      ? sendText(response, 404, 'There is no such file.')
      : sendText(
          response,
          503,
          'The window is not built yet: run "npm run build:renderer" in the folder of Espalier, then load this page again.',
        );
  }
  response.writeHead(200, {
    'content-type': file.contentType,
    'content-length': file.content.length,
    'cache-control': file.immutable ? 'private, max-age=31536000, immutable' : 'no-store',
  });
  response.end(response.req.method === 'HEAD' ? undefined : file.content);
}

function setSecurityHeaders(response: ServerResponse, guard: GuardOptions): void {
  // Older browsers do not count the event socket as the page's own origin.
  const socket = response.req.headers.host;
  const connect =
    socket !== undefined && /^[\w.:[\]-]+$/.test(socket)
      ? [`ws://${socket}`]
      : [`ws://127.0.0.1:${guard.port}`];
  response.setHeader('content-security-policy', contentSecurityPolicy(connect));
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  response.setHeader('cache-control', 'no-store');
}

/** The parts of a request's address, the path as it was sent: URL would take dots out of it before they are judged. */
function requestAddress(request: IncomingMessage): RequestAddress | null {
  const text = request.url ?? '';
  if (!text.startsWith('/')) return null;
  const question = text.indexOf('?');
  const path = question === -1 ? text : text.slice(0, question);
  return { path, query: new URLSearchParams(question === -1 ? '' : text.slice(question + 1)) };
}

function refusal(code: string, message: string): CallEnvelope {
  return { ok: false, error: toErrorShape(userError(code, message)) };
}

function sendEnvelope(response: ServerResponse, status: number, envelope: CallEnvelope): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(envelope));
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

function refuseUpgrade(socket: Duplex, status: number, reason: string): void {
  socket.end(
    `HTTP/1.1 ${status} ${status === 404 ? 'Not Found' : 'Refused'}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${reason}\n`,
  );
}
