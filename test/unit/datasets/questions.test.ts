/** From rows to questions: filters, draws, templates, hold-out, order, preview and fingerprint. */
import { fileURLToPath } from 'node:url';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { dataPreviewSchema } from '../../../src-main/contract/calls.ts';
import { columnNames, columnText, columnValue, nearestName } from '../../../src-main/datasets/column-path.ts';
import { dataHash } from '../../../src-main/datasets/data-hash.ts';
import { loadDataset } from '../../../src-main/datasets/load-dataset.ts';
import { mapRows, parseTemplate } from '../../../src-main/datasets/map-rows.ts';
import { previewDataset } from '../../../src-main/datasets/preview.ts';
import { promptOrder } from '../../../src-main/datasets/prompt-order.ts';
import type { DatasetRow, PromptRow, Row } from '../../../src-main/datasets/row.ts';
import { drawRows, holdOut, withoutHeldOut } from '../../../src-main/datasets/split.ts';

const folder = mkdtempSync(join(tmpdir(), 'espalier-questions-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const sums = Array.from({ length: 100 }, (_, i) => ({
  prompt: `${i}+1=`,
  answer: String(i + 1),
  difficulty: (i % 5) + 1,
  check: { kind: 'number' },
}));
const sumsPath = file('sums.jsonl', sums.map((row) => JSON.stringify(row)).join('\n'));
const numbered = (rows: Row[]): DatasetRow[] => rows.map((row, index) => ({ index, row }));
const questions = (prompts: string[]): PromptRow[] =>
  prompts.map((prompt, index) => ({ index, prompt, answer: 'x', row: {} }));

describe('columns', () => {
  it('are found by name first, then by path', () => {
    const row: Row = { 'a.b': 1, a: { b: 2, c: [{ d: 'deep' }] }, nothing: null };
    expect(columnValue(row, 'a.b')).toBe(1);
    expect(columnValue(row, 'a.c.0.d')).toBe('deep');
    expect(columnValue(row, 'a.c.1.d')).toBeUndefined();
    expect(columnValue(row, 'toString')).toBeUndefined();
    expect(columnValue(row, 'a.constructor')).toBeUndefined();
    expect([columnText(row, 'nothing'), columnText(row, 'a.c'), columnText(row, 'a.b')]).toEqual([
      '',
      '[{"d":"deep"}]',
      '1',
    ]);
    expect(columnNames([row])).toEqual(['a.b', 'a', 'a.c', 'nothing']);
  });

  it('are suggested when a name is nearly right', () => {
    expect(nearestName('Promt', ['answer', 'prompt'])).toBe('prompt');
    expect(nearestName('target', ['check', 'check.target'])).toBe('check.target');
    expect(nearestName('final answer', ['question', 'answer'])).toBe('answer');
    expect(nearestName('zzz', ['question', 'answer'])).toBeUndefined();
  });
});

describe('loadDataset', () => {
  it('keeps rows that pass every condition, with their place in the file', async () => {
    const { rows, total } = await loadDataset({
      path: sumsPath,
      filter: { difficulty: [2, 3], 'check.kind': ['number'] },
      seed: 1,
    });
    expect(total).toBe(100);
    expect(rows.length).toBe(40);
    for (const { index, row } of rows) expect(row).toEqual(sums[index]);
    expect(rows.map(({ index }) => index)).toEqual([...rows.map(({ index }) => index)].sort((a, b) => a - b));
  });

  it('compares cells of text with numbers', async () => {
    const path = file('cells.csv', 'q,level\na,1\nb,2\nc, 2\nd,x\n');
    const { rows } = await loadDataset({ path, filter: { level: [2] }, seed: 1 });
    expect(rows.map(({ row }) => row['q'])).toEqual(['b', 'c']);
  });

  it('draws the same rows from a seed, others from another, each row equally often', async () => {
    const draw = async (seed: number, limit: number) =>
      (await loadDataset({ path: sumsPath, limit, seed })).rows.map(({ index }) => index);
    expect(await draw(1, 30)).toEqual(await draw(1, 30));
    expect(await draw(1, 30)).not.toEqual(await draw(2, 30));
    expect((await draw(1, 500)).length).toBe(100);
    const counts = new Array<number>(100).fill(0);
    for (let seed = 0; seed < 60; seed++) for (const index of await draw(seed, 50)) counts[index]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(12);
    expect(Math.max(...counts)).toBeLessThan(48);
  });

  it('draws as if all rows had been held, although it holds few', async () => {
    const path = file('long.jsonl', Array.from({ length: 5000 }, (_, i) => `{"i":${i}}`).join('\n'));
    const few = (await loadDataset({ path, limit: 7, seed: 3 })).rows.map(({ index }) => index);
    const many = (await loadDataset({ path, limit: 4000, seed: 3 })).rows.map(({ index }) => index);
    expect(few.length).toBe(7);
    expect(many.length).toBe(4000);
    expect(few.every((index) => many.includes(index))).toBe(true);
  });

  it('says what is wrong with a filter', async () => {
    await expect(loadDataset({ path: sumsPath, filter: { dificulty: [1] }, seed: 1 })).rejects.toMatchObject({
      code: 'data-filter-column',
      advice: expect.stringContaining('“difficulty”'),
    });
    await expect(loadDataset({ path: sumsPath, filter: { difficulty: [9] }, seed: 1 })).rejects.toMatchObject(
      {
        code: 'data-filter-empty',
        advice: expect.stringContaining('difficulty: 1, 2, 3, 4, 5'),
      },
    );
  });

  it('warns of a column that changes its kind, and of a file that is an error message', async () => {
    const changing = file('changing.jsonl', '{"a":1}\n{"a":null}\n{"a":"x"}\n{"a":[]}\n');
    expect((await loadDataset({ path: changing, seed: 1 })).warnings).toEqual([
      expect.stringContaining('row 3'),
    ]);
    const error = file('error.jsonl', '{"error":"Repository not found"}\n');
    expect((await loadDataset({ path: error, seed: 1 })).warnings[0]).toContain('Repository not found');
  });
});

