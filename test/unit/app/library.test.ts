// The library of datasets and models through the services: imports, versions, pages, copies, the Hub, jobs.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostEventSchema } from '../../../src-main/contract/calls.ts';
import type { Job } from '../../../src-main/contract/jobs.ts';
import { EspalierError } from '../../../src-main/contract/errors.ts';
import { hubBench, rows as dataRows, type HubBench } from './hub/hub-bench.ts';
import { fixtureModels, serviceBench, type ServiceBench } from './service-bench.ts';

const sharded = resolve('test/fixtures/data-files/folders/hub');
const folderFiles = (folder: string): Record<string, Buffer> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [name.replaceAll('\\', '/'), readFileSync(join(folder, name))]),
  );

let bench: ServiceBench;
let hub: HubBench;
let data: string;

beforeEach(async () => {
  hub = await hubBench([
    {
      kind: 'dataset',
      name: 'owner/lines',
      branches: { main: { 'train.jsonl': dataRows(30, 'A'), 'test.jsonl': dataRows(5, 'B') } },
    },
    { kind: 'dataset', name: 'owner/shards', branches: { main: folderFiles(sharded) } },
    { kind: 'dataset', name: 'owner/broken', branches: { main: { 'train.jsonl': '{"a": 1}\n{"a": ' } } },
  ]);
  bench = serviceBench();
  await bench.services.close();
  bench.open({ hub: hub.world });
  data = join(bench.folder, 'questions.jsonl');
  writeFileSync(data, dataRows(120, 'Sum'));
});
afterEach(async () => {
  // Whatever happened, windows understand every event.
  for (const event of bench.events) hostEventSchema.parse(event);
  await bench.close();
  await hub.close();
});

async function refusal(work: Promise<unknown>): Promise<EspalierError> {
  const outcome: unknown = await work.then(
    () => 'nothing was refused',
    (error: unknown) => error,
  );
  if (outcome instanceof EspalierError) return outcome;
  throw outcome instanceof Error ? outcome : new Error(String(outcome));
}

