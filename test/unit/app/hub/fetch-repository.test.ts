import { scanCacheDir } from '@huggingface/hub';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EspalierError } from '../../../../src-main/contract/errors.ts';
import { describeRepository } from '../../../../src-main/app/hub/fetch-repository.ts';
import { readModelCard } from '../../../../src-main/models/model-card.ts';
import { blobName, goodToken, sendFile, type Misbehaviour } from '../../../helpers/hub-server.ts';
import { hubBench, manyRepositories, modelFixture, type HubBench } from './hub-bench.ts';

let bench: HubBench;
const weights = modelFixture('llama-mha')['model.safetensors'] ?? Buffer.alloc(0);
const weightsHash = createHash('sha256').update(weights).digest('hex');

beforeEach(async () => {
  bench = await hubBench(manyRepositories());
});
afterEach(() => bench.close());

async function refusal(work: Promise<unknown>): Promise<EspalierError> {
  const outcome: unknown = await work.then(
    () => 'nothing was refused',
    (error: unknown) => error,
  );
  if (outcome instanceof EspalierError) return outcome;
  throw outcome instanceof Error ? outcome : new Error(String(outcome));
}
const repository = (name: string, kind = 'models') =>
  join(bench.cache, `${kind}--${name.replace('/', '--')}`);
const snapshot = (name: string) => join(repository(name), 'snapshots', bench.hub.commit(name));
/** Applies to the large file of the tiny model, at the server that large files lie on. */
const onWeights =
  (behave: Misbehaviour): Misbehaviour =>
  (seen, response, count) =>
    seen.server === 'store' && seen.path === `/${weightsHash}` ? behave(seen, response, count) : false;

describe('fetching a model', () => {
  it('brings the needed files into the layout that other tools share', async () => {
    const fetched = await bench.fetch({ name: 'owner/tiny' });
    expect(fetched.path).toBe(snapshot('owner/tiny'));
    const names = readdirSync(fetched.path).sort();
    expect(names).toContain('model.safetensors');
    expect(names).toContain('README.md');
    expect(names).not.toContain('pytorch_model.bin');
    expect(names).not.toContain('model.gguf');
    for (const name of names) {
      const path = join(fetched.path, name);
      const content = readFileSync(path);
      expect(lstatSync(path).isSymbolicLink()).toBe(true);
      expect(readlinkSync(path)).toBe(join('..', '..', 'blobs', blobName(content)));
    }
    expect(readFileSync(join(fetched.path, 'model.safetensors')).equals(weights)).toBe(true);
    const reference = join(repository('owner/tiny'), 'refs', 'main');
    expect(readFileSync(reference, 'utf8')).toBe(bench.hub.commit('owner/tiny'));
    expect(readdirSync(repository('owner/tiny')).sort()).toEqual(['blobs', 'refs', 'snapshots']);
    expect(readdirSync(join(repository('owner/tiny'), 'snapshots'))).toEqual([
      bench.hub.commit('owner/tiny'),
    ]);
    expect((await readModelCard(fetched.path)).family).toBe('llama');
    // The library of Hugging Face reads the same.
    const [scanned, ...others] = (await scanCacheDir(bench.cache)).repos;
    expect(others).toEqual([]);
    expect(scanned).toMatchObject({
      id: { name: 'owner/tiny', type: 'model' },
      filesCount: names.length,
      revisions: [{ commitOid: fetched.commit, refs: ['main'], files: { length: names.length } }],
    });
  });

  it('asks for nothing again that is here', async () => {
    await bench.fetch({ name: 'owner/tiny' });
    bench.hub.requests.length = 0;
    const totals: number[] = [];
    await bench.fetch({ name: 'owner/tiny' }, { onProgress: (_done, total) => totals.push(total) });
    expect(bench.hub.requests.filter(({ path }) => path.includes('/resolve/'))).toEqual([]);
    expect(totals.at(-1)).toBe(0);
  });

  it('fetches the shards that the index names and no others', async () => {
    const fetched = await bench.fetch({ name: 'owner/sharded' });
    const names = readdirSync(fetched.path).filter((name) => name.endsWith('.safetensors'));
    expect(names.length).toBeGreaterThan(1);
    expect(names).not.toContain('model-00009-of-00009.safetensors');
    expect((await readModelCard(fetched.path)).parameters).toBeGreaterThan(0);
  });

  it('takes a commit, which needs no note of a branch', async () => {
    const commit = bench.hub.commit('owner/tiny');
    await bench.fetch({ name: 'owner/tiny', revision: commit });
    expect(existsSync(join(repository('owner/tiny'), 'refs'))).toBe(false);
  });

  it('makes files where links are not possible', async () => {
    const refuse = () => Promise.reject(new Error('EPERM'));
    const fetched = await bench.fetch({ name: 'owner/tiny' }, {}, undefined, {
      linking: { symlink: refuse, link: refuse },
    });
    expect(lstatSync(join(fetched.path, 'model.safetensors')).isFile()).toBe(true);
    expect((await readModelCard(fetched.path)).family).toBe('llama');
  });

  it('tells how much is here while it comes', async () => {
    const told: [number, number][] = [];
    const fetched = await bench.fetch(
      { name: 'owner/tiny' },
      { onProgress: (done, total) => told.push([done, total]) },
    );
    const last = told.at(-1);
    expect(last).toEqual([fetched.bytes, fetched.bytes]);
    expect(told.every(([done], i) => done >= (told[i - 1]?.[0] ?? 0))).toBe(true);
  });

  it('sends the token to the Hub and to no other server', async () => {
    const own = await hubBench(
      [{ kind: 'model', name: 'owner/hidden', branches: { main: modelFixture('llama-mha') }, private: true }],
      {
        HF_TOKEN: goodToken,
      },
    );
    try {
      await own.fetch({ name: 'owner/hidden' });
      const seen = (server: string) =>
        new Set(own.hub.requests.filter((each) => each.server === server).map((each) => each.authorization));
      expect(seen('hub')).toEqual(new Set([`Bearer ${goodToken}`]));
      expect(seen('store')).toEqual(new Set([undefined]));
    } finally {
      await own.close();
    }
  });
});

