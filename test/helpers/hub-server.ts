/**
 * A real HTTP server that speaks the interface of the Hugging Face Hub (repository, tree, resolve, redirect to another
 * server for large files) over repositories given as contents, and that misbehaves on request.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestRepository {
  readonly kind: 'model' | 'dataset';
  readonly name: string;
  /** Files of each branch. */
  readonly branches: Readonly<Record<string, Readonly<Record<string, string | Buffer>>>>;
  readonly gated?: boolean;
  readonly private?: boolean;
  readonly licence?: string;
  /** Further fields of the card. */
  readonly card?: object;
}

/** One request as the server saw it. */
export interface SeenRequest {
  readonly server: 'hub' | 'store';
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** Handles a request itself, or gives false to let the server answer as usual. */
export type Misbehaviour = (request: SeenRequest, response: ServerResponse, count: number) => boolean;

export interface HubServer {
  readonly url: string;
  readonly requests: SeenRequest[];
  misbehave: Misbehaviour | null;
  /** Entries that the list of files has beside the real ones. */
  extraEntries: readonly object[];
  /** Changes an entry of the list of files. */
  changeEntry: (entry: Record<string, unknown>) => Record<string, unknown>;
  readonly repositories: TestRepository[];
  commit(name: string, branch?: string): string;
  close(): Promise<void>;
}

/** Contents from this size on lie on the other server, as large files do. */
const largeFrom = 1_000;
const pageSize = 3;

export const goodToken = 'hf_good';
const awaitingToken = 'hf_awaiting';

const sha1 = (text: string | Buffer): string => createHash('sha1').update(text).digest('hex');
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

export function gitHash(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

/** The hash that names a content in the cache. */
export function blobName(content: string | Buffer): string {
  const bytes = Buffer.from(content);
  return bytes.length >= largeFrom ? sha256(bytes) : gitHash(bytes);
}

export async function startHubServer(repositories: TestRepository[]): Promise<HubServer> {
  const counts = new Map<string, number>();
  const see = (server: 'hub' | 'store', request: IncomingMessage): SeenRequest => {
    const seen: SeenRequest = {
      server,
      path: request.url ?? '',
      authorization: request.headers.authorization,
      range: request.headers.range,
    };
    hub.requests.push(seen);
    return seen;
  };
  const misbehaves = (seen: SeenRequest, response: ServerResponse): boolean => {
    const key = `${seen.server} ${seen.path}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return hub.misbehave?.(seen, response, counts.get(key) ?? 1) ?? false;
  };
  const store = createServer((request, response) => {
    const seen = see('store', request);
    if (misbehaves(seen, response)) return;
    const wanted = seen.path.slice(1);
    for (const { branches } of hub.repositories) {
      for (const files of Object.values(branches)) {
        for (const content of Object.values(files)) {
          const bytes = Buffer.from(content);
          if (sha256(bytes) === wanted) return sendFile(bytes, seen.range, response);
        }
      }
    }
    response.writeHead(404).end();
  });
  await listen(store);
  const storeUrl = addressOf(store);
  const server = createServer((request, response) => {
    const seen = see('hub', request);
    if (misbehaves(seen, response)) return;
    answer(hub, seen, response, storeUrl);
  });
  await listen(server);
  const hub: HubServer = {
    url: addressOf(server),
    requests: [],
    misbehave: null,
    extraEntries: [],
    changeEntry: (entry) => entry,
    repositories,
    commit: (name, branch = 'main') => commitOf(name, branch),
    close: async () => {
      for (const each of [server, store]) {
        each.closeAllConnections();
        await new Promise<void>((done) => each.close(() => done()));
      }
    },
  };
  return hub;
}

function commitOf(name: string, branch: string): string {
  return sha1(`${name}@${branch}`);
}

function listen(server: Server): Promise<void> {
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done()));
}

function addressOf(server: Server): string {
  const address = server.address() as AddressInfo;
  return `http://127.0.0.1:${address.port}`;
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(code === '' ? {} : { 'x-error-code': code, 'x-error-message': message }),
  });
  response.end(JSON.stringify({ error: message }));
}

function answer(hub: HubServer, seen: SeenRequest, response: ServerResponse, storeUrl: string): void {
  const url = new URL(seen.path, hub.url);
  const token = seen.authorization?.replace(/^Bearer /, '');
  if (token !== undefined && token !== goodToken && token !== awaitingToken) {
    return refuse(response, 401, '', 'Invalid credentials in Authorization header');
  }
  const api = /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
  const resolve = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
  const kind = (api?.[1] ?? resolve?.[1] ?? 'models').startsWith('datasets') ? 'dataset' : 'model';
  const name = api?.[2] ?? resolve?.[2] ?? '';
  const repository = hub.repositories.find((each) => each.kind === kind && each.name === name);
  if (repository === undefined || (repository.private === true && token !== goodToken)) {
    return token === undefined
      ? refuse(response, 401, 'RepoNotFound', 'Repository not found')
      : refuse(response, 404, 'RepoNotFound', 'Repository not found');
  }
  const revision = decodeURIComponent(api?.[4] ?? resolve?.[3] ?? '');
  const branch = Object.keys(repository.branches).find(
    (each) => each === revision || commitOf(name, each) === revision,
  );
  if (branch === undefined) return refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
  const files = repository.branches[branch] ?? {};
  if (api?.[3] === 'revision') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        _id: 'id',
        id: name,
        sha: commitOf(name, branch),
        private: repository.private ?? false,
        gated: repository.gated === true ? 'manual' : false,
        downloads: 1,
        likes: 1,
        lastModified: '2026-01-01T00:00:00.000Z',
        cardData: { license: repository.licence ?? 'apache-2.0', ...repository.card },
      }),
    );
    return;
  }
  if (api !== null) return sendTree(hub, files, url, response);
  if (repository.gated === true && token !== goodToken) {
    return token === undefined
      ? refuse(response, 401, 'GatedRepo', 'Access to this model is restricted. You must be authenticated.')
      : refuse(response, 403, 'GatedRepo', 'Your request to access this model is awaiting a review.');
  }
  const content = files[decodeURIComponent(resolve?.[4] ?? '')];
  if (content === undefined) return refuse(response, 404, 'EntryNotFound', 'Entry not found');
  const bytes = Buffer.from(content);
  response.setHeader('x-repo-commit', commitOf(name, branch));
  if (bytes.length >= largeFrom) {
    response.setHeader('x-linked-size', bytes.length);
    response.setHeader('x-linked-etag', `"${sha256(bytes)}"`);
    response.writeHead(302, { location: `${storeUrl}/${sha256(bytes)}` }).end();
    return;
  }
  response.setHeader('etag', `"${gitHash(bytes)}"`);
  sendFile(bytes, seen.range, response);
}

