import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EspalierError } from '../../../src-main/contract/errors.ts';
import { answerCall } from '../../../src-main/app/call-envelope.ts';
import { createServices } from '../../../src-main/app/services.ts';
import { estimatorNames } from '../../../src-main/contract/estimator.ts';
import { fixtureModels, serviceBench, type ServiceBench } from './service-bench.ts';

let bench: ServiceBench;
beforeEach(() => {
  bench = serviceBench();
});
afterEach(async () => {
  await bench.close();
});
async function refusal(work: Promise<unknown>): Promise<EspalierError> {
  const outcome: unknown = await work.then(
    () => 'nothing was refused',
    (error: unknown) => error,
  );
  if (outcome instanceof EspalierError) return outcome;
  throw outcome instanceof Error ? outcome : new Error(String(outcome));
}
const check = (changes?: Parameters<ServiceBench['experiment']>[0]) =>
  bench.services.call('experiments.check', { experiment: bench.experiment(changes) });

describe('checking an experiment', () => {
  it('tells what is known before the start', async () => {
    const answer = await check({ budget: { seeds: [1, 2] } });
    expect(answer).toMatchObject({
      trainRows: 36,
      evaluationRows: 4,
      droppedRows: 0,
      runs: 2,
      model: { path: 'builtin:tiny', family: 'llama' },
    });
    expect(answer.memory.fits).toBe(true);
    expect(answer.memory.total).toBe(answer.memory.parts.reduce((sum, part) => sum + part.bytes, 0));
  });

  it.each<[string, Record<string, unknown>, string, string | undefined]>([
    [
      'a model that does not ship',
      { model: { path: 'builtin:tinny' } },
      'model-builtin-unknown',
      'model.path',
    ],
    ['a folder without a model', { model: { path: '/nowhere' } }, 'model-not-found', '/nowhere'],
    ['a data file that is missing', { data: { path: '/nowhere.jsonl' } }, 'data-not-found', undefined],
    ['a column that is missing', { data: { path: 'DATA', prompt: '{question}' } }, 'data-column', undefined],
    [
      'an answer column that is missing',
      { data: { path: 'DATA', answer: '{solution}' } },
      'data-column',
      undefined,
    ],
    [
      'a group of one',
      { method: { estimator: 'grpo', groupSize: 1 } },
      'group-too-small',
      'method.groupSize',
    ],
    ['no reward', { reward: undefined }, 'reward-missing', 'reward'],
    [
      'answers longer than the context',
      { budget: { maxTokens: 100_000 } },
      'context-too-short',
      'budget.maxTokens',
    ],
    [
      'a chat template that is not there',
      { model: { path: 'builtin:tiny', chat: 'on' } },
      'chat-template-missing',
      'model.chat',
    ],
    [
      'held-out questions that are all of them',
      { data: { path: 'DATA', evaluation: 'DATA' } },
      'data-empty',
      undefined,
    ],
    [
      'one bad value among those to vary',
      { vary: { 'method.groupSize': [4, 1] } },
      'group-too-small',
      'method.groupSize',
    ],
  ])('refuses %s and leaves nothing behind', async (_name, changes, code, where) => {
    const data = join(bench.folder, 'data.jsonl');
    const filled: unknown = JSON.parse(JSON.stringify(changes).replaceAll('"DATA"', JSON.stringify(data)));
    const experiment = bench.experiment({
      ...(filled as object),
      ...('reward' in changes ? { reward: undefined } : {}),
    });
    const error = await refusal(bench.services.call('experiments.start', { experiment }));
    expect(error.kind).toBe('user');
    expect(error.code).toBe(code);
    if (where !== undefined) expect(error.where).toContain(where);
    expect(await bench.services.call('runs.list', {})).toEqual([]);
  });

  it('makes relative paths absolute and names mistakes', async () => {
    const text = JSON.stringify({
      version: 1,
      name: 'x',
      model: { path: '../model' },
      data: { path: 'a.jsonl', evaluation: '~/b.jsonl' },
      vary: { 'data.path': ['c.jsonl', '/d.jsonl'], 'method.estimator': ['grpo'] },
    });
    const parsed = await bench.services.call('experiments.parse', { text, directory: '/some/where' });
    expect(parsed.model.path).toBe('/some/model');
    expect(parsed.data.path).toBe('/some/where/a.jsonl');
    expect(parsed.data.evaluation).not.toContain('~');
    expect(parsed.vary).toEqual({
      'data.path': ['/some/where/c.jsonl', '/d.jsonl'],
      'method.estimator': ['grpo'],
    });
    expect((await bench.services.call('experiments.parse', { text })).data.path).toBe('a.jsonl');
    const error = await refusal(
      bench.services.call('experiments.parse', { text: '{"version":1,"nme":"x"}' }),
    );
    expect(error.message).toContain('Did you mean "name"?');
  });
});

