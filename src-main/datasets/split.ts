/** Holding questions out for evaluation, without the same question on both sides. */
import { userError } from '../contract/errors.ts';
import { permutation } from '../contract/random.ts';
import type { PromptRow } from './row.ts';

const HOLD_OUT = 0x686f6c64;
const SAMPLE = 0x73616d70;

/** Questions that differ only in white space, or in how an accent is encoded, are the same question. */
export function questionKey(prompt: string): string {
  return prompt.normalize('NFC').replace(/\s+/g, ' ').trim();
}

/** What makes two rows the same, so that they may not be on both sides. */
export type RowKey = (row: PromptRow) => string;

/** Rows with the same question are the same. */
export const sameQuestion: RowKey = ({ prompt }) => questionKey(prompt);

/**
 * What keeps the rows of a preference set apart: their questions, or where all rows ask the same one, everything in them.
 */
export function pairKey(rows: readonly PromptRow[]): RowKey {
  const [first] = rows;
  if (first === undefined || rows.some((row) => sameQuestion(row) !== sameQuestion(first)))
    return sameQuestion;
  return ({ row }) => JSON.stringify(row);
}

export interface Split {
  readonly train: PromptRow[];
  readonly evaluation: PromptRow[];
}

/**
 * Holds out a share of the questions, drawn by the seed; both parts keep the order of the file.
 * @param share of the rows, 0 to 1; at least one question stays on each side unless it is 0
 * @throws EspalierError `data-split` when there are fewer than two different questions to divide
 */
export function holdOut(
  rows: readonly PromptRow[],
  share: number,
  seed: number,
  keyOf: RowKey = sameQuestion,
): Split {
  if (share === 0) return { train: [...rows], evaluation: [] };
  const groups = new Map<string, number>();
  for (const row of rows) {
    const key = keyOf(row);
    groups.set(key, (groups.get(key) ?? 0) + 1);
  }
  if (groups.size < 2) {
    throw userError(
      'data-split',
      `The data has ${groups.size === 0 ? 'no question' : 'only one different question'}, so none can be held out.`,
      {
        where: 'data.holdOut',
        advice: 'Add questions, or name a file of held-out questions.',
      },
    );
  }
  const keys = [...groups.keys()];
  const wanted = Math.max(1, Math.round(rows.length * share));
  const held = new Set<string>();
  let count = 0;
  for (const place of permutation(keys.length, [seed, HOLD_OUT])) {
    const key = keys[place] ?? '';
    const size = groups.get(key) ?? 0;
    // A question that is repeated very often must not take the whole training side with it.
    if (count + size > wanted + Math.max(1, rows.length * 0.05)) continue;
    held.add(key);
    count += size;
    if (count >= wanted || held.size === keys.length - 1) break;
  }
  if (held.size === 0) {
    const [rarest] = [...groups].sort(([, a], [, b]) => a - b);
    if (rarest !== undefined) held.add(rarest[0]);
  }
  const isHeld = (row: PromptRow): boolean => held.has(keyOf(row));
  return { train: rows.filter((row) => !isHeld(row)), evaluation: rows.filter(isHeld) };
}

/** Training rows whose question is not among the held-out ones, and how many were left out for that reason. */
export function withoutHeldOut(
  train: readonly PromptRow[],
  evaluation: readonly PromptRow[],
  keyOf: RowKey = sameQuestion,
): { rows: PromptRow[]; removed: number } {
  const held = new Set(evaluation.map(keyOf));
  const rows = train.filter((row) => !held.has(keyOf(row)));
  return { rows, removed: train.length - rows.length };
}

/** At most `limit` rows drawn by the seed, in the order of the file: the same ones every time. */
export function drawRows(rows: readonly PromptRow[], limit: number, seed: number): PromptRow[] {
  if (rows.length <= limit) return [...rows];
  const chosen = permutation(rows.length, [seed, SAMPLE]).slice(0, limit).sort();
  return [...chosen].flatMap((place) => rows[place] ?? []);
}