describe('a connection that misbehaves', () => {
  it('goes on where it was cut off, as often as it makes progress', async () => {
    bench.hub.misbehave = onWeights((seen, response) => {
      const from = Number(/(\d+)-/.exec(seen.range ?? '')?.[1] ?? 0);
      const part = Math.ceil(weights.length / 8);
      if (from + part >= weights.length) return false;
      response.writeHead(from === 0 ? 200 : 206, {
        'content-length': weights.length - from,
        ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${weights.length - 1}/${weights.length}` }),
      });
      response.write(weights.subarray(from, from + part), () => response.socket?.end());
      return true;
    });
    const fetched = await bench.fetch({ name: 'owner/tiny' });
    expect(readFileSync(join(fetched.path, 'model.safetensors')).equals(weights)).toBe(true);
    const ranges = bench.hub.requests.filter(({ server }) => server === 'store').map(({ range }) => range);
    expect(new Set(ranges).size).toBeGreaterThan(4);
  });

  it('keeps what came when it gives up, and a later fetch goes on there', async () => {
    const half = weights.length >> 1;
    bench.hub.misbehave = onWeights((_seen, response, count) => {
      if (count > 1) {
        response.destroy();
        return true;
      }
      response.writeHead(200, { 'content-length': weights.length });
      response.write(weights.subarray(0, half), () => setTimeout(() => response.destroy(), 5));
      return true;
    });
    const error = await refusal(bench.fetch({ name: 'owner/tiny' }));
    expect(error).toMatchObject({ kind: 'environment', code: 'hub-unreachable' });
    const part = join(repository('owner/tiny'), 'blobs', `${weightsHash}.incomplete`);
    const kept = lstatSync(part).size;
    expect(kept).toBeGreaterThan(0);
    expect(existsSync(snapshot('owner/tiny'))).toBe(false);
    bench.hub.misbehave = null;
    bench.hub.requests.length = 0;
    await bench.fetch({ name: 'owner/tiny' });
    expect(bench.hub.requests.find(({ server }) => server === 'store')?.range).toBe(`bytes=${kept}-`);
    expect(existsSync(part)).toBe(false);
  });

  it('begins anew where the server does not go on in the middle', async () => {
    const part = join(repository('owner/tiny'), 'blobs', `${weightsHash}.incomplete`);
    mkdirSync(dirname(part), { recursive: true });
    writeFileSync(part, weights.subarray(0, 100));
    bench.hub.misbehave = onWeights((_seen, response) => {
      sendFile(weights, undefined, response);
      return true;
    });
    const fetched = await bench.fetch({ name: 'owner/tiny' });
    expect(readFileSync(join(fetched.path, 'model.safetensors')).equals(weights)).toBe(true);
  });

  it('fetches anew what was left damaged by another program', async () => {
    const part = join(repository('owner/tiny'), 'blobs', `${weightsHash}.incomplete`);
    mkdirSync(dirname(part), { recursive: true });
    writeFileSync(part, Buffer.alloc(1000, 7));
    const fetched = await bench.fetch({ name: 'owner/tiny' });
    expect(readFileSync(join(fetched.path, 'model.safetensors')).equals(weights)).toBe(true);
  });

  it('keeps nothing of a file whose hash is wrong', async () => {
    bench.hub.misbehave = onWeights((_seen, response) => {
      sendFile(Buffer.alloc(weights.length, 3), undefined, response);
      return true;
    });
    const error = await refusal(bench.fetch({ name: 'owner/tiny' }));
    expect(error).toMatchObject({ code: 'hub-hash' });
    expect(
      readdirSync(join(repository('owner/tiny'), 'blobs')).filter((name) => name.startsWith(weightsHash)),
    ).toEqual([]);
    expect(existsSync(snapshot('owner/tiny'))).toBe(false);
  });

  it.each([
    ['shorter', (size: number) => size - 10],
    ['longer', (size: number) => size + 10],
  ])('refuses a file that is %s than the list says', async (_name, change) => {
    bench.hub.changeEntry = (entry) => {
      const { path, lfs } = entry;
      if (path !== 'model.safetensors') return entry;
      return { ...entry, lfs: { ...(lfs as object), size: change(weights.length) } };
    };
    expect(await refusal(bench.fetch({ name: 'owner/tiny' }))).toMatchObject({ code: 'hub-size' });
  });

  it('asks again for a list that was cut off', async () => {
    bench.hub.misbehave = (seen, response, count) => {
      if (!seen.path.includes('/tree/') || count > 1) return false;
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 500 });
      response.write('[{"type": "file"', () => response.destroy());
      return true;
    };
    await bench.fetch({ name: 'owner/tiny' });
  });

  it('waits as long as the server asks when there were too many requests', async () => {
    let refused = 0;
    bench.hub.misbehave = (seen, response) => {
      if (!seen.path.includes('/tree/') || refused === 2) return false;
      refused++;
      response.writeHead(429, refused === 1 ? { 'retry-after': '7' } : { ratelimit: '"api";r=0;t=41' }).end();
      return true;
    };
    const told: string[] = [];
    await bench.fetch({ name: 'owner/tiny' }, { onProgress: (_done, _total, detail) => told.push(detail) });
    expect(bench.waits).toEqual([7000, 41_000]);
    expect(told.some((detail) => detail.includes('Trying again in 7 s'))).toBe(true);
  });

  it('gives up where too many requests stay too many', async () => {
    bench.hub.misbehave = (_seen, response) => {
      response.writeHead(429, { 'retry-after': '1' }).end();
      return true;
    };
    expect(await refusal(bench.fetch({ name: 'owner/tiny' }))).toMatchObject({ code: 'hub-rate-limited' });
    expect(bench.hub.requests.length).toBe(4);
  });

  it('does not wait for hours', async () => {
    bench.hub.misbehave = (_seen, response) => {
      response.writeHead(429, { 'retry-after': '7200' }).end();
      return true;
    };
    expect(await refusal(bench.fetch({ name: 'owner/tiny' }))).toMatchObject({ code: 'hub-rate-limited' });
    expect(bench.waits).toEqual([]);
  });

  it('survives a server error, and names one that stays', async () => {
    bench.hub.misbehave = (_seen, response, count) => {
      if (count > 1) return false;
      response.writeHead(500).end('oops');
      return true;
    };
    await bench.fetch({ name: 'owner/tiny' });
    bench.hub.misbehave = (_seen, response) => {
      response.writeHead(503).end();
      return true;
    };
    expect(await refusal(bench.fetch({ name: 'owner/tiny' }))).toMatchObject({ code: 'hub-down' });
  });

  it('gives up on a server that is silent in the middle', async () => {
    bench.hub.misbehave = onWeights((_seen, response) => {
      response.writeHead(200, { 'content-length': weights.length });
      response.write(weights.subarray(0, 10));
      return true;
    });
    const network = { ...bench.world.network!, silence: 40, attempts: 2 };
    const error = await refusal(bench.fetch({ name: 'owner/tiny' }, {}, undefined, { network }));
    expect(error).toMatchObject({ code: 'hub-unreachable' });
    expect(error.message).toContain('no answer');
  });

  it('takes a server that is slow but not silent', async () => {
    const small = weights.subarray(0);
    bench.hub.misbehave = onWeights((_seen, response) => {
      response.writeHead(200, { 'content-length': small.length });
      const step = Math.ceil(small.length / 5);
      const send = (from: number): void => {
        response.write(small.subarray(from, from + step));
        if (from + step >= small.length) response.end();
        else setTimeout(() => send(from + step), 10);
      };
      send(0);
      return true;
    });
    await bench.fetch({ name: 'owner/tiny' });
  });

  it('says when nothing answers', async () => {
    await bench.hub.close();
    expect(await refusal(bench.fetch({ name: 'owner/tiny' }))).toMatchObject({ code: 'hub-unreachable' });
  });

  it.each([
    ['a web page', '<html>Log in</html>', 'text/html'],
    ['JSON of another form', '{"hello": 1}', 'application/json'],
  ])('says when it gets %s', async (_name, body, type) => {
    bench.hub.misbehave = (_seen, response) => {
      response.writeHead(200, { 'content-type': type }).end(body);
      return true;
    };
    expect(await refusal(bench.fetch({ name: 'owner/tiny' }))).toMatchObject({ code: 'hub-answer' });
  });
});

describe('what may not be fetched', () => {
  it.each([
    ['a model that is gated, without a token', 'owner/gated', {}, 'hub-gated'],
    [
      'a model that is gated, before the owner agreed',
      'owner/gated',
      { HF_TOKEN: 'hf_awaiting' },
      'hub-gated',
    ],
    ['a model that is private', 'owner/hidden', {}, 'hub-not-found'],
    ['a model that is not there', 'owner/nothing', {}, 'hub-not-found'],
    ['a model that is not there, with a token', 'owner/nothing', { HF_TOKEN: goodToken }, 'hub-not-found'],
    ['a token that is wrong', 'owner/tiny', { HF_TOKEN: 'hf_old' }, 'hub-token'],
    ['a request although it is offline', 'owner/tiny', { HF_HUB_OFFLINE: '1' }, 'hub-offline'],
    ['a name that leads out', '../../etc', {}, 'hub-name'],
    ['a name of too many parts', 'a/b/c', {}, 'hub-name'],
    ['a model without safetensors', 'owner/only-bin', {}, 'hub-no-weights'],
    ['a model without tokenizer.json', 'owner/old-tokenizer', {}, 'hub-no-tokenizer'],
    ['a repository without a model', 'owner/gguf', {}, 'hub-no-model'],
  ])('refuses %s', async (_name, name, environment, code) => {
    const error = await refusal(
      bench.fetch({ name }, {}, undefined, { environment: { ...bench.world.environment, ...environment } }),
    );
    expect(error.code).toBe(code);
    expect(error.kind).toBe('user');
    expect(error.advice).not.toBe(undefined);
    expect(existsSync(snapshot(name))).toBe(false);
  });

  it('names a revision that is not there', async () => {
    const error = await refusal(bench.fetch({ name: 'owner/tiny', revision: 'v9' }));
    expect(error).toMatchObject({ code: 'hub-revision' });
    expect(error.message).toContain('v9');
    expect(await refusal(bench.fetch({ name: 'owner/tiny', revision: '../main' }))).toMatchObject({
      code: 'hub-revision',
    });
  });

  it('looks for room before it begins', async () => {
    const error = await refusal(
      bench.fetch({ name: 'owner/tiny' }, {}, undefined, { freeBytes: async () => 10 }),
    );
    expect(error).toMatchObject({ kind: 'environment', code: 'disk-space' });
    expect(existsSync(repository('owner/tiny'))).toBe(false);
  });

  it.runIf(existsSync('/dev/full'))('says when the disk is full', async () => {
    const part = join(repository('owner/tiny'), 'blobs', `${weightsHash}.incomplete`);
    mkdirSync(dirname(part), { recursive: true });
    symlinkSync('/dev/full', part);
    const error = await refusal(bench.fetch({ name: 'owner/tiny' }));
    expect(error).toMatchObject({ kind: 'environment', code: 'disk-full' });
    expect(error.advice).toContain('HF_HOME');
  });

  it.each([
    '../../evil.parquet',
    '/etc/evil.parquet',
    'a/../../evil.parquet',
    'C:evil.parquet',
    'a\\..\\evil.parquet',
    'nul.parquet',
    'a//b.parquet',
  ])('fetches nothing of a repository that names a file %s', async (path) => {
    bench.hub.extraEntries = [{ type: 'file', path, size: 4, oid: 'a'.repeat(40) }];
    const error = await refusal(bench.fetch({ kind: 'dataset', name: 'owner/sums' }));
    expect(error.code).toBe('hub-file-name');
    expect(existsSync(repository('owner/sums', 'datasets'))).toBe(false);
  });

  it('does not believe an index that names a file elsewhere', async () => {
    const index = JSON.stringify({ weight_map: { x: '../../../outside.safetensors' } });
    bench.hub.repositories.push({
      kind: 'model',
      name: 'owner/evil',
      branches: {
        main: { 'config.json': '{}', 'tokenizer.json': '{}', 'model.safetensors.index.json': index },
      },
    });
    expect(await refusal(bench.fetch({ name: 'owner/evil' }))).toMatchObject({ code: 'hub-file-missing' });
    expect(existsSync(snapshot('owner/evil'))).toBe(false);
  });

  it('does not take a hash that is a path', async () => {
    bench.hub.changeEntry = (entry) => ({ ...entry, oid: '../../evil', lfs: undefined });
    expect(await refusal(bench.fetch({ name: 'owner/tiny' }))).toMatchObject({ code: 'hub-answer' });
  });
});

describe('stopping', () => {
  it('ends at once, keeps what came and goes on later', async () => {
    const controller = new AbortController();
    bench.hub.misbehave = onWeights((_seen, response, count) => {
      if (count > 1) return false;
      response.writeHead(200, { 'content-length': weights.length });
      response.write(weights.subarray(0, 5000));
      return true;
    });
    const parts: string[] = [];
    const work = bench.fetch(
      { name: 'owner/tiny' },
      {
        onIncomplete: (path) => parts.push(path),
        onProgress: (_done, _total, detail) => {
          const part = parts.at(-1);
          if (
            detail === 'model.safetensors' &&
            part !== undefined &&
            existsSync(part) &&
            lstatSync(part).size > 0
          ) {
            controller.abort(new EspalierError('cancelled', 'paused', 'It was paused.'));
          }
        },
      },
      controller.signal,
    );
    expect(await refusal(work)).toMatchObject({ kind: 'cancelled', code: 'paused' });
    expect(parts.at(-1)).toContain(weightsHash);
    expect(existsSync(parts.at(-1) ?? '')).toBe(true);
    const fetched = await bench.fetch({ name: 'owner/tiny' });
    expect(readFileSync(join(fetched.path, 'model.safetensors')).equals(weights)).toBe(true);
  });

  it('does no harm when two fetch the same', async () => {
    const [first, second] = await Promise.all([
      bench.fetch({ name: 'owner/tiny' }),
      bench.fetch({ name: 'owner/tiny' }),
    ]);
    expect(first.path).toBe(second.path);
    expect(readFileSync(join(first.path, 'model.safetensors')).equals(weights)).toBe(true);
    expect(readdirSync(join(repository('owner/tiny'), 'snapshots'))).toEqual([
      bench.hub.commit('owner/tiny'),
    ]);
    expect(
      readdirSync(join(repository('owner/tiny'), 'blobs')).filter((name) => name.endsWith('.incomplete')),
    ).toEqual([]);
  });

  it('mends a snapshot that another tool left without a file', async () => {
    const fetched = await bench.fetch({ name: 'owner/tiny' });
    const file = join(fetched.path, 'config.json');
    const blob = realpathSync(file);
    const { rmSync } = await import('node:fs');
    rmSync(file);
    rmSync(blob);
    await bench.fetch({ name: 'owner/tiny' });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveProperty('model_type');
  });
});

describe('fetching a dataset', () => {
  const splits = async (request: { name: string; config?: string; split?: string; revision?: string }) =>
    (await bench.fetch({ kind: 'dataset', ...request })).splits.map(({ split, paths }) => [
      split,
      paths.length,
    ]);

  it('takes the Parquet files of the repository, by split', async () => {
    expect(await splits({ name: 'owner/sums' })).toEqual([
      ['train', 2],
      ['test', 1],
    ]);
    expect(await splits({ name: 'owner/sums', split: 'test' })).toEqual([['test', 1]]);
  });

  it('follows what the card of the dataset says', async () => {
    expect(await splits({ name: 'owner/carded' })).toEqual([
      ['learn', 2],
      ['held', 1],
    ]);
    expect(await splits({ name: 'owner/carded', config: 'plain' })).toEqual([['train', 1]]);
  });

  it('takes those that the Hub converted where there are none, and notes that branch', async () => {
    const fetched = await bench.fetch({ kind: 'dataset', name: 'owner/converted', config: 'easy' });
    expect(fetched.splits.map(({ split }) => split).sort()).toEqual(['test', 'train']);
    expect(fetched.commit).toBe(bench.hub.commit('owner/converted', 'refs/convert/parquet'));
    const reference = join(repository('owner/converted', 'datasets'), 'refs', 'refs', 'convert', 'parquet');
    expect(readFileSync(reference, 'utf8')).toBe(fetched.commit);
  });

  it('takes text files where there is nothing else', async () => {
    expect(await splits({ name: 'owner/lines' })).toEqual([
      ['train', 1],
      ['test', 1],
    ]);
  });

  it.each([
    ['no configuration where there are several', { name: 'owner/converted' }, 'hub-config', 'easy, hard'],
    [
      'a configuration that is not there',
      { name: 'owner/converted', config: 'esy' },
      'hub-config',
      'easy, hard',
    ],
    ['a split that is not there', { name: 'owner/sums', split: 'tain' }, 'hub-split', 'train, test'],
    ['a dataset of pictures', { name: 'owner/pictures' }, 'hub-no-data', 'Parquet'],
  ])('refuses %s', async (_name, request, code, advice) => {
    const error = await refusal(bench.fetch({ kind: 'dataset', ...request }));
    expect(error.code).toBe(code);
    expect(error.advice).toContain(advice);
  });
});

describe('describing', () => {
  const describeIt = (request: { kind: 'model' | 'dataset'; name: string; config?: string }) =>
    describeRepository({ revision: 'main', ...request }, bench.world, new AbortController().signal);

  it('says what a model is before it is fetched, and writes nothing', async () => {
    const found = await describeIt({ kind: 'model', name: 'owner/tiny' });
    expect(found).toMatchObject({
      commit: bench.hub.commit('owner/tiny'),
      licence: 'apache-2.0',
      gated: false,
      fits: true,
      model: { family: 'llama', supported: true, memory: { trains: true } },
    });
    expect(found.missingBytes).toBe(found.bytes);
    expect(found.files.some(({ path }) => path === 'model.safetensors')).toBe(true);
    expect(existsSync(bench.cache)).toBe(false);
    await bench.fetch({ name: 'owner/tiny' });
    expect(await describeIt({ kind: 'model', name: 'owner/tiny' })).toMatchObject({ missingBytes: 0 });
  });

  it('takes the address of a page for a name', async () => {
    expect(
      (await describeIt({ kind: 'model', name: 'https://huggingface.co/owner/tiny/tree/main' })).name,
    ).toBe('owner/tiny');
    const data = await describeIt({ kind: 'model', name: 'https://huggingface.co/datasets/owner/sums' });
    expect(data).toMatchObject({
      kind: 'dataset',
      name: 'owner/sums',
      configs: [{ name: 'default', splits: ['train', 'test'] }],
    });
  });

  it('does not know what a gated model is', async () => {
    expect(await describeIt({ kind: 'model', name: 'owner/gated' })).toMatchObject({
      gated: true,
      model: null,
    });
  });
});
