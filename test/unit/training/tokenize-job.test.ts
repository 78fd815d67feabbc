// How a model reads data: lengths, rows left out, repeated questions, and rows token by token.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainerEvent } from '../../../src-main/contract/events.ts';
import { dataSchema, modelSchema } from '../../../src-main/contract/experiment.ts';
import { readModelConfig } from '../../../src-main/models/read-config.ts';
import { lengthHistogram } from '../../../src-main/training/length-histogram.ts';
import { openText, type OpenedText } from '../../../src-main/training/prepare-text.ts';
import { tokenizeJob, type TokenizeCommand } from '../../../src-main/training/tokenize-job.ts';

let folder: string;
let text: OpenedText;
const model = resolve('test/fixtures/models/llama-mha');
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-tokenize-'));
  text = await openText(model, (await readModelConfig(model)).config, 'auto');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function dataFile(name: string, rows: readonly object[]): string {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  return path;
}

async function tokenize(data: object, changes: Partial<TokenizeCommand> = {}, stopAfter = Infinity) {
  const events: TrainerEvent[] = [];
  let turns = 0;
  await tokenizeJob(
    {
      type: 'tokenize',
      model: modelSchema.parse({ path: model }),
      data: dataSchema.parse(data),
      maxPromptTokens: 512,
      maxTokens: 16,
      rows: 3,
      learns: 'rewards',
      seed: 0,
      ...changes,
    },
    text,
    {
      emit: (event) => events.push(event),
      judge: { ask: () => Promise.reject(new Error('no judge here')), takeCounts: () => ({}) },
      stopRequested: () => turns >= stopAfter,
      now: () => turns * 1000,
      pause: async () => {
        turns++;
      },
    },
  );
  const report = events.flatMap((event) => (event.type === 'tokenized' ? [event.report] : []))[0];
  const end = events.at(-1);
  if (end?.type !== 'job-end') throw new Error('no end');
  return { report, end, events };
}

describe('reading data as a model does', () => {
  it('shows rows token by token, and every token is text of the prompt', async () => {
    const path = dataFile(
      'a.jsonl',
      [...Array(20).keys()].map((i) => ({ prompt: `${i}+1=`, answer: String(i + 1) })),
    );
    const { report, end } = await tokenize({ path, holdOut: 0 });
    expect(end).toMatchObject({ status: 'done', rows: 20 });
    expect(report?.examples.map(({ index, question }) => [index, question])).toEqual([
      [0, '0+1='],
      [1, '1+1='],
      [2, '2+1='],
    ]);
    for (const { index, prompt, ids, tokens, answers } of report?.examples ?? []) {
      expect(ids.length).toBe(tokens.length);
      expect(tokens.join('')).toContain(prompt);
      expect(answers.map(({ text }) => text)).toEqual([String(index + 1)]);
      for (const answer of answers) {
        expect(answer.ids.length).toBe(answer.tokens.length);
        expect(answer.tokens.join('').trim()).toBe(answer.text);
      }
    }
    const { train } = report!;
    expect([train.rows, train.used, train.tooLong, train.empty, train.repeated]).toEqual([20, 20, 0, 0, 0]);
    expect(train.prompts?.counts.reduce((sum, count) => sum + count, 0)).toBe(20);
    expect(report?.tokens).toBe(20 * (train.prompts!.mean + train.answers!.mean));
  });

  it('counts rows that would be left out, and questions that are asked twice or held out too', async () => {
    const long = 'a b c d e f g h '.repeat(20);
    const path = dataFile('b.jsonl', [
      { prompt: 'one', answer: '1' },
      { prompt: 'one  ', answer: '1' },
      { prompt: long, answer: '2' },
      { prompt: 'three', answer: long },
      { prompt: 'four', answer: '' },
      { prompt: 'held', answer: '5' },
    ]);
    const evaluation = dataFile('held.jsonl', [{ prompt: 'held', answer: '5' }]);
    const limits = { maxPromptTokens: 40, maxTokens: 40 };
    const { report } = await tokenize({ path, evaluation }, limits);
    expect(report?.train).toMatchObject({ rows: 5, used: 4, tooLong: 1, empty: 0, repeated: 1 });
    expect(report).toMatchObject({ shared: 1, limit: 40, evaluation: { rows: 1, used: 1 } });
    const learnt = await tokenize({ path, evaluation }, { ...limits, learns: 'answers' });
    expect(learnt.report?.train).toMatchObject({ rows: 5, used: 2, tooLong: 2, empty: 1 });
  });

  it('measures both answers of pairs, and leaves out rows that lack one', async () => {
    const long = 'a b c d e f g h '.repeat(20);
    const path = dataFile('pairs.jsonl', [
      { prompt: 'one', chosen: '1', rejected: '22 22' },
      { prompt: 'two', chosen: '', rejected: '3' },
      { prompt: 'three', chosen: '3', rejected: long },
    ]);
    const { report } = await tokenize({ path, holdOut: 0 }, { learns: 'pairs' });
    expect(report?.train).toMatchObject({ rows: 3, used: 1, tooLong: 1, empty: 1 });
    expect(report?.train.answers?.counts.reduce((sum, count) => sum + count, 0)).toBe(4);
    expect(report?.examples[0]?.answers.map(({ text: answer }) => answer)).toEqual(['1', '22 22']);
  });

  it('says nothing of the whole when it was stopped', async () => {
    const path = dataFile(
      'c.jsonl',
      [...Array(3000).keys()].map((i) => ({ prompt: `${i}`, answer: '' })),
    );
    const { report, end } = await tokenize({ path, holdOut: 0 }, {}, 2);
    expect(report).toBe(undefined);
    expect(end).toMatchObject({ status: 'stopped', rows: 1024 });
  });
});

describe('the histogram of lengths', () => {
  it('holds every length once, in bins of one width', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 200 }),
        (lengths) => {
          const { edges, counts, least, most, mean, median } = lengthHistogram(lengths)!;
          expect(edges.length).toBe(counts.length + 1);
          expect(counts.length).toBeLessThanOrEqual(26);
          const width = edges[1]! - edges[0]!;
          expect(edges.every((edge, i) => edge === edges[0]! + i * width)).toBe(true);
          for (const [i, count] of counts.entries()) {
            expect(lengths.filter((length) => length >= edges[i]! && length < edges[i + 1]!).length).toBe(
              count,
            );
          }
          expect(counts.reduce((sum, count) => sum + count, 0)).toBe(lengths.length);
          expect([least, most]).toEqual([Math.min(...lengths), Math.max(...lengths)]);
          expect(mean).toBeCloseTo(lengths.reduce((sum, length) => sum + length, 0) / lengths.length, 6);
          const below = lengths.filter((length) => length < median).length;
          const above = lengths.filter((length) => length > median).length;
          expect(Math.max(below, above)).toBeLessThanOrEqual(lengths.length / 2);
        },
      ),
      { numRuns: 200 },
    );
    expect(lengthHistogram([])).toBe(null);
  });
});
