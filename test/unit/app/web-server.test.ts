import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { HostEvent } from '../../../src-main/contract/calls.ts';
import { userError } from '../../../src-main/contract/errors.ts';
import { startWebServer, type WebServer } from '../../../src-main/app/web/server.ts';

let folder = '';
let server: WebServer;
let base = '';
const token = 'right-token';
const listeners = new Set<(event: HostEvent) => void>();
const services = {
  callByName: async (name: string, input: unknown) => {
    if (name === 'runs.stop') throw userError('run-unknown', 'There is no run "x".', { where: 'runId' });
    if (name === 'runs.get') throw new Error('boom');
    return { name, input };
  },
  subscribe: (listener: (event: HostEvent) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-web-'));
  const built = join(folder, 'renderer');
  mkdirSync(join(built, 'assets'), { recursive: true });
  writeFileSync(join(built, 'index.html'), '<!doctype html><title>Espalier</title>');
  writeFileSync(join(built, 'assets', 'main-abc.js'), 'export {};');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  symlinkSync(join(folder, 'secret.txt'), join(built, 'link.txt'));
  server = await startWebServer({ services, windowDirectory: built, token, heartbeat: 50 });
  base = `http://127.0.0.1:${server.port}`;
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
}
/** A request byte for byte as given: fetch would tidy the path and forbid headers. */
function send(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string; port?: number } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port: options.port ?? server.port,
        path,
        method: options.method ?? 'GET',
        headers: options.headers ?? {},
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}
const bearer = { authorization: `Bearer ${token}` };
const cookie = () => ({ cookie: `other=1; espalier-${server.port}=${token}` });
const call = (name: string, body: string, headers: Record<string, string> = bearer) =>
  send(`/api/${name}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });

describe('who may ask', () => {
  it('opens by the printed address and then by the cookie it gave', async () => {
    expect(server.url).toBe(`${base}/?token=${token}`);
    const page = await send(`/?token=${token}`);
    expect(page.status).toBe(200);
    const given = String(page.headers['set-cookie']);
    expect(given).toContain(`espalier-${server.port}=${token}; HttpOnly; SameSite=Strict; Path=/`);
    expect((await send('/assets/main-abc.js', { headers: cookie() })).status).toBe(200);
  });

  it.each([
    ['no token', '/', {}],
    ['a wrong token', '/?token=wrong', {}],
    ['an empty token', '/?token=', {}],
    ['the beginning of the token', `/?token=${token.slice(0, -1)}`, {}],
    ['a wrong bearer', '/', { authorization: 'Bearer wrong' }],
    ['the cookie of another port', '/', { cookie: `espalier-1=${token}` }],
  ])('refuses %s', async (_name, path, headers) => {
    const answer = await send(path, { headers });
    expect(answer.status).toBe(401);
    expect(answer.text).not.toContain('<title>');
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it.each([
    'evil.example',
    'evil.example:80',
    '127.0.0.1',
    '127.0.0.1:1',
    'localhost.evil.example',
    '127.0.0.1:99999999',
    'a b',
    'user@127.0.0.1',
  ])('refuses the Host %s even with the token', async (host) => {
    const answer = await send(`/?token=${token}`, { headers: { host, ...bearer } });
    expect(answer.status).toBe(421);
  });

  it('takes localhost', async () => {
    expect((await send('/', { headers: { host: `localhost:${server.port}`, ...bearer } })).status).toBe(200);
  });

  it.each(['http://evil.example', 'null', 'https://127.0.0.1', 'http://127.0.0.1'])(
    'refuses the Origin %s',
    async (origin) => {
      expect((await call('app.info', '{}', { ...bearer, origin })).status).toBe(403);
      expect((await send('/', { headers: { ...bearer, origin } })).status).toBe(403);
    },
  );

  it('takes a cookie for a call only from its own page', async () => {
    expect((await call('app.info', '{}', cookie())).status).toBe(403);
    expect((await call('app.info', '{}', { ...cookie(), origin: base })).status).toBe(200);
  });

  it('when it listens everywhere, takes addresses but no foreign names', async () => {
    const wide = await startWebServer({
      services,
      windowDirectory: join(folder, 'renderer'),
      token,
      host: '0.0.0.0',
    });
    try {
      const status = async (host: string) =>
        (await send('/', { port: wide.port, headers: { ...bearer, host: `${host}:${wide.port}` } })).status;
      expect(await status('192.168.7.9')).toBe(200);
      expect(await status('[fe80::1]')).toBe(200);
      expect(await status('evil.example')).toBe(421);
      expect(wide.url).toContain('http://127.0.0.1:');
    } finally {
      await wide.close();
    }
  });
});

describe('calls', () => {
  it('answers with a value', async () => {
    const answer = await call('app.info', '{"a":1}');
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({ ok: true, value: { name: 'app.info', input: { a: 1 } } });
    expect(
      JSON.parse(
        (
          await send('/api/app.info', {
            method: 'POST',
            headers: { ...bearer, 'content-type': 'application/json' },
          })
        ).text,
      ),
    ).toEqual({
      ok: true,
      value: { name: 'app.info', input: {} },
    });
  });

  it('answers with errors in their shape', async () => {
    expect(JSON.parse((await call('runs.stop', '{}')).text)).toEqual({
      ok: false,
      error: { kind: 'user', code: 'run-unknown', message: 'There is no run "x".', where: 'runId' },
    });
    expect(JSON.parse((await call('runs.get', '{}')).text)).toMatchObject({
      ok: false,
      error: { kind: 'bug', message: 'internal: boom' },
    });
  });

  it.each([
    ['bad JSON', 'app.info', '{"a":', {}, 400, 'body-not-json'],
    ['another content type', 'app.info', '{}', { 'content-type': 'text/plain' }, 415, 'body-type'],
    ['a form', 'app.info', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'body-type'],
    ['no such name', '../x', '{}', {}, 404, 'call-unknown'],
  ])('refuses %s', async (_name, name, body, headers, status, code) => {
    const answer = await call(name, body, { ...bearer, ...headers });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({ ok: false, error: { code } });
  });

  it('refuses a body that is too large, announced or not', async () => {
    const body = `"${'a'.repeat(5 * 1024 * 1024)}"`;
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      // The server may end the connection before everything is sent.
      const answer = await call('app.info', body, { ...bearer, ...headers }).catch(
        (error: NodeJS.ErrnoException) => error,
      );
      if (answer instanceof Error) expect(['EPIPE', 'ECONNRESET']).toContain(answer.code);
      else expect(answer.status).toBe(413);
    }
    expect((await call('app.info', '{}')).status).toBe(200);
  });

  it('takes calls as POST only', async () => {
    expect((await send('/api/app.info', { headers: bearer })).status).toBe(405);
    expect((await send('/', { method: 'POST', headers: bearer })).status).toBe(405);
  });
});

describe('files', () => {
  it('come with a strict policy and the right type', async () => {
    const page = await send('/', { headers: bearer });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    const script = await send('/assets/main-abc.js', { headers: bearer });
    expect(script.headers['content-type']).toContain('text/javascript');
    expect(script.headers['cache-control']).toContain('immutable');
    expect((await send('/', { method: 'HEAD', headers: bearer })).text).toBe('');
  });

  it.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%5csecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/link.txt',
    '/%00',
    '/index.html%00.js',
    '/%',
    '/assets',
    '/assets/',
    '//etc/passwd',
    '/C:/x',
    '/none.js',
  ])('nothing at %s', async (path) => {
    const answer = await send(path, { headers: bearer });
    expect(answer.status).toBe(404);
    expect(answer.text).not.toContain('secret\n');
    expect(answer.text).not.toBe('secret');
  });

  it('says what to do when the window is not built', async () => {
    const bare = await startWebServer({ services, windowDirectory: join(folder, 'missing'), token });
    try {
      const answer = await send('/', { port: bare.port, headers: bearer });
      expect(answer.status).toBe(503);
      expect(answer.text).toContain('npm run build:renderer');
    } finally {
      await bare.close();
    }
  });
});

describe('the event socket', () => {
  const address = () => `ws://127.0.0.1:${server.port}/events`;
  const outcome = (socket: WebSocket) =>
    new Promise<number | 'open'>((resolve) => {
      socket.on('open', () => resolve('open'));
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      socket.on('error', () => undefined);
    });
  const event: HostEvent = { type: 'log', runId: 'r', entry: { at: 1, level: 'info', message: 'hello' } };

  it('sends events to every page that may listen', async () => {
    const sockets = [
      new WebSocket(`${address()}?token=${token}`, { origin: base }),
      new WebSocket(address(), { headers: bearer }),
      new WebSocket(address(), { headers: cookie(), origin: base }),
    ];
    const received = sockets.map(
      (socket) =>
        new Promise<string>((resolve) => socket.on('message', (data: Buffer) => resolve(data.toString()))),
    );
    expect(await Promise.all(sockets.map(outcome))).toEqual(['open', 'open', 'open']);
    for (const listener of listeners) listener(event);
    for (const text of await Promise.all(received)) expect(JSON.parse(text)).toEqual(event);
    for (const socket of sockets) socket.close();
  });

  it.each([
    ['no token', '', {}, undefined, 401],
    ['a wrong token', '?token=x', {}, undefined, 401],
    ['a foreign page', `?token=${token}`, {}, 'http://evil.example', 403],
    ['a foreign Host', `?token=${token}`, { host: 'evil.example' }, undefined, 421],
  ])('refuses %s', async (_name, query, headers, origin, status) => {
    const socket = new WebSocket(`${address()}${query}`, {
      headers,
      ...(origin === undefined ? {} : { origin }),
    });
    expect(await outcome(socket)).toBe(status);
  });

  it('refuses a cookie without an Origin, and other paths', async () => {
    expect(await outcome(new WebSocket(address(), { headers: cookie() }))).toBe(403);
    expect(await outcome(new WebSocket(`ws://127.0.0.1:${server.port}/other?token=${token}`))).toBe(404);
  });

  it('keeps pages that answer and cuts off those that do not', async () => {
    const alive = new WebSocket(address(), { headers: bearer });
    const dead = new WebSocket(address(), { headers: bearer, autoPong: false });
    await Promise.all([outcome(alive), outcome(dead)]);
    await new Promise((resolve) => dead.on('close', resolve));
    expect(alive.readyState).toBe(WebSocket.OPEN);
    alive.close();
  });

  it('says goodbye when the server closes, and takes no more', async () => {
    const own = await startWebServer({ services, windowDirectory: folder, token });
    const socket = new WebSocket(`ws://127.0.0.1:${own.port}/events`, { headers: bearer });
    await outcome(socket);
    const code = new Promise((resolve) => socket.on('close', resolve));
    await own.close();
    expect(await code).toBe(1001);
    await expect(send('/', { port: own.port })).rejects.toThrow(/ECONNREFUSED/);
  });
});

it('says that a port is taken', async () => {
  await expect(startWebServer({ services, windowDirectory: folder, port: server.port })).rejects.toThrow(
    /used by another program/,
  );
});
