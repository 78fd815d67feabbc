/** Writing 100,000 responses into the store, and listing, filtering and searching them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sampleFilterSchema } from '../../contract/calls.ts';
import type { Sample } from '../../contract/events.ts';
import { openStore } from '../../store/store.ts';
import { benchConfig } from './step-parts.ts';
import type { Measured } from './stopwatch.ts';
import { peakMemory, timed, timedOften } from './stopwatch.ts';

export const storedResponses = 100_000;
const perStep = 256;
const tokens = 32;
const group = 8;

const words = ['sum', 'carry', 'twelve', 'forty', 'answer', 'because', 'digit', 'minus'] as const;

/** The response with this number: texts, rewards and lengths vary, as they do in a run. */
function response(index: number): Sample {
  const question = Math.floor(index / group) % 5000;
  const logprobs = new Float32Array(tokens).fill(-0.25);
  return {
    split: 'train',
    promptIndex: question,
    sampleIndex: index % group,
    prompt: `What is ${question} + 17?`,
    reference: String(question + 17),
    promptIds: new Int32Array(16).fill(5),
    ids: new Int32Array(tokens).fill(7),
    text: `${words[index % 8]} ${words[(index >> 3) % 8]} ${(index * 37) % 10_007} ${'so '.repeat(20)}`,
    finish: index % 5 === 0 ? 'length' : 'stop',
    reward: {
      total: (index % 7) / 7,
      components: [{ name: 'number', value: (index % 7) / 7, reason: 'equal' }],
    },
    samplerLogprobs: logprobs,
    logprobs,
    advantages: logprobs,
    entropies: logprobs,
  };
}

/**
 * Times a store in a temporary folder, which is removed.
 * @param responses how many are stored
 * @returns `insert` (responses a second, in transactions of a step of 256), milliseconds of one page of 100 rows with
 *   their number: `list` (newest), `filter` (range of rewards, best first) and `search` (a word in one answer of
 *   eight), and `memory`
 */
export async function measureStore(responses = storedResponses): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-bench-store-'));
  try {
    const store = openStore(join(folder, 'bench.db'));
    try {
      store.runs.insert({
        id: 'run',
        experimentId: 'bench',
        name: 'Benchmark',
        config: benchConfig({}, {}),
        createdAt: 0,
      });
      const run = store.runs.key('run');
      let seconds = 0;
      for (let first = 0; first < responses; first += perStep) {
        const count = Math.min(perStep, responses - first);
        const samples = Array.from({ length: count }, (_, index) => response(first + index));
        seconds += await timed(() =>
          store.transaction(() => store.samples.insert(run, first / perStep + 1, samples)),
        );
      }
      const list = (filter: object): number =>
        1000 *
        timedOften(() => store.samples.list(run, sampleFilterSchema.parse({ runId: 'run', ...filter })));
      return {
        insert: responses / seconds,
        list: list({}),
        filter: list({ minReward: 0.4, maxReward: 0.6, sort: 'best' }),
        search: list({ search: 'carry' }),
        memory: peakMemory(),
      };
    } finally {
      store.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