describe('mapRows', () => {
  const request = { prompt: '{prompt}', answer: '{answer}', path: 'sums.jsonl' };

  it('fills templates from columns, nested ones too', () => {
    const rows = numbered([{ q: 'One?', check: { target: 24, numbers: [3, 8] }, 'odd name': true }]);
    const { rows: mapped } = mapRows(rows, {
      ...request,
      prompt: '{{Q}} { q } {check.numbers}',
      answer: '{check.target}/{check.numbers.1} {odd name}',
    });
    expect(mapped).toEqual([{ index: 0, prompt: '{Q} One? [3,8]', answer: '24/8 true', row: rows[0]?.row }]);
  });

  it('parses what it is given back, for any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseTemplate(text.replace(/[{}]/g, '$&$&'), 'data.prompt')).toEqual(
          text === '' ? [] : [{ text }],
        );
      }),
    );
  });

  it.each(['{', 'a {b', '{}', '{ }', '{a{b}'])('refuses the template %j', (template) => {
    expect(() => parseTemplate(template, 'data.prompt')).toThrowError(/no column name/);
  });

  it('names the columns that exist when one is missing', () => {
    const rows = numbered([{ question: 'a', answer: 'b' }]);
    expect(() => mapRows(rows, { ...request, prompt: '{qestion}' })).toThrowError(
      expect.objectContaining({
        code: 'data-column',
        advice: 'Did you mean “question”? The columns are: question, answer.',
      }),
    );
    expect(() => mapRows(rows, { ...request, prompt: '{question}', answer: '{result}' })).toThrowError(
      /“result”/,
    );
    expect(() => mapRows(rows, { ...request, prompt: 'question' })).toThrowError(
      expect.objectContaining({ code: 'data-template' }),
    );
  });

  it('refuses data without questions, without answers, or without rows', () => {
    const code = (value: string) => expect.objectContaining({ code: value });
    expect(() => mapRows([], request)).toThrowError(code('data-empty'));
    expect(() => mapRows(numbered([{ prompt: ' ', answer: 'a' }]), request)).toThrowError(
      code('data-prompt-empty'),
    );
    expect(() => mapRows(numbered([{ prompt: 'a', answer: null }]), request)).toThrowError(
      code('data-answer-empty'),
    );
    expect(mapRows(numbered([{ prompt: 'a' }]), { ...request, answerNeeded: false }).rows[0]?.answer).toBe(
      '',
    );
    expect(
      mapRows(numbered([{ prompt: '', answer: 'text' }]), { ...request, emptyPrompts: true }).rows.length,
    ).toBe(1);
  });

  it('counts rows without an answer and warns of columns that only some rows have', () => {
    const { emptyAnswers, warnings } = mapRows(
      numbered([{ prompt: 'a', answer: '1' }, { prompt: 'b' }]),
      request,
    );
    expect(emptyAnswers).toBe(1);
    expect(warnings).toEqual([
      expect.stringContaining('the first is row 2'),
      expect.stringContaining('1 of 2 rows have no right answer'),
    ]);
  });
});