function sendTree(
  hub: HubServer,
  files: Readonly<Record<string, string | Buffer>>,
  url: URL,
  response: ServerResponse,
): void {
  const entries: object[] = Object.entries(files).map(([path, content]) => {
    const bytes = Buffer.from(content);
    const large = bytes.length >= largeFrom;
    return hub.changeEntry({
      type: 'file',
      path,
      size: bytes.length,
      oid: gitHash(bytes),
      ...(large ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 } } : {}),
    });
  });
  const all = [
    { type: 'directory', path: 'data', size: 0, oid: sha1('data') },
    ...entries,
    ...hub.extraEntries,
  ];
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const next = new URL(url);
  next.searchParams.set('cursor', String(from + pageSize));
  response.writeHead(200, {
    'content-type': 'application/json',
    ...(from + pageSize < all.length ? { link: `<${next.href}>; rel="next"` } : {}),
  });
  response.end(JSON.stringify(all.slice(from, from + pageSize)));
}

/** Sends a content, or the part of it that is asked for. */
export function sendFile(bytes: Buffer, range: string | undefined, response: ServerResponse): void {
  const start = /^bytes=(\d+)-$/.exec(range ?? '')?.[1];
  if (start === undefined) {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    return;
  }
  const from = Number(start);
  response.writeHead(206, {
    'content-length': bytes.length - from,
    'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
  });
  response.end(bytes.subarray(from));
}