describe('models, data and files', () => {
  it('lists the models that ship and inspects a folder', async () => {
    const [tiny, ...others] = await bench.services.call('models.list', { sources: ['builtin'] });
    expect(others).toEqual([]);
    const card = await bench.services.call('models.inspect', { path: join(fixtureModels, 'llama-mha') });
    expect(tiny).toMatchObject({
      source: 'builtin',
      supported: true,
      why: null,
      memory: { trains: true, samples: true },
    });
    expect(tiny?.card).toEqual({ ...card, path: 'builtin:tiny', name: 'tiny' });
    expect(card.parameters).toBeGreaterThan(0);
    expect(card.bytes).toBeGreaterThan(card.parameters);
  });

  it('previews data', async () => {
    const preview = await bench.services.call('data.preview', {
      path: join(bench.folder, 'data.jsonl'),
      rows: 2,
    });
    expect(preview).toMatchObject({
      count: 40,
      guess: { prompt: 'prompt', answer: 'answer' },
      rows: [{ prompt: '0+1=' }, { prompt: '1+1=' }],
    });
  });

  it('lists folders first, and says when one is not there', async () => {
    mkdirSync(join(bench.folder, 'zzz'));
    const listing = await bench.services.call('files.list', { path: bench.folder });
    expect(listing.entries.map((entry) => [entry.name, entry.directory])).toEqual([
      ['data', true],
      ['resources', true],
      ['zzz', true],
      ['data.jsonl', false],
    ]);
    expect((await bench.services.call('files.list', { path: join(bench.folder, 'data.jsonl') })).path).toBe(
      bench.folder,
    );
    expect((await refusal(bench.services.call('files.list', { path: '/nowhere/at/all' }))).code).toBe(
      'folder-unreadable',
    );
  });

  it('reads the examples that ship', async () => {
    const folder = join(bench.folder, 'resources', 'experiments');
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'first.json'),
      JSON.stringify({
        version: 1,
        name: 'First',
        model: { path: 'builtin:tiny' },
        data: { path: '../rows.jsonl' },
      }),
    );
    writeFileSync(join(folder, 'first.md'), '# Learn to add\nThree minutes.\n');
    expect(await bench.services.call('examples.list', {})).toMatchObject([
      {
        id: 'first',
        title: 'Learn to add',
        about: 'Three minutes.',
        experiment: { data: { path: join(bench.folder, 'resources', 'rows.jsonl') } },
      },
    ]);
  });
});

describe('methods', () => {
  it('are described in the order of the list', async () => {
    const cards = await bench.services.call('estimators.list', {});
    expect(cards.map(({ name }) => name).toSorted()).toEqual([...estimatorNames].toSorted());
    for (const { title, description, choose, generations, memory } of cards)
      for (const text of [title, description, choose, generations, memory]) expect(text).not.toBe('');
    expect(cards.filter(({ samples }) => !samples).map(({ name }) => name)).toContain('sft');
    expect(cards.find(({ name }) => name === 'trepo')!.settings).toContain('continuations');
  });
});

describe('the border', () => {
  it('refuses calls that do not exist and inputs that do not fit', async () => {
    expect((await refusal(bench.services.callByName('runs.lst', {}))).advice).toBe('Did you mean runs.list?');
    expect((await refusal(bench.services.callByName('__proto__', {}))).code).toBe('call-unknown');
    const error = await refusal(bench.services.callByName('runs.get', { runid: 'x' }));
    expect(error.message).toContain('runId');
    expect(
      (await refusal(bench.services.callByName('samples.list', { runId: 'x', limit: 100_000 }))).where,
    ).toContain('limit');
    expect((await refusal(bench.services.callByName('runs.get', null))).code).toBe('call-input');
    expect(await answerCall(bench.services, 'runs.get', { runId: 'x' })).toMatchObject({
      ok: false,
      error: { code: 'run-unknown' },
    });
    expect(await answerCall(bench.services, 'app.info', {})).toMatchObject({
      ok: true,
      value: { version: '1.2.3', window: false },
    });
  });

  it('lets one host use a data directory, and readers beside it', async () => {
    const options = {
      dataDirectory: join(bench.folder, 'data'),
      resourcesDirectory: bench.folder,
      version: '1',
      spawnTrainer: () => {
        throw new Error('a reader starts nothing');
      },
    };
    expect(() => createServices(options)).toThrow(
      `already running with this data directory (process ${process.pid})`,
    );
    const [id = ''] = await bench.start();
    const reader = createServices({ ...options, readOnly: true });
    expect((await reader.call('runs.list', {})).map((run) => run.id)).toEqual([id]);
    await expect(reader.call('runs.delete', { runId: id })).rejects.toThrow(/only read/);
    await reader.close();
    await bench.until(id, 'done');
    await bench.services.close();
    // The lock went with its holder.
    bench.open();
    expect(await bench.services.call('runs.list', {})).toHaveLength(1);
  });

  it('gives the lock back when the database cannot be opened', async () => {
    await bench.services.close();
    const database = join(bench.folder, 'data', 'espalier.db');
    writeFileSync(database, 'no database at all, but long enough to be looked at as one '.repeat(100));
    expect(() => bench.open()).toThrow(/cannot be opened/);
    writeFileSync(database, '');
    bench.open();
    expect(await bench.services.call('runs.list', {})).toEqual([]);
  });
});
