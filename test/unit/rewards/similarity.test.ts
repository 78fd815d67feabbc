/** ROUGE-L against the reference package, and both measures against their plain definitions. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { commonSubsequence } from '../../../src-main/rewards/common-subsequence.ts';
import { editDistance } from '../../../src-main/rewards/edit-distance.ts';
import { editSimilarity, rougeL } from '../../../src-main/rewards/similarity.ts';
import { verdict } from './reward-item.ts';

const oracle = z
  .object({
    pairs: z.array(z.object({ reference: z.string(), response: z.string(), f1: z.number() })),
  })
  .parse(JSON.parse(readFileSync(new URL('../../fixtures/rewards/rouge-l.json', import.meta.url), 'utf8')));

function plainSubsequence(a: readonly number[], b: readonly number[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const member of a) {
    const next = [0];
    for (let j = 0; j < b.length; j++)
      next.push(member === b[j] ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!));
    row = next;
  }
  return row[b.length]!;
}

function plainDistance(a: readonly number[], b: readonly number[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, member] of a.entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(row[j]! + (member === b[j] ? 0 : 1), row[j + 1]! + 1, next[j]! + 1));
    row = next;
  }
  return row[b.length]!;
}

const lists = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 150 });

describe('similarity', () => {
  it('agrees with rouge-score on every pair', () => {
    expect(oracle.pairs.length).toBeGreaterThan(80);
    for (const { reference, response, f1 } of oracle.pairs)
      expect(rougeL(reference, response), `${reference} | ${response}`).toBeCloseTo(f1, 12);
  });

  it('counts common subsequences and edits as their definitions do, over several words of bits', () => {
    fc.assert(
      fc.property(lists, lists, (a, b) => {
        expect(commonSubsequence(a, b)).toBe(plainSubsequence(a, b));
        expect(editDistance(a, b)).toBe(plainDistance(a, b));
      }),
    );
  });

  it('is 1 for equal texts, 0 for those without anything in common, and the same both ways', () => {
    expect(editSimilarity('kitten', 'sitting')).toBeCloseTo(1 - 3 / 7, 12);
    expect(editSimilarity('a😀b', 'a😁b')).toBeCloseTo(2 / 3, 12);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(editSimilarity(a, a)).toBe(1);
        expect(editSimilarity(a, b)).toBe(editSimilarity(b, a));
        expect(rougeL(a, b)).toBeCloseTo(rougeL(b, a), 12);
        expect(editSimilarity(a, b)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('counts what lies beyond the limit as not shared', () => {
    const long = 'x'.repeat(10_000);
    expect(editSimilarity(long, long)).toBeCloseTo(0.8192, 4);
    expect(rougeL('a '.repeat(5000), 'a '.repeat(5000))).toBeCloseTo(4096 / 5000, 4);
  });

  it('cannot grade without a right answer that it can read', () => {
    expect(verdict('similarity', {}, { reference: '' }).value).toBeNull();
    expect(verdict('similarity', {}, { reference: 'Привет' }).value).toBeNull();
    expect(
      verdict('similarity', { measure: 'edit' }, { reference: 'Привет', response: 'Привет' }).value,
    ).toBe(1);
    expect(verdict('similarity', {}, { response: ' ' }).value).toBe(0);
  });
});
