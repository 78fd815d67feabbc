/** Conversations in all their layouts → questions, right answers and pairs; which columns hold what. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { conversationOf, plainText } from '../../../src-main/datasets/conversation.ts';
import { columnNames } from '../../../src-main/datasets/column-path.ts';
import { guessColumns } from '../../../src-main/datasets/guess-columns.ts';
import { mapRows } from '../../../src-main/datasets/map-rows.ts';
import { pairTexts } from '../../../src-main/datasets/preference-pairs.ts';
import { previewDataset } from '../../../src-main/datasets/preview.ts';
import type { DatasetRow, Row } from '../../../src-main/datasets/row.ts';

const fixtures = resolve(import.meta.dirname, '../../fixtures/data-files');
const samples = resolve(import.meta.dirname, '../../../resources/datasets');
const numbered = (rows: Row[]): DatasetRow[] => rows.map((row, index) => ({ index, row }));
const user = { role: 'user', content: 'Hi' };
const assistant = { role: 'assistant', content: 'Hello' };

describe('conversationOf', () => {
  it.each([
    ['messages', [user, assistant]],
    [
      'conversations',
      [
        { from: 'human', value: 'Hi' },
        { from: 'gpt', value: 'Hello' },
      ],
    ],
    ['JSON in a cell', JSON.stringify([user, assistant])],
    ['a transcript', '\n\nHuman: Hi\n\nAssistant: Hello'],
    ['parts of content', [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }, assistant]],
  ])('reads %s', (_name, value) => {
    const turns = conversationOf(value);
    expect(turns?.map(({ role, content }) => ({ role, content }))).toEqual([user, assistant]);
  });

  it('keeps what else a turn holds, and names roles as templates do', () => {
    const call = [{ name: 'f', arguments: '{}' }];
    expect(conversationOf([{ role: 'assistant', tool_calls: call }])).toEqual([
      { role: 'assistant', content: '', tool_calls: call },
    ]);
    expect(conversationOf([{ from: 'system', value: 's' }])?.[0]?.role).toBe('system');
    expect(conversationOf([{ role: 'critic', content: 'c' }])?.[0]?.role).toBe('critic');
  });

  it.each([
    ['text'],
    ['[1, 2]'],
    ['{"a": 1}'],
    [[]],
    [['a']],
    [[{ role: 'user' }]],
    [null],
    [7],
    ['Human: alone'],
  ])('finds none in %j', (value) => expect(conversationOf(value)).toBeNull());

  it('is a question as plain text when one turn asks, else turns with their roles', () => {
    expect(plainText([user])).toBe('Hi');
    expect(plainText([{ role: 'system', content: 'Be kind.' }, user])).toBe('System: Be kind.\n\nUser: Hi');
  });
});

describe('mapRows', () => {
  const request = { prompt: '{prompt}', answer: '{answer}', path: 'x' };

  it('asks what comes before the last answer, which is the right one', () => {
    const rows = numbered([{ m: [user, assistant, { role: 'user', content: 'Bye' }, assistant] }]);
    const [row] = mapRows(rows, { ...request, messages: '{m}', answerNeeded: true }).rows;
    expect(row?.turns?.map(({ content }) => content)).toEqual(['Hi', 'Hello', 'Bye']);
    expect(row?.answer).toBe('Hello');
    expect(row?.prompt).toBe('User: Hi\n\nAssistant: Hello\n\nUser: Bye');
  });

  it('takes the right answer from its column where the data has one', () => {
    const rows = numbered([{ m: [user, assistant], answer: '42' }]);
    expect(mapRows(rows, { ...request, messages: '{m}' }).rows[0]?.answer).toBe('42');
  });

  it('puts a system prompt before a question and before a conversation without one', () => {
    const system = { role: 'system', content: 'Level 2' };
    const rows = numbered([{ prompt: 'Hi', answer: 'a', level: 2, m: [user] }]);
    const asked = mapRows(rows, { ...request, system: 'Level {level}' }).rows[0];
    expect(asked?.turns).toEqual([system, user]);
    expect(mapRows(rows, { ...request, messages: '{m}', system: 'Level {level}' }).rows[0]?.turns).toEqual([
      system,
      user,
    ]);
    const own = numbered([{ answer: 'a', m: [{ role: 'system', content: 'Own' }, user] }]);
    expect(mapRows(own, { ...request, messages: '{m}', system: 'Other' }).rows[0]?.turns?.[0]?.content).toBe(
      'Own',
    );
    expect(mapRows(rows, request).rows[0]?.turns).toBeUndefined();
  });

  it('leaves out rows without a conversation with a warning, and refuses a column without any', () => {
    const rows = numbered([
      { m: [user], answer: 'a' },
      { m: 'text', answer: 'a' },
    ]);
    const mapped = mapRows(rows, { ...request, messages: '{m}' });
    expect(mapped.warnings.join()).toContain('the first is row 2');
    expect(mapped.rows[1]?.prompt).toBe('');
    expect(() => mapRows(rows.slice(1), { ...request, messages: '{m}' })).toThrowError(
      expect.objectContaining({ code: 'data-messages' }),
    );
    expect(() => mapRows(rows, { ...request, messages: 'x {m}' })).toThrowError(
      expect.objectContaining({ code: 'data-template' }),
    );
  });
});

describe('pairs', () => {
  it('are the last messages where the columns hold conversations', () => {
    const rows = mapRows(
      numbered([{ chosen: [user, assistant], rejected: [user, { role: 'assistant', content: 'No' }] }]),
      { prompt: '{prompt}', messages: '{chosen}', answer: '{answer}', path: 'x', answerNeeded: false },
    ).rows;
    expect(rows[0]?.prompt).toBe('Hi');
    const pairs = pairTexts(rows, {
      chosen: undefined,
      rejected: undefined,
      label: undefined,
      single: false,
      path: 'x',
    });
    expect(pairs.texts).toEqual([{ chosen: 'Hello', rejected: 'No' }]);
  });
});

const nothing = {
  prompt: null,
  answer: null,
  system: null,
  messages: null,
  chosen: null,
  rejected: null,
  label: null,
  template: null,
};

describe('guessColumns', () => {
  const guess = (rows: Row[]) => guessColumns(columnNames(rows), rows);

  const guessSchema = z.looseObject({
    prompt: z.union([z.string(), z.array(z.string())]).optional(),
    answer: z.string().optional(),
    messages: z.string().optional(),
    chosen: z.string().optional(),
    rejected: z.string().optional(),
  });
  const { files } = z
    .object({ files: z.array(z.looseObject({ path: z.string(), guess: guessSchema.optional() })) })
    .parse(JSON.parse(readFileSync(resolve(fixtures, 'manifest.json'), 'utf8')));

  it.each(files.flatMap(({ path, guess: wanted }) => (wanted === undefined ? [] : [{ path, wanted }])))(
    'of $path',
    async ({ path, wanted }) => {
      const { guess: found } = await previewDataset(resolve(fixtures, path), 1);
      if (wanted.answer !== undefined) expect(found.answer).toBe(wanted.answer);
      if (wanted.chosen !== undefined) expect(found.chosen).toBe(wanted.chosen);
      if (wanted.rejected !== undefined) expect(found.rejected).toBe(wanted.rejected);
      if (wanted.messages !== undefined) expect(found.messages).toBe(wanted.messages.split(' ')[0]);
      if (Array.isArray(wanted.prompt)) {
        expect(found.template).toBe(wanted.prompt.map((name) => `{${name}}`).join('\n\n'));
      } else if (wanted.prompt === 'shared first messages') {
        expect([found.prompt, found.messages]).toEqual([null, 'chosen']);
      } else if (wanted.prompt !== undefined) expect(found.prompt).toBe(wanted.prompt);
    },
  );

  it.each([
    ['gsm8k', { prompt: 'question', answer: 'answer' }],
    ['gsm8k-solutions', { prompt: 'prompt', chosen: 'chosen', rejected: 'rejected' }],
    ['humaneval-js', { prompt: 'prompt' }],
    ['ifeval', { prompt: 'prompt' }],
    ['sentence-polarity', { prompt: 'text', answer: 'label' }],
    ['add-sub', { prompt: 'prompt', answer: 'answer' }],
    ['countdown', { prompt: 'prompt', answer: 'answer' }],
    ['copy-rule.csv', { prompt: 'question', answer: 'answer' }],
  ])('of the sample %s', async (name, wanted) => {
    expect((await previewDataset(resolve(samples, name), 1)).guess).toEqual({ ...nothing, ...wanted });
  });

  // Layouts of public sets whose texts may not be copied here.
  it.each<[string, Row, Partial<typeof nothing> | Record<string, string>]>([
    [
      'pairs of messages behind a conversation',
      {
        conversations: [{ from: 'human', value: 'q' }],
        chosen: { from: 'gpt', value: 'a' },
        rejected: { from: 'gpt', value: 'b' },
      },
      { messages: 'conversations', chosen: 'chosen', rejected: 'rejected' },
    ],
    ['thumbs', { messages: [user, assistant], label: true }, { messages: 'messages', label: 'label' }],
    [
      'transcripts',
      {
        chosen: '\n\nHuman: q\n\nAssistant: a',
        rejected: '\n\nHuman: q\n\nAssistant: b',
      },
      { messages: 'chosen', chosen: 'chosen', rejected: 'rejected' },
    ],
    [
      'a story with its question',
      { ID: 'c1', Body: 'b', Question: 'q', Equation: '1+1', Answer: 2, Type: 'x' },
      { prompt: 'Question', answer: 'Answer', template: '{Body} {Question}' },
    ],
    [
      'solutions with marks',
      { question: 'q', reference: '3', solution: 's', is_correct: true },
      { prompt: 'question', answer: 'reference', label: 'is_correct' },
    ],
    [
      'a system prompt',
      { system: 's', question: 'q', response: 'r' },
      { prompt: 'question', answer: 'response', system: 'system' },
    ],
    ['nothing', { colour: 'red', size: 3 }, {}],
  ])('of %s', (_name, row, wanted) => expect(guess([row, row])).toEqual({ ...nothing, ...wanted }));
});
