/** A Hub on this computer with a model and some datasets, and a cache of its own, for the tests beside this file. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { HubRequest } from '../../../../src-main/contract/hub.ts';
import {
  fetchRepository,
  type FetchedRepository,
  type FetchListener,
  type HubWorld,
} from '../../../../src-main/app/hub/fetch-repository.ts';
import { startHubServer, type HubServer, type TestRepository } from '../../../helpers/hub-server.ts';

const fixtures = resolve('test/fixtures/models');

/** Files of a model fixture. */
export function modelFixture(name: string): Record<string, Buffer> {
  const folder = join(fixtures, name);
  return Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file))]));
}

export const rows = (count: number, word: string): string =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({ question: `${word} ${i}?`, answer: String(i) }),
  ).join('\n');

export interface HubBench {
  readonly hub: HubServer;
  readonly cache: string;
  readonly world: HubWorld;
  /** Waits that were asked for, in milliseconds. */
  readonly waits: number[];
  fetch(
    request: Partial<HubRequest> & { name: string },
    listener?: Partial<FetchListener>,
    signal?: AbortSignal,
    world?: Partial<HubWorld>,
  ): Promise<FetchedRepository>;
  close(): Promise<void>;
}

export async function hubBench(
  more: TestRepository[] = [],
  environment: Record<string, string> = {},
): Promise<HubBench> {
  const tiny: TestRepository = {
    kind: 'model',
    name: 'owner/tiny',
    branches: {
      main: {
        ...modelFixture('llama-mha'),
        'README.md': '---\nlicense: mit\n---\nA tiny model.',
        'pytorch_model.bin': Buffer.alloc(5000),
        'model.gguf': Buffer.alloc(3000),
      },
    },
  };
  const hub = await startHubServer([tiny, ...more]);
  const folder = mkdtempSync(join(tmpdir(), 'espalier-hub-'));
  const cache = join(folder, 'hub');
  const waits: number[] = [];
  const world: HubWorld = {
    environment: { HF_ENDPOINT: hub.url, HF_HOME: folder, ...environment },
    network: {
      fetch: (input, init) => fetch(input, init),
      sleep: async (milliseconds, signal) => {
        waits.push(milliseconds);
        await new Promise((done) => setImmediate(done));
        signal.throwIfAborted();
      },
      now: () => Date.UTC(2026, 0, 1),
      silence: 20_000,
      attempts: 4,
    },
  };
  return {
    hub,
    cache,
    world,
    waits,
    fetch: (request, listener = {}, signal = new AbortController().signal, changes = {}) =>
      fetchRepository(
        { kind: 'model', revision: 'main', ...request },
        { ...world, ...changes },
        { onProgress: () => undefined, ...listener },
        signal,
      ),
    close: async () => {
      await hub.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
