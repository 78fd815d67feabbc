import { describe, expect, it } from 'vitest';
import { EspalierError } from '../../../src-main/contract/errors.ts';
import { pairTexts, type PairRequest } from '../../../src-main/datasets/preference-pairs.ts';
import type { Row } from '../../../src-main/datasets/row.ts';

const base: PairRequest = {
  chosen: undefined,
  rejected: undefined,
  label: undefined,
  single: false,
  path: 'pairs.jsonl',
};
const rowsOf = (rows: Row[]) =>
  rows.map((row, index) => ({
    index,
    prompt: 'p',
    answer: typeof row['answer'] === 'string' ? row['answer'] : '',
    row,
  }));

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof EspalierError) return error.code;
    throw error;
  }
  return expect.fail('nothing was refused');
}

describe('pairs of a data file', () => {
  it('fills the two templates and leaves out rows that lack one, or whose answers are equal', () => {
    const rows = rowsOf([
      { chosen: 'a', rejected: 'b' },
      { chosen: 'a', rejected: ' ' },
      { chosen: 'a', rejected: 'a' },
    ]);
    expect(pairTexts(rows, base).texts).toEqual([
      { chosen: 'a', rejected: 'b' },
      { chosen: null, rejected: null },
      { chosen: null, rejected: null },
    ]);
    expect(
      pairTexts(rowsOf([{ x: '1', y: '2' }]), { ...base, chosen: 'It is {x}', rejected: '{y}' }).texts,
    ).toEqual([{ chosen: 'It is 1', rejected: '2' }]);
  });

  it('keeps single answers where one is enough', () => {
    const rows = rowsOf([{ chosen: 'a' }, { rejected: 'b' }, {}]);
    expect(pairTexts(rows, { ...base, single: true }).texts).toEqual([
      { chosen: 'a', rejected: null },
      { chosen: null, rejected: 'b' },
      { chosen: null, rejected: null },
    ]);
  });

  it('reads verdicts in many words', () => {
    const rows = rowsOf([
      { answer: 'x', verdict: true },
      { answer: 'y', verdict: 'Bad' },
      { answer: 'z', verdict: 1 },
      { answer: '', verdict: 0 },
    ]);
    expect(pairTexts(rows, { ...base, single: true, label: '{verdict}' }).texts).toEqual([
      { chosen: 'x', rejected: null },
      { chosen: null, rejected: 'y' },
      { chosen: 'z', rejected: null },
      { chosen: null, rejected: null },
    ]);
  });

  it('refuses a missing column, a file without pairs and an unknown verdict', () => {
    expect(codeOf(() => pairTexts(rowsOf([{ good: 'a', rejected: 'b' }]), base))).toBe('data-column');
    expect(codeOf(() => pairTexts(rowsOf([{ chosen: '', rejected: 'b' }]), base))).toBe('data-pairs-empty');
    expect(codeOf(() => pairTexts(rowsOf([{ x: 1 }]), { ...base, single: true }))).toBe('data-pairs-empty');
    const judged = rowsOf([{ answer: 'a', label: 'perhaps' }]);
    expect(codeOf(() => pairTexts(judged, { ...base, single: true, label: '{label}' }))).toBe('data-label');
  });
});
