/** The number reward against the publisher's marks of real answers to word problems. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { fixtureRows, verdict } from './reward-item.ts';

const rowSchema = z.object({ reference: z.string(), solution: z.string(), is_correct: z.boolean() });
const rows = fixtureRows('gsm8k-solutions/solutions.jsonl').map((row) => rowSchema.parse(row));

it.each([{ find: 'last' }, { find: 'marked', mark: 'A:' }])('agrees with every mark: %j', (settings) => {
  expect(rows.length).toBe(402);
  const mistaken = rows.filter(
    ({ reference, solution, is_correct: correct }) =>
      verdict('number', settings, { response: solution, reference }).value !== (correct ? 1 : 0),
  );
  expect(mistaken).toEqual([]);
  expect(rows.some((row) => row.is_correct) && rows.some((row) => !row.is_correct)).toBe(true);
});
