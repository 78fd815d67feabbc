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

/** Models and datasets of many kinds, most of them with something wrong. */
export function manyRepositories(): TestRepository[] {
  const sharded = modelFixture('llama-sharded');
  return [
    {
      kind: 'model',
      name: 'owner/sharded',
      branches: { main: { ...sharded, 'model-00009-of-00009.safetensors': Buffer.alloc(2000, 1) } },
    },
    { kind: 'model', name: 'owner/gated', branches: { main: modelFixture('llama-mha') }, gated: true },
    { kind: 'model', name: 'owner/hidden', branches: { main: modelFixture('llama-mha') }, private: true },
    {
      kind: 'model',
      name: 'owner/only-bin',
      branches: { main: { 'config.json': '{}', 'tokenizer.json': '{}', 'pytorch_model.bin': 'x' } },
    },
    {
      kind: 'model',
      name: 'owner/old-tokenizer',
      branches: { main: { 'config.json': '{}', 'model.safetensors': 'x', 'tokenizer.model': 'x' } },
    },
    { kind: 'model', name: 'owner/gguf', branches: { main: { 'a.gguf': 'x' } } },
    {
      kind: 'dataset',
      name: 'owner/sums',
      branches: {
        main: {
          'README.md': 'Sums',
          'data/train-00000-of-00002.parquet': 'PAR1 train a',
          'data/train-00001-of-00002.parquet': 'PAR1 train b',
          'data/test-00000-of-00001.parquet': 'PAR1 test',
        },
      },
    },
    {
      kind: 'dataset',
      name: 'owner/carded',
      card: {
        configs: [
          { config_name: 'plain', data_files: 'all/*.parquet' },
          {
            config_name: 'hard',
            default: true,
            data_dir: 'deep',
            data_files: [
              { split: 'learn', path: ['a/*.parquet', 'b/**'] },
              { split: 'held', path: 'z.parquet' },
            ],
          },
        ],
      },
      branches: {
        main: {
          'all/x.parquet': 'PAR1 x',
          'deep/a/one.parquet': 'PAR1 1',
          'deep/b/c/two.parquet': 'PAR1 2',
          'deep/z.parquet': 'PAR1 z',
          'other.parquet': 'PAR1 o',
        },
      },
    },
    {
      kind: 'dataset',
      name: 'owner/converted',
      branches: {
        main: { 'script.py': 'print()', 'train.jsonl': rows(3, 'Raw') },
        'refs/convert/parquet': {
          'easy/train/0000.parquet': 'PAR1 e',
          'easy/test/0000.parquet': 'PAR1 et',
          'hard/train/0000.parquet': 'PAR1 h',
        },
      },
    },
    {
      kind: 'dataset',
      name: 'owner/lines',
      branches: {
        main: { 'train.jsonl': rows(3, 'A'), 'test.jsonl': rows(2, 'B'), 'dataset_infos.json': '{}' },
      },
    },
    { kind: 'dataset', name: 'owner/pictures', branches: { main: { 'a.png': 'x' } } },
  ];
}