describe('holdOut', () => {
  it('keeps equal questions on one side, loses no row, and keeps the order', () => {
    const prompts = fc.array(
      fc.constantFrom('a', 'b', 'c', ' c ', 'd  e', 'd e', 'f', 'g', 'h', 'é', 'e\u0301'),
      { minLength: 2, maxLength: 60 },
    );
    fc.assert(
      fc.property(prompts, fc.double({ min: 0.01, max: 0.9, noNaN: true }), fc.nat(), (list, share, seed) => {
        const key = (prompt: string) => prompt.normalize('NFC').replace(/\s+/g, ' ').trim();
        if (new Set(list.map(key)).size < 2) return;
        const { train, evaluation } = holdOut(questions(list), share, seed);
        expect(train.length + evaluation.length).toBe(list.length);
        expect(train.length).toBeGreaterThan(0);
        expect(evaluation.length).toBeGreaterThan(0);
        const held = new Set(evaluation.map(({ prompt }) => key(prompt)));
        expect(train.filter(({ prompt }) => held.has(key(prompt)))).toEqual([]);
        const places = train.map(({ index }) => index);
        expect(places).toEqual([...places].sort((a, b) => a - b));
      }),
    );
  });

  it('holds out the share that was asked for, by the seed', () => {
    const rows = questions(Array.from({ length: 1000 }, (_, i) => `q${i}`));
    const { evaluation } = holdOut(rows, 0.1, 1);
    expect(evaluation.length).toBe(100);
    expect(holdOut(rows, 0.1, 1).evaluation).toEqual(evaluation);
    expect(holdOut(rows, 0.1, 2).evaluation).not.toEqual(evaluation);
    expect(holdOut(rows, 0, 1).evaluation).toEqual([]);
    const often = questions([
      ...Array.from({ length: 90 }, () => 'same'),
      ...Array.from({ length: 10 }, (_, i) => `q${i}`),
    ]);
    for (let seed = 0; seed < 5; seed++)
      expect(holdOut(often, 0.1, seed).train.length).toBeGreaterThanOrEqual(90);
  });

  it('refuses what cannot be divided', () => {
    expect(() => holdOut(questions(['a', 'a ']), 0.5, 1)).toThrowError(
      expect.objectContaining({ code: 'data-split' }),
    );
  });

  it('finds training questions that are held out elsewhere', () => {
    const { rows, removed } = withoutHeldOut(questions(['a', 'b', ' a']), questions(['a']));
    expect([rows.map(({ prompt }) => prompt), removed]).toEqual([['b'], 2]);
  });

  it('draws questions for evaluation, the same ones every time', () => {
    const rows = questions(Array.from({ length: 50 }, (_, i) => `q${i}`));
    const drawn = drawRows(rows, 10, 4);
    expect(new Set(drawn.map(({ index }) => index)).size).toBe(10);
    expect(drawRows(rows, 10, 4)).toEqual(drawn);
    expect(drawRows(rows, 99, 4)).toEqual(rows);
  });
});

describe('promptOrder', () => {
  it('asks every question once in each pass, in a fresh order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 13 }),
        fc.nat(),
        (rows, promptsPerStep, seed) => {
          const order = promptOrder({ seed, rows, promptsPerStep });
          const asked: number[] = [];
          for (let step = 1; asked.length < 3 * rows; step++) asked.push(...order.promptsOf(step));
          for (let pass = 0; pass < 3; pass++) {
            expect([...asked.slice(pass * rows, (pass + 1) * rows)].sort((a, b) => a - b)).toEqual(
              Array.from({ length: rows }, (_, i) => i),
            );
          }
        },
      ),
    );
    const order = promptOrder({ seed: 1, rows: 50, promptsPerStep: 50 });
    expect([...order.promptsOf(1)]).not.toEqual([...order.promptsOf(2)]);
  });

  it('is the same wherever a run goes on from', () => {
    const request = { seed: 9, rows: 23, promptsPerStep: 7 };
    const whole = promptOrder(request);
    const all = Array.from({ length: 20 }, (_, i) => [...whole.promptsOf(i + 1)]);
    for (const step of [20, 3, 11, 1])
      expect([...promptOrder(request).promptsOf(step)]).toEqual(all[step - 1]);
    expect(whole.promptAt(5, 3)).toBe(all[4]?.[3]);
    expect([...promptOrder({ ...request, seed: 10 }).promptsOf(1)]).not.toEqual(all[0]);
  });

  it('refuses steps and slots that do not exist', () => {
    const order = promptOrder({ seed: 1, rows: 5, promptsPerStep: 2 });
    expect(() => order.promptAt(0, 0)).toThrow(RangeError);
    expect(() => order.promptAt(1, 2)).toThrow(RangeError);
    expect(() => promptOrder({ seed: 1, rows: 0, promptsPerStep: 2 })).toThrow(RangeError);
  });
});