/** Waits until a job is in one of these states. */
async function jobUntil(jobId: string, ...states: Job['state'][]): Promise<Job> {
  for (;;) {
    const job = (await bench.services.call('jobs.list', {})).find(({ id }) => id === jobId);
    if (job === undefined) throw new Error('the job is gone');
    if (states.includes(job.state)) return job;
    if (!['running', 'paused'].includes(job.state))
      throw new Error(`the job is ${job.state}: ${JSON.stringify(job.error)}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

async function importData(
  input: { path?: string; name?: string; datasetId?: string; keepCopy?: boolean } = {},
) {
  const { jobId } = await bench.services.call('datasets.import', { path: data, ...input });
  const { result } = await jobUntil(jobId, 'done');
  const imported = result?.kind === 'import' ? result.datasets[0] : undefined;
  if (imported === undefined) throw new Error('no import');
  return imported;
}
const list = () => bench.services.call('datasets.list', {});
const get = (datasetId: string) => bench.services.call('datasets.get', { datasetId });

describe('importing', () => {
  it('records what a file holds and leaves the file where it is', async () => {
    const { datasetId, isNew } = await importData();
    expect(isNew).toBe(true);
    const detail = await get(datasetId);
    expect(detail).toMatchObject({
      name: 'questions',
      source: { kind: 'file', path: data },
      problem: null,
      runs: [],
    });
    expect(detail.version).toMatchObject({
      path: data,
      rows: 120,
      kept: false,
      bytes: readFileSync(data).length,
    });
    expect(detail.version.columns).toMatchObject([
      {
        name: 'question',
        type: 'text',
        example: 'Sum 0?',
        missing: 0,
        distinct: { count: 120, exact: true },
      },
      { name: 'answer', type: 'number as text', numbers: { min: 0, max: 119 } },
    ]);
    expect(detail.version.duplicates).toEqual({ count: 0, exact: true });
    expect(bench.events.some((event) => event.type === 'datasets')).toBe(true);
    const told = bench.events.flatMap((event) => (event.type === 'job' ? [event.job] : []));
    expect(told.at(-1)).toMatchObject({ state: 'done', done: 120, total: 120, unit: 'rows' });
  });

  it('makes no second dataset of the same content, wherever it lies', async () => {
    const first = await importData();
    const copy = join(bench.folder, 'copy.jsonl');
    copyFileSync(data, copy);
    const second = await importData({ path: copy });
    expect(second).toEqual({ ...first, isNew: false });
    expect((await list()).map(({ version }) => version.path)).toEqual([copy]);
  });

  it('makes a new version of a changed file, and the old content the newest again when it comes back', async () => {
    const first = await importData();
    const before = readFileSync(data);
    writeFileSync(data, dataRows(7, 'Other'));
    const second = await importData();
    expect(second).toMatchObject({ datasetId: first.datasetId, isNew: true });
    expect((await get(first.datasetId)).versions.map(({ rows }) => rows)).toEqual([7, 120]);
    writeFileSync(data, before);
    expect(await importData()).toEqual({ ...first, isNew: false });
    expect((await get(first.datasetId)).versions.map(({ rows }) => rows)).toEqual([120, 7]);
    expect((await list()).length).toBe(1);
  });

  it('records nothing of a file with a mistake, and says where it is', async () => {
    writeFileSync(data, `${dataRows(50, 'Sum')}\n{"question": "open`);
    const { jobId } = await bench.services.call('datasets.import', { path: data });
    const job = await jobUntil(jobId, 'failed');
    expect(job.error).toMatchObject({ kind: 'user' });
    expect(job.error?.where).toContain('line 51');
    expect(await list()).toEqual([]);
  });

  it('records nothing when it is cancelled', async () => {
    writeFileSync(data, dataRows(60_000, 'Many'));
    const { jobId } = await bench.services.call('datasets.import', { path: data });
    await bench.services.call('jobs.cancel', { jobId });
    expect(await jobUntil(jobId, 'cancelled')).toMatchObject({ result: null, error: null });
    expect(await list()).toEqual([]);
  });

  it('refuses a file that is not there, and a dataset that is not', async () => {
    const { jobId } = await bench.services.call('datasets.import', {
      path: join(bench.folder, 'nothing.jsonl'),
    });
    expect((await jobUntil(jobId, 'failed')).error?.code).toBe('data-not-found');
    const error = await refusal(bench.services.call('datasets.import', { path: data, datasetId: 'zzz' }));
    expect(error.code).toBe('dataset-unknown');
  });

  it('makes a dataset of each split of a folder, or of the one that is named', async () => {
    const { jobId } = await bench.services.call('datasets.import', { path: sharded });
    const { result } = await jobUntil(jobId, 'done');
    expect(result?.kind === 'import' ? result.datasets.length : 0).toBe(2);
    const [test, train] = (await list()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    expect([test?.name, train?.name]).toEqual(['hub · test', 'hub · train']);
    expect(train?.version.path).toBe(`${sharded}#train`);
    expect(train?.version.rows).toBeGreaterThan(test?.version.rows ?? 0);
    const { datasetId } = await importData({ path: `${sharded}#train`, keepCopy: true });
    expect(datasetId).toBe(train?.id);
    const kept = (await get(datasetId)).version;
    expect([kept.kept, kept.rows]).toEqual([true, train?.version.rows]);
    const page = await bench.services.call('datasets.rows', { datasetId, limit: 500 });
    expect(page.rows.length).toBe(kept.rows);
  });

  it('keeps a copy where one is asked for, which changes of the file do not touch', async () => {
    const { datasetId, version } = await importData({ keepCopy: true, name: 'Kept' });
    const copy = join(bench.folder, 'data', 'datasets', version, 'questions.jsonl');
    expect((await get(datasetId)).version).toMatchObject({ path: copy, kept: true });
    writeFileSync(data, 'gone');
    expect((await bench.services.call('datasets.rows', { datasetId })).rows.length).toBe(50);
    expect(readdirSync(join(bench.folder, 'data', 'datasets'))).toEqual([version]);
  });
});

describe('rows', () => {
  it('come in pages, with their places', async () => {
    const { datasetId } = await importData();
    const first = await bench.services.call('datasets.rows', { datasetId, limit: 100 });
    expect([first.rows.length, first.next]).toEqual([100, 100]);
    const second = await bench.services.call('datasets.rows', { datasetId, limit: 100, offset: 100 });
    expect([second.rows.length, second.next]).toEqual([20, null]);
    expect(second.rows[0]).toEqual({ index: 100, row: { question: 'Sum 100?', answer: '100' } });
    expect((await bench.services.call('datasets.rows', { datasetId, offset: 500 })).rows).toEqual([]);
  });

  it('are the same whichever page was asked for before', async () => {
    writeFileSync(data, dataRows(20_000, 'Row'));
    const { datasetId } = await importData();
    const page = async (offset: number, search?: string) =>
      (
        await bench.services.call('datasets.rows', {
          datasetId,
          offset,
          limit: 3,
          ...(search ? { search } : {}),
        })
      ).rows.map(({ index }) => index);
    for (const offset of [0, 3, 15_000, 15_003, 15_001, 7, 19_998, 0]) {
      expect(await page(offset)).toEqual([offset, offset + 1, offset + 2].filter((place) => place < 20_000));
    }
    expect(await Promise.all([page(100), page(5), page(103)])).toEqual([
      [100, 101, 102],
      [5, 6, 7],
      [103, 104, 105],
    ]);
    expect(await page(10, 'Row 19999')).toEqual([19_999]);
    expect(await page(12_000, 'Row 1234')).toEqual([12_340, 12_341, 12_342]);
  });

  it('are searched in all columns, in any case of letters', async () => {
    const { datasetId } = await importData();
    const found = await bench.services.call('datasets.rows', { datasetId, search: 'sUM 11' });
    expect(found.rows.map(({ index }) => index)).toEqual([
      11, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119,
    ]);
    expect(found.next).toBe(null);
  });

  it('are refused when the file changed or is gone, but not when it was only touched', async () => {
    const { datasetId } = await importData();
    utimesSync(data, new Date(0), new Date(0));
    expect((await bench.services.call('datasets.rows', { datasetId })).rows.length).toBe(50);
    expect((await get(datasetId)).problem).toBe(null);
    writeFileSync(data, dataRows(120, 'Sun'));
    expect(await refusal(bench.services.call('datasets.rows', { datasetId }))).toMatchObject({
      code: 'dataset-changed',
      where: data,
    });
    expect((await get(datasetId)).problem).toContain('changed');
    rmSync(data);
    expect(await refusal(bench.services.call('datasets.rows', { datasetId }))).toMatchObject({
      code: 'dataset-gone',
    });
    expect((await get(datasetId)).problem).toContain('not where it was');
  });
});

describe('keeping order', () => {
  it('remembers a mapping and a name', async () => {
    const { datasetId } = await importData();
    const mapping = { prompt: 'Q: {question}', answer: '{answer}' };
    await bench.services.call('datasets.mapping', { datasetId, mapping });
    await bench.services.call('datasets.rename', { datasetId, name: 'Sums' });
    expect(await get(datasetId)).toMatchObject({ mapping, name: 'Sums' });
    // A new version keeps both.
    writeFileSync(data, dataRows(3, 'New'));
    await importData();
    expect(await get(datasetId)).toMatchObject({ mapping, name: 'Sums', version: { rows: 3 } });
  });

  it('removes with a way back until the next start', async () => {
    const { datasetId, version } = await importData({ keepCopy: true });
    await bench.services.call('datasets.remove', { datasetId });
    expect(await list()).toEqual([]);
    expect((await bench.services.call('datasets.list', { deleted: true })).length).toBe(1);
    await bench.services.call('datasets.restore', { datasetId });
    expect((await list()).length).toBe(1);
    await bench.services.call('datasets.remove', { datasetId });
    await bench.services.close();
    bench.open({ hub: hub.world });
    const copy = join(bench.folder, 'data', 'datasets', version);
    while (existsSync(copy)) await new Promise((done) => setTimeout(done, 5));
    expect(await bench.services.call('datasets.list', { deleted: true })).toEqual([]);
    expect(existsSync(data)).toBe(true);
  });

  it('keeps the copy that a run was trained on, and brings back a removed dataset that is imported anew', async () => {
    const { datasetId, version } = await importData({ keepCopy: true });
    const copy = (await get(datasetId)).version.path;
    const [runId] = await bench.start({ data: { path: copy, prompt: '{question}' } });
    await bench.until(runId ?? '', 'done');
    await bench.services.call('datasets.remove', { datasetId });
    expect((await importData({ datasetId })).version).toBe(version);
    expect((await list()).map(({ id }) => id)).toEqual([datasetId]);
    await importData({ keepCopy: true });
    await bench.services.call('datasets.remove', { datasetId });
    await bench.services.close();
    bench.open({ hub: hub.world });
    while ((await bench.services.call('datasets.list', { deleted: true })).length > 0)
      await new Promise((next) => setTimeout(next, 5));
    await bench.services.close();
    expect(existsSync(copy)).toBe(true);
    bench.open({ hub: hub.world });
  });

  it('takes a changed file for a new version, even where another dataset holds the same', async () => {
    const other = join(bench.folder, 'other.jsonl');
    writeFileSync(other, dataRows(9, 'Other'));
    const first = await importData();
    const second = await importData({ path: other });
    expect(second.datasetId).not.toBe(first.datasetId);
    copyFileSync(other, data);
    expect(await importData()).toEqual({ datasetId: first.datasetId, version: second.version, isNew: true });
  });

  it('says which runs use a dataset, and warns an experiment of changed data', async () => {
    const { datasetId } = await importData();
    const changes = { data: { path: data, prompt: '{question}' } };
    const [runId] = await bench.start(changes);
    expect((await get(datasetId)).runs).toMatchObject([{ id: runId }]);
    await bench.until(runId ?? '', 'done');
    const check = () => bench.services.call('experiments.check', { experiment: bench.experiment(changes) });
    const { warnings } = await check();
    writeFileSync(data, dataRows(121, 'Sum'));
    const more = (await check()).warnings.filter((warning) => !warnings.includes(warning));
    expect(more).toHaveLength(1);
    expect(more[0]).toContain('changed since it was imported');
  });
});

describe('models', () => {
  it('are found at every place, usable or not', async () => {
    const named = join(bench.folder, 'mine');
    cpSync(join(fixtureModels, 'qwen3'), join(named, 'group', 'qwen'), { recursive: true });
    mkdirSync(join(named, 'odd'), { recursive: true });
    writeFileSync(
      join(named, 'odd', 'config.json'),
      '{"model_type": "mamba", "architectures": ["MambaForCausalLM"]}',
    );
    cpSync(join(fixtureModels, 'gpt2'), join(bench.folder, 'data', 'models', 'small'), { recursive: true });
    await bench.services.call('models.addFolder', { path: named });
    expect(await bench.services.call('models.folders', {})).toEqual([named]);
    const { jobId } = await bench.services.call('hub.fetch', { kind: 'model', name: 'owner/tiny' });
    const { result } = await jobUntil(jobId, 'done');
    const entries = await bench.services.call('models.list', {});
    expect(
      entries.map(({ source, name, revision, supported }) => [source, name, revision, supported]),
    ).toEqual([
      ['builtin', 'tiny', null, true],
      ['data', 'small', null, true],
      ['cache', 'owner/tiny', 'main', true],
      ['folder', 'qwen', null, true],
      ['folder', 'odd', null, false],
    ]);
    expect(entries[2]?.path).toBe(result?.kind === 'fetch' ? result.path : '');
    expect(entries[4]).toMatchObject({ card: null, memory: null });
    expect(entries[4]?.why).toContain('mamba');
    await bench.services.call('models.removeFolder', { path: named });
    expect(await bench.services.call('models.list', { sources: ['folder'] })).toEqual([]);
    expect((await bench.services.call('models.list', { sources: ['folder'], folders: [named] })).length).toBe(
      2,
    );
  });
});

describe('fetching', () => {
  it('describes, fetches and imports every split of a dataset', async () => {
    const request = { kind: 'dataset', name: 'owner/lines' } as const;
    const found = await bench.services.call('hub.describe', request);
    expect(found.configs).toEqual([{ name: 'default', splits: ['train', 'test'] }]);
    const { jobId } = await bench.services.call('hub.fetch', request);
    const { result } = await jobUntil(jobId, 'done');
    expect(result?.kind === 'fetch' ? result.datasets.length : 0).toBe(2);
    const rows = await list();
    expect(rows.map(({ name, version }) => [name, version.rows]).sort()).toEqual([
      ['owner/lines · test', 5],
      ['owner/lines · train', 30],
    ]);
    expect(rows[0]?.source).toMatchObject({
      kind: 'hub',
      name: 'owner/lines',
      commit: hub.hub.commit('owner/lines'),
    });
    // Once more makes no others.
    const again = await bench.services.call('hub.fetch', request);
    await jobUntil(again.jobId, 'done');
    expect((await list()).length).toBe(2);
  });

  it('imports the shards of each split as one dataset', async () => {
    const { jobId } = await bench.services.call('hub.fetch', { kind: 'dataset', name: 'owner/shards' });
    await jobUntil(jobId, 'done');
    const direct = await importData({ path: `${sharded}#train` });
    // The same content, wherever it lies.
    expect(direct.isNew).toBe(false);
    expect((await list()).map(({ name }) => name).sort()).toEqual([
      'owner/shards · test',
      'owner/shards · train',
    ]);
  });

  it('fails where the data cannot be read, and imports nothing', async () => {
    const { jobId } = await bench.services.call('hub.fetch', { kind: 'dataset', name: 'owner/broken' });
    expect((await jobUntil(jobId, 'failed')).error?.where).toContain('line 2');
    expect(await list()).toEqual([]);
  });

  it('is paused, gone on with and cancelled', async () => {
    let held = true;
    hub.hub.misbehave = (seen, response) => {
      if (seen.server === 'hub' || !held) return false;
      // Some bytes, then silence.
      response.writeHead(200);
      response.write(Buffer.alloc(10));
      return true;
    };
    const request = { kind: 'model', name: 'owner/tiny' } as const;
    const { jobId } = await bench.services.call('hub.fetch', request);
    expect((await bench.services.call('hub.fetch', request)).jobId).toBe(jobId);
    await bench.services.call('jobs.pause', { jobId });
    expect(await jobUntil(jobId, 'paused')).toMatchObject({ canPause: true, error: null });
    held = false;
    await bench.services.call('jobs.resume', { jobId });
    expect((await jobUntil(jobId, 'done')).result).toMatchObject({ kind: 'fetch' });
  });

  it('leaves no part of a file when it is cancelled', async () => {
    let seen = false;
    hub.hub.misbehave = (request, response) => {
      if (request.server === 'hub') return false;
      seen = true;
      response.writeHead(200);
      response.write(Buffer.alloc(10));
      return true;
    };
    const { jobId } = await bench.services.call('hub.fetch', { kind: 'model', name: 'owner/tiny' });
    while (!seen) await new Promise((done) => setTimeout(done, 5));
    await bench.services.call('jobs.cancel', { jobId });
    await jobUntil(jobId, 'cancelled');
    const blobs = join(hub.cache, 'models--owner--tiny', 'blobs');
    expect(readdirSync(blobs).filter((name) => name.endsWith('.incomplete'))).toEqual([]);
    expect(existsSync(join(hub.cache, 'models--owner--tiny', 'snapshots'))).toBe(false);
  });

  it('says that a job is not there', async () => {
    expect(await refusal(bench.services.call('jobs.cancel', { jobId: 'zzz' }))).toMatchObject({
      code: 'job-unknown',
    });
    expect(await refusal(bench.services.call('data.tokenizedReport', { jobId: 'zzz' }))).toMatchObject({
      code: 'job-unknown',
    });
  });

  it('asks the Hub for nothing by itself', async () => {
    await importData();
    await bench.services.call('models.list', {});
    await bench.services.call('datasets.list', {});
    expect(hub.hub.requests).toEqual([]);
  });
});
