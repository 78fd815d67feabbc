/** The built-in verifiers say the same, to the letter, in this process and in QuickJS. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { RewardKind } from '../../../../src-main/contract/reward.ts';
import type { VerifierKind } from '../../../../src-main/rewards/grader.ts';
import type { RewardItem } from '../../../../src-main/rewards/outcome.ts';
import { scoreVerifier } from '../../../../src-main/rewards/score-answer.ts';
import { answerItem, component, fixtureRows } from '../reward-item.ts';
import { gradeAll, ready } from './prepared.ts';

const rowSchema = z.record(z.string(), z.json());
const verdictSchema = z.object({ prompt: z.string(), response: z.string(), answer: z.string() });
const words = z
  .object({ good: z.array(z.string()), bad: z.array(z.string()) })
  .parse(JSON.parse(readFileSync(new URL('../../../fixtures/tasks/words.json', import.meta.url), 'utf8')));

const verdicts = fixtureRows('tasks/verdicts.jsonl').map((row): RewardItem => {
  const { prompt, response, answer } = verdictSchema.parse(row);
  return answerItem({ prompt, response, reference: answer, row: rowSchema.parse(row) });
});
const texts = fixtureRows('ifeval/responses.jsonl').map((source): RewardItem => {
  const row = rowSchema.parse(source);
  const response = typeof row['response'] === 'string' ? row['response'] : '';
  return answerItem({
    response,
    reference: response.slice(0, 300),
    row,
    tokens: response.length,
    maxTokens: 2000,
  });
});

/** At least one of every kind. */
const settings: Readonly<Record<VerifierKind, readonly Record<string, unknown>[]>> = {
  exact: [{}, { ignoreCase: true }],
  number: [{}, { find: 'last' }, { find: 'marked' }, { find: 'last', tolerance: 0.01 }],
  equation: [{}],
  choice: [{}, { options: 26 }],
  contains: [
    { texts: ['{answer}', 'the'], words: true, need: 'any' },
    { texts: ['ß', 'a'], need: 'none' },
  ],
  json: [{}, { fenced: false, shape: 'object' }],
  tags: [{}, { tags: ['answer'], alone: false }],
  length: ['characters', 'words', 'sentences', 'tokens'].map((unit) => ({
    unit,
    min: 20,
    max: 60,
    margin: 50,
  })),
  overlong: [{ buffer: 100 }],
  repetition: [{}, { size: 1 }],
  script: [{}, { script: 'Cyrillic' }, { script: 'Japanese' }],
  instructions: [{ idsColumn: 'instruction_id_list', argumentsColumn: 'kwargs' }],
  balance: [{ good: words.good, bad: words.bad }],
  similarity: [{}, { measure: 'edit' }],
};
const kinds = Object.keys(settings).filter((kind): kind is VerifierKind => kind in settings);

describe.each(kinds)('%s', (kind) => {
  it.each(settings[kind])('with %j', async (given) => {
    const made = component<RewardKind & VerifierKind>(kind, given);
    const prepared = await ready(made);
    const items = [...verdicts, ...texts];
    const here = items.map((item) => scoreVerifier(made, item));
    const there = await gradeAll(prepared, items);
    const different = here.flatMap((outcome, place) =>
      JSON.stringify(outcome) === JSON.stringify(there[place])
        ? []
        : [{ here: outcome, there: there[place], response: items[place]?.response.slice(0, 200) }],
    );
    expect(different).toEqual([]);
  });

  it('on any text', async () => {
    const made = component<RewardKind & VerifierKind>(kind, settings[kind][0]);
    const prepared = await ready(made);
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(
        '#### ',
        '1/2',
        '\\boxed{',
        '}',
        '<think>',
        '</think>',
        '. ',
        'İß',
        '\u2028',
        '1e5',
        '٣',
        '-',
        '"',
      ),
    );
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    await fc.assert(
      fc.asyncProperty(text, text, async (response, reference) => {
        const item = answerItem({ response, reference });
        expect((await prepared.grade(item)).outcome).toEqual(scoreVerifier(made, item));
      }),
      { numRuns: 200 },
    );
  });
});
