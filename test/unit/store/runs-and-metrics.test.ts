import { beforeEach, describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../../src-main/store/store.ts';
import { sampleFilterSchema } from '../../../src-main/contract/calls.ts';
import { exampleConfig, exampleSample } from '../../fixtures/app/example-sample.ts';

let store: Store;
beforeEach(() => {
  store = openStore(':memory:');
  for (const id of ['a', 'b']) {
    store.runs.insert({ id, experimentId: 'e', name: `run ${id}`, config: exampleConfig(), createdAt: 5 });
  }
});
const all = sampleFilterSchema.parse({ runId: 'a' });

describe('runs', () => {
  it('changes what is named and leaves the rest', () => {
    store.runs.update('a', {
      status: 'failed',
      error: { kind: 'bug', code: 'x', message: 'm' },
      sparkline: [1, 2.5],
      phase: 'training',
    });
    store.runs.update('a', { phase: null, score: 0.25 });
    const run = store.runs.get('a');
    expect(run).toMatchObject({
      status: 'failed',
      phase: null,
      score: 0.25,
      sparkline: [1, 2.5],
      name: 'run a',
      step: 0,
      steps: 10,
    });
    expect(run.error).toEqual({ kind: 'bug', code: 'x', message: 'm' });
    expect(store.runs.get('b').status).toBe('queued');
  });

  it('names a run that is not there', () => {
    expect(() => store.runs.get('zzz')).toThrow('There is no run "zzz".');
  });

  it('takes names with lone surrogates and NUL', () => {
    store.runs.update('a', { name: 'x\u0000y\ud800' });
    expect(store.runs.get('a').name).toBe('x\u0000y\ufffd');
  });

  it('queues in the order of waiting', () => {
    store.runs.update('a', { queuedAt: 100 });
    expect(store.runs.idsWithStatus('queued')).toEqual(['b', 'a']);
  });

  it('deletes, restores, and purges for good with all that belongs to a run', () => {
    const key = store.runs.key('a');
    store.samples.insert(key, 1, [exampleSample(), exampleSample({ text: 'other' })]);
    store.metrics.put(key, 1, { reward: 1 }, 1);
    store.runs.addLog('a', { at: 1, level: 'info', message: 'hello' });
    store.runs.update('a', { deletedAt: 9 });
    expect(store.runs.list(false).map((run) => run.id)).toEqual(['b']);
    expect(store.runs.list(true).map((run) => run.id)).toEqual(['a']);
    store.runs.update('a', { deletedAt: null });
    expect(store.runs.list(false)).toHaveLength(2);
    expect(store.runs.markDeletedForPurge()).toEqual([]);
    store.runs.update('a', { deletedAt: 9 });
    expect(store.runs.markDeletedForPurge()).toEqual(['a']);
    expect(() => store.runs.get('a')).toThrow(/no run/);
    expect(store.samples.rows([1])).toEqual([]);
    let slices = 0;
    while (store.purgeSome()) slices++;
    expect(slices).toBe(2);
    // A later run may get the same key: nothing of the old one may show up in it.
    store.runs.insert({ id: 'c', experimentId: 'e', name: 'c', config: exampleConfig(), createdAt: 5 });
    const fresh = store.runs.key('c');
    expect(store.samples.list(fresh, { ...all, search: 'answer' }).total).toBe(0);
    expect(store.metrics.series(fresh)).toEqual([]);
  });

  it('keeps one evaluation a step and one checkpoint a role', () => {
    const evaluation = { step: 5, score: 0.5, components: { number: 0.5 }, count: 4, seconds: 1, at: 1 };
    store.runs.putEvaluation('a', evaluation);
    store.runs.putEvaluation('a', { ...evaluation, score: 0.75 });
    expect(store.runs.evaluations('a')).toEqual([{ ...evaluation, score: 0.75 }]);
    store.runs.putCheckpoint('a', { step: 5, role: 'last', path: '/x', score: null, at: 1 });
    store.runs.putCheckpoint('a', { step: 6, role: 'last', path: '/y', score: null, at: 2 });
    expect(store.runs.checkpoints('a')).toEqual([{ step: 6, role: 'last', path: '/y', score: null, at: 2 }]);
  });

  it('gives the last lines of the log, oldest first', () => {
    for (let i = 0; i < 5; i++) store.runs.addLog('a', { at: i, level: 'info', message: `line ${i}` });
    expect(store.runs.log('a', 2).map((line) => line.message)).toEqual(['line 3', 'line 4']);
  });

  it('forgets later steps for a resumed run, and only those', () => {
    const key = store.runs.key('a');
    for (const step of [1, 2, 3]) {
      store.samples.insert(key, step, [exampleSample({ text: `text ${step}` })]);
      store.metrics.put(key, step, { reward: step }, step);
      store.runs.putEvaluation('a', { step, score: 0, components: {}, count: 1, seconds: 0, at: 0 });
    }
    store.samples.insert(store.runs.key('b'), 3, [exampleSample()]);
    store.dropAfter('a', 2);
    expect(store.samples.steps(key)).toEqual([1, 2]);
    expect(store.metrics.series(key)).toEqual([{ name: 'reward', steps: [1, 2], values: [1, 2] }]);
    expect(store.runs.evaluations('a').map((row) => row.step)).toEqual([1, 2]);
    expect(store.samples.list(key, { ...all, search: '"text 3"' }).total).toBe(0);
    expect(store.samples.steps(store.runs.key('b'))).toEqual([3]);
  });
});

describe('metrics', () => {
  it('gives series in step order, with steps where a metric is missing left out', () => {
    const key = store.runs.key('a');
    store.metrics.put(key, 2, { loss: 0.1 + 0.2, reward: 2 }, 0);
    store.metrics.put(key, 1, { reward: 1 }, 0);
    store.metrics.put(key, 3, { reward: 3, loss: -1e-300 }, 0);
    expect(store.metrics.series(key)).toEqual([
      { name: 'loss', steps: [2, 3], values: [0.1 + 0.2, -1e-300] },
      { name: 'reward', steps: [1, 2, 3], values: [1, 2, 3] },
    ]);
    expect(store.metrics.series(key, ['reward', 'unknown']).map((series) => series.name)).toEqual(['reward']);
    store.metrics.put(key, 3, { reward: 4 }, 0);
    expect(store.metrics.series(key, ['loss'])[0]?.steps).toEqual([2]);
  });

  it('is right after a transaction that was rolled back', () => {
    const key = store.runs.key('a');
    expect(() =>
      store.transaction(() => {
        store.metrics.put(key, 1, { fresh: 1 }, 0);
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(store.metrics.series(key)).toEqual([]);
    store.metrics.put(key, 1, { fresh: 2 }, 0);
    expect(store.metrics.series(key)).toEqual([{ name: 'fresh', steps: [1], values: [2] }]);
  });
});