describe('previewDataset', () => {
  it('describes columns and guesses what is asked and answered', async () => {
    const preview = await previewDataset(sumsPath, 3);
    expect(dataPreviewSchema.parse(preview)).toEqual(preview);
    expect(preview.count).toBe(100);
    expect(preview.rows.length).toBe(3);
    expect(preview.guess).toMatchObject({ prompt: 'prompt', answer: 'answer', messages: null });
    expect(preview.columns).toEqual([
      { name: 'prompt', type: 'text', example: '0+1=', missing: 0 },
      { name: 'answer', type: 'number as text', example: '1', missing: 0 },
      { name: 'difficulty', type: 'number', example: '1', missing: 0 },
      { name: 'check', type: 'object', example: '{"kind":"number"}', missing: 0 },
      { name: 'check.kind', type: 'text', example: 'number', missing: 0 },
    ]);
  });

  it('guesses by usual names, and not at all without one', async () => {
    const guess = async (header: string) =>
      (await previewDataset(file('guess.csv', `${header}\na,b\n`), 1)).guess;
    expect(await guess('Question,Final Answer')).toMatchObject({
      prompt: 'Question',
      answer: 'Final Answer',
    });
    expect(await guess('user_prompt,gold_answer')).toMatchObject({
      prompt: 'user_prompt',
      answer: 'gold_answer',
    });
    expect(await guess('colour,size')).toMatchObject({ prompt: null, answer: null });
  });

  it('guesses pairs, verdicts, conversations and system prompts', async () => {
    const guess = async (rows: object[]) => {
      const text = rows.map((row) => JSON.stringify(row)).join('\n');
      return (await previewDataset(file('guess.jsonl', `${text}\n`), 1)).guess;
    };
    expect(await guess([{ prompt: 'a', chosen: 'b', rejected: 'c' }])).toMatchObject({
      prompt: 'prompt',
      answer: null,
      chosen: 'chosen',
      rejected: 'rejected',
      label: null,
    });
    expect(
      await guess([
        { input: 'a', completion: 'b', label: true },
        { input: 'a', completion: 'c', label: false },
      ]),
    ).toMatchObject({ prompt: 'input', answer: 'completion', label: 'label' });
    // Names of classes are right answers, no verdicts.
    expect(await guess([{ text: 'a', label: 'sport' }])).toMatchObject({ answer: 'label', label: null });
    expect(await guess([{ system: 'Be brief.', messages: [{ role: 'user', content: 'a' }] }])).toMatchObject({
      messages: 'messages',
      system: 'system',
      prompt: null,
    });
    // A column of text by that name is no conversation.
    expect(await guess([{ messages: 'hello' }])).toMatchObject({ messages: null });
  });

  it.each([
    ['json/sharegpt.json', { messages: 'conversations' }],
    ['json/alpaca.json', { answer: 'output' }],
    ['jsonl/preference.jsonl', { prompt: 'prompt', chosen: 'chosen', rejected: 'rejected' }],
    ['jsonl/tool-calls.jsonl', { messages: 'messages' }],
  ])('guesses the columns of %s', async (name, wanted) => {
    const fixture = new URL(`../../fixtures/data-files/${name}`, import.meta.url);
    expect((await previewDataset(fileURLToPath(fixture), 1)).guess).toMatchObject(wanted);
  });

  it('reads only the head of a large file', async () => {
    const line = `${JSON.stringify({ prompt: 'p', answer: 'x'.repeat(1000) })}\n`;
    const path = file('large.jsonl', `${line.repeat(17_000)}this is broken\n`);
    const preview = await previewDataset(path, 5);
    expect(preview.count).toBeNull();
    expect(preview.rows.length).toBe(5);
  });

  it('shortens what is too long to show', async () => {
    const path = file(
      'wide.jsonl',
      JSON.stringify({ text: 'x'.repeat(5000), list: Array.from({ length: 2000 }, (_, i) => i) }),
    );
    const preview = await previewDataset(path, 1);
    expect(JSON.stringify(preview).length).toBeLessThan(6000);
  });
});

describe('dataHash', () => {
  it('depends on the contents and nothing else', async () => {
    const [a, b, c] = [file('a.txt', 'same'), file('b.txt', 'same'), file('c.txt', 'other')];
    expect(await dataHash([a])).toBe(await dataHash([b]));
    expect(await dataHash([a])).not.toBe(await dataHash([c]));
    expect(await dataHash([a, c])).not.toBe(await dataHash([c, a]));
    expect(await dataHash([a])).toMatch(/^[0-9a-f]{64}$/);
    await expect(dataHash([join(folder, 'none')])).rejects.toMatchObject({ code: 'data-not-found' });
  });
});
