import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { sampleFilterSchema } from '../../../src-main/contract/calls.ts';
import type { Sample } from '../../../src-main/contract/events.ts';
import { openStore, type Store } from '../../../src-main/store/store.ts';
import { exampleConfig, exampleSample } from '../../fixtures/app/example-sample.ts';

let store: Store;
let run = 0;
beforeEach(() => {
  store = openStore(':memory:');
  for (const id of ['a', 'b']) {
    store.runs.insert({ id, experimentId: 'e', name: id, config: exampleConfig(), createdAt: 5 });
  }
  run = store.runs.key('a');
});
const insert = (step: number, ...samples: Partial<Sample>[]) =>
  store.samples.insert(run, step, samples.map(exampleSample));
const list = (filter: object) => store.samples.list(run, sampleFilterSchema.parse({ runId: 'a', ...filter }));
const texts = (filter: object) => list(filter).rows.map((row) => row.text);

describe('a stored response', () => {
  it('comes back with everything', () => {
    const ids = Int32Array.of(9, 0, 2_000_000_000);
    const numbers = Float32Array.of(-0.1, 0, -1e-38);
    const [id] = insert(7, {
      split: 'evaluation',
      promptIndex: 3,
      sampleIndex: 4,
      ids,
      samplerLogprobs: numbers,
      logprobs: numbers,
      finish: 'length',
      reward: { total: null, components: [{ name: 'n', value: null, reason: 'no reference' }] },
    });
    const detail = store.samples.get(id ?? 0);
    expect(detail).toMatchObject({
      runId: 'a',
      step: 7,
      split: 'evaluation',
      promptIndex: 3,
      sampleIndex: 4,
      prompt: 'What is 12+30?',
      reference: '42',
      text: 'the answer is 42',
      finish: 'length',
      tokens: 3,
      reward: null,
      promptIds: [1, 2, 3],
      ids: [...ids],
      samplerLogprobs: [...numbers],
      logprobs: [...numbers],
      advantages: null,
      entropies: null,
      referenceLogprobs: null,
      components: [{ name: 'n', value: null, reason: 'no reference' }],
    });
    expect(() => store.samples.get(12345)).toThrow(/no stored answer/);
  });

  it('keeps views into larger buffers apart', () => {
    const large = Float32Array.of(1, 2, 3, 4, 5);
    const [id] = insert(1, { ids: Int32Array.of(1, 2), samplerLogprobs: large.subarray(1, 3) });
    expect(store.samples.get(id ?? 0).samplerLogprobs).toEqual([2, 3]);
  });

  it('refuses arrays that do not belong to the ids', () => {
    expect(() => insert(1, { advantages: new Float32Array(2) })).toThrow(/3 tokens came with 2 numbers/);
  });

  it('keeps any text exactly', () => {
    const text = fc.string({
      unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
    });
    fc.assert(
      fc.property(text, text, text, (prompt, reference, answer) => {
        const [id] = insert(1, { prompt, reference, text: answer });
        const row = store.samples.get(id ?? 0);
        expect([row.prompt, row.reference, row.text]).toEqual([prompt, reference, answer]);
      }),
      {
        numRuns: 200,
        examples: [
          ['a\u0000b', '\ud800', '\udc00\ud800\u0000'],
          ['', '', '\ufeff\u202e🙂'],
        ],
      },
    );
  });

  it('keeps the places inside an answer with their continuations', () => {
    const anchors = [
      {
        position: 0,
        value: 0.5,
        continuations: [
          { text: 'a\ud800\u0000', reward: 1, tokens: 3 },
          { text: '', reward: 0, tokens: 1 },
        ],
      },
      { position: 2, value: null, continuations: [{ text: 'b', reward: null, tokens: 1 }] },
    ];
    const [looked, plain] = insert(1, { anchors }, { text: 'without' });
    expect(store.samples.get(looked ?? 0).anchors).toEqual(anchors);
    expect(store.samples.get(plain ?? 0).anchors).toBeNull();
    store.samples.dropAfter(store.runs.key('a'), 0);
    expect(list({}).rows).toEqual([]);
  });

  it('keeps a megabyte of text', () => {
    const text = 'ab\u0000🙂 '.repeat(180_000);
    const [id] = insert(1, { text });
    expect(store.samples.get(id ?? 0).text === text).toBe(true);
  });

  it('shares a prompt among its answers, and tells apart prompts of one index', () => {
    insert(
      1,
      { sampleIndex: 0 },
      { sampleIndex: 1 },
      { sampleIndex: 2, reference: '43' },
      { sampleIndex: 3, promptIds: Int32Array.of(9) },
    );
    const rows = list({ sort: 'oldest' }).rows;
    expect(rows.map((row) => row.reference)).toEqual(['42', '42', '43', '42']);
    expect(rows.map((row) => store.samples.get(row.id).promptIds.length)).toEqual([3, 3, 3, 1]);
  });
});

