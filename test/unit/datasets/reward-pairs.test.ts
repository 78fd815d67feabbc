/** Preference rows of a reward model: their margins, and what keeps them apart when some are held out. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runConfigSchema } from '../../../src-main/contract/experiment.ts';
import { pairMargins } from '../../../src-main/datasets/pair-margins.ts';
import { readQuestionSets } from '../../../src-main/datasets/question-sets.ts';
import type { PromptRow } from '../../../src-main/datasets/row.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-pairs-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rowsOf = (...leads: unknown[]): PromptRow[] =>
  leads.map((lead, index) => ({ index, row: { lead } as PromptRow['row'], prompt: 'q', answer: '' }));

describe('margins', () => {
  it('are 0 without a column and in empty cells', () => {
    expect(pairMargins(rowsOf(1, 2), undefined, 'f').values).toEqual([0, 0]);
    expect(pairMargins(rowsOf(1, '', null, ' 0.25 ', '-2'), '{lead}', 'f').values).toEqual([
      1, 0, 0, 0.25, -2,
    ]);
  });
  it('that are no numbers are refused with their row', () => {
    expect(() => pairMargins(rowsOf(1, 'much'), '{lead}', 'file.csv')).toThrow(
      expect.objectContaining({
        code: 'data-margin',
        message: '“much” in row 2 is no number.',
        where: 'file.csv, data.margin',
      }) as Error,
    );
    expect(() => pairMargins(rowsOf('Infinity'), '{lead}', 'f')).toThrow(/is no number/);
    expect(() => pairMargins(rowsOf(1), '{lag}', 'f')).toThrow(
      expect.objectContaining({ code: 'data-column' }) as Error,
    );
  });
});

describe('held-out pairs', () => {
  const write = (name: string, rows: readonly object[]): string => {
    const path = join(folder, name);
    writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
    return path;
  };
  const pair = (prompt: string, place: number) => ({
    prompt,
    chosen: `good ${place}`,
    rejected: `bad ${place}`,
  });
  const sets = (data: object, estimator = 'reward-model') =>
    readQuestionSets(
      runConfigSchema.parse({
        version: 1,
        name: 'n',
        model: { path: 'm' },
        data,
        method: { estimator },
        seed: 1,
      }),
    );

  it('are told apart by their answers where all rows ask the same question', async () => {
    const path = write(
      'one.jsonl',
      Array.from({ length: 20 }, (_, place) => pair('review: ', place)),
    );
    const split = await sets({ path, holdOut: 0.25 });
    expect([split.train.length, split.evaluation.length]).toEqual([15, 5]);
    // Two pairs that stand in both files are trained on in neither way.
    const held = write('held.jsonl', [pair('review: ', 3), pair('review: ', 4), pair('review: ', 99)]);
    const apart = await sets({ path, evaluation: held });
    expect([apart.train.length, apart.evaluation.length, apart.removed]).toEqual([18, 3, 2]);
    // Other methods learn the answers to the question itself.
    await expect(sets({ path, evaluation: held }, 'dpo')).rejects.toMatchObject({ code: 'data-empty' });
  });
  it('share no question with training where there are several', async () => {
    const path = write(
      'many.jsonl',
      Array.from({ length: 20 }, (_, place) => pair(`q${place % 5}`, place)),
    );
    const { train, evaluation } = await sets({ path, holdOut: 0.2 });
    const questions = new Set(train.map(({ prompt }) => prompt));
    expect(evaluation.length).toBe(4);
    expect(evaluation.every(({ prompt }) => !questions.has(prompt))).toBe(true);
  });
});
