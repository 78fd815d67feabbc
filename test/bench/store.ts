/**
 * Prints how fast the store is at the sizes that it must bear: `node test/bench/store.ts [responses]`.
 * Figures only; nothing here passes or fails.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sampleFilterSchema } from '../../src-main/contract/calls.ts';
import { openStore } from '../../src-main/store/store.ts';
import { exampleConfig, exampleSample } from '../fixtures/app/example-sample.ts';

const responses = Number(process.argv[2] ?? 100_000);
const perStep = 256;
const folder = mkdtempSync(join(tmpdir(), 'espalier-bench-'));

function timed<T>(name: string, work: () => T): T {
  const start = performance.now();
  const result = work();
  console.log(`${name.padEnd(52)} ${(performance.now() - start).toFixed(1).padStart(9)} ms`);
  return result;
}

try {
  const store = openStore(join(folder, 'bench.db'));
  for (const id of ['a', 'b']) {
    store.runs.insert({ id, experimentId: 'x', name: id, config: exampleConfig(), createdAt: 0 });
  }
  const words = ['sum', 'carry', 'twelve', 'forty', 'answer', 'because', 'digit', 'minus'];
  const texts = Array.from(
    { length: 1000 },
    (_, i) => `${words[i % 8]} ${words[(i >> 3) % 8]} ${i * 37} ${'so '.repeat(20)}`,
  );
  const ids = new Int32Array(32).fill(7);
  const numbers = new Float32Array(32).fill(-0.25);
  for (const run of ['a', 'b']) {
    timed(`write ${responses} responses of 32 tokens`, () => {
      for (let first = 0; first < responses; first += perStep) {
        const step = first / perStep + 1;
        const samples = Array.from({ length: perStep }, (_, i) =>
          exampleSample({
            promptIndex: ((first + i) >> 3) % 5000,
            sampleIndex: i % 8,
            prompt: `What is ${((first + i) >> 3) % 5000} + 17?`,
            text: texts[(first + i * 7) % 1000] ?? '',
            ids,
            finish: i % 5 === 0 ? 'length' : 'stop',
            samplerLogprobs: numbers,
            logprobs: numbers,
            advantages: numbers,
            entropies: numbers,
            reward: {
              total: i % 11 === 0 ? null : (i % 7) / 7,
              components: [{ name: 'number', value: 1, reason: 'equal to 42' }],
            },
          }),
        );
        store.transaction(() => store.samples.insert(store.runs.key(run), step, samples));
      }
    });
  }
  console.log(`file: ${(statSync(join(folder, 'bench.db')).size / 2 ** 20).toFixed(0)} MiB`);
  const run = store.runs.key('a');
  const filters: Record<string, object> = {
    newest: {},
    'newest, last page': { offset: responses - 100 },
    best: { sort: 'best' },
    'worst, in the middle': { sort: 'worst', offset: responses / 2 },
    longest: { sort: 'longest' },
    'cut off': { finish: 'length' },
    'reward range, best': { minReward: 0.4, maxReward: 0.6, sort: 'best' },
    'one prompt': { promptIndex: 1234 },
    'one step': { step: 100 },
    'search: a word in one in eight': { search: 'carry' },
    'search: two words, best': { search: 'carry twelve', sort: 'best' },
    'search: a word in every answer': { search: 'so' },
    'search: signs (scan)': { search: '+ 17?' },
    'search: nothing found': { search: 'zebra' },
  };
  for (const [name, filter] of Object.entries(filters)) {
    timed(`list: ${name}`, () =>
      store.samples.list(run, sampleFilterSchema.parse({ runId: 'a', ...filter })),
    );
  }
  timed('steps with responses', () => store.samples.steps(run));
  timed('write 50,000 steps of 40 metrics', () => {
    for (let first = 0; first < 50_000; first += 1000) {
      store.transaction(() => {
        for (let step = first + 1; step <= first + 1000; step++) {
          store.metrics.put(
            run,
            step,
            Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`metric${i}`, step * i])),
            step,
          );
        }
      });
    }
  });
  timed('read one metric of 50,000 steps', () => store.metrics.series(run, ['metric3']));
  timed('read 40 metrics of 50,000 steps', () => store.metrics.series(run));
  timed('list runs', () => store.runs.list(false));
  store.runs.update('b', { deletedAt: 1 });
  store.runs.markDeletedForPurge();
  timed('purge a run', () => {
    while (store.purgeSome());
  });
  store.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