describe('listing', () => {
  it('filters, sorts and pages', () => {
    insert(
      1,
      { text: 'low', reward: { total: 0.1, components: [] }, promptIndex: 1 },
      { text: 'none', reward: { total: null, components: [] } },
    );
    insert(2, {
      text: 'high',
      reward: { total: 0.9, components: [] },
      finish: 'length',
      ids: new Int32Array(9),
      samplerLogprobs: new Float32Array(9),
    });
    insert(3, { text: 'held out', reward: { total: 0.5, components: [] }, split: 'evaluation' });
    store.samples.insert(store.runs.key('b'), 1, [exampleSample({ text: 'other run' })]);
    expect(texts({})).toEqual(['held out', 'high', 'none', 'low']);
    expect(texts({ sort: 'oldest' })).toEqual(['low', 'none', 'high', 'held out']);
    expect(texts({ sort: 'best' })).toEqual(['high', 'held out', 'low', 'none']);
    expect(texts({ sort: 'worst' })).toEqual(['low', 'held out', 'high', 'none']);
    expect(texts({ sort: 'longest' })[0]).toBe('high');
    expect(texts({ step: 1 })).toEqual(['none', 'low']);
    expect(texts({ split: 'evaluation' })).toEqual(['held out']);
    expect(texts({ finish: 'length' })).toEqual(['high']);
    expect(texts({ minReward: 0.1, maxReward: 0.5, sort: 'worst' })).toEqual(['low', 'held out']);
    expect(texts({ promptIndex: 1 })).toEqual(['low']);
    expect(list({ offset: 1, limit: 2 })).toMatchObject({
      total: 4,
      rows: [{ text: 'high' }, { text: 'none' }],
    });
    expect(list({ offset: 10 })).toEqual({ rows: [], total: 4 });
    expect(store.samples.steps(run)).toEqual([1, 2, 3]);
  });

  it('replaces the evaluation answers of one step', () => {
    insert(5, { text: 'old', split: 'evaluation' }, { text: 'train' });
    store.samples.dropEvaluation(run, 5);
    insert(5, { text: 'new', split: 'evaluation' });
    expect(texts({ sort: 'oldest' })).toEqual(['train', 'new']);
    expect(texts({ search: 'old' })).toEqual([]);
  });
});

describe('search', () => {
  beforeEach(() => {
    insert(
      1,
      { prompt: 'What is 12+30?', text: 'forty-two, that is 42', promptIndex: 0 },
      { prompt: 'Größe der Straße', text: 'zu groß (100%)', promptIndex: 1 },
      { prompt: '東京はどこですか', text: '日本です 🙂', promptIndex: 2 },
      { prompt: 'a_b', text: 'It\'s "quoted"; DROP TABLE samples', promptIndex: 3 },
    );
    store.samples.insert(store.runs.key('b'), 1, [exampleSample({ text: 'forty in another run' })]);
  });
  const found = (search: string) => list({ search, sort: 'oldest' }).rows.map((row) => row.promptIndex);

  it.each([
    ['forty', [0]],
    ['FORT', [0]],
    ['what 42', [0]],
    ['4', []],
    ['42', [0]],
    ['"that is"', [0]],
    ['"is that"', []],
    ['12+30', [0]],
    ['+', [0]],
    ['100%', [1]],
    ['%', [1]],
    ['grosse', []],
    ['größe', [1]],
    ['grö', [1]],
    ['東京', [2]],
    ['日本', [2]],
    ['🙂', [2]],
    ['a_b', [3]],
    ['_', [3]],
    ['drop table', [3]],
    ["it's", [3]],
    ['', [0, 1, 2, 3]],
    ['   ', [0, 1, 2, 3]],
    ['r1', []],
  ])('%s', (search, expected) => {
    expect(found(search)).toEqual(expected);
  });

  it('takes hostile input as text, never as syntax', () => {
    for (const search of [
      '"',
      '""',
      '"unclosed',
      'a AND',
      'NOT',
      'NEAR(',
      'text:',
      'run : "r2"',
      '*',
      '^',
      '-',
      '(',
      ')',
      '\u0000',
      'a\u0000b',
      '\ud800',
      "'",
      '\\',
      ';--',
    ]) {
      expect(() => found(search), JSON.stringify(search)).not.toThrow();
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (search) => {
        found(search);
      }),
      { numRuns: 100 },
    );
    expect(() => found('x '.repeat(100_000))).not.toThrow();
  });

  it('never shows another run', () => {
    expect(found('another')).toEqual([]);
    expect(found('" OR run : "r2')).toEqual([]);
  });
});
