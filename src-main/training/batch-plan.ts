/**
 * How the sequences of a step are divided into micro-batches and arranged in each. Answers to the same prompt may share
 * one copy of it, as a trunk with branches: every token of the trunk is computed once, and gradients of all branches flow
 * into it. Whether that pays is a matter of counting, which is done here.
 */
import type { BatchLayout, Place } from './batch-layout.ts';
import { packSequences, rowWidth, sequenceLength, splitMicroBatches } from './batch-layout.ts';
import type { LearnerSequence } from './learner.ts';

export interface PlannedBatch {
  /** Indices of the sequences, in order; the layout has their places. */
  readonly members: readonly number[];
  readonly layout: BatchLayout;
}

/** Sequences that lie together: a single one, or branches of one trunk. */
interface Family {
  readonly members: readonly number[];
  /** Tokens of the trunk: the prompt less its last token, which every branch begins with. 0 for a single sequence. */
  readonly trunk: number;
  readonly length: number;
}

/** Most branches that are tried on one trunk. */
const branchings = [1, 2, 4, 8, 16, 32];

/**
 * Divides sequences into micro-batches of at most `tokens` tokens, padding included (a longer sequence is alone).
 * @param attentionWidth width of a row at which attention costs as much as everything else
 */
export function planBatches(
  sequences: readonly LearnerSequence[],
  tokens: number,
  attentionWidth: number,
): PlannedBatch[] {
  const keys = sequences.map(({ promptIds }) => promptIds.join());
  let best: { batches: PlannedBatch[]; cost: number } | undefined;
  for (const branches of branchings) {
    const families = formFamilies(sequences, keys, branches);
    if (branches > 1 && families.every(({ members }) => members.length < branches)) break;
    if (families.some(({ members, length }) => members.length > 1 && rowWidth(length) > tokens)) break;
    const batches = splitMicroBatches(
      families.map(({ length }) => length),
      tokens,
    ).map((chosen) =>
      arrange(
        sequences,
        chosen.map((index) => families[index]).filter((family) => family !== undefined),
        attentionWidth,
      ),
    );
    const cost = batches.reduce(
      (sum, { layout: { rows, width } }) => sum + rows * width * (1 + width / attentionWidth),
      0,
    );
    if (!best || cost < best.cost) best = { batches, cost };
  }
  return best?.batches ?? [];
}

function formFamilies(
  sequences: readonly LearnerSequence[],
  keys: readonly string[],
  branches: number,
): Family[] {
  const open = new Map<string, number[]>();
  const groups: number[][] = [];
  sequences.forEach((_, index) => {
    const key = keys[index] ?? '';
    let group = open.get(key);
    if (!group || group.length >= branches) {
      group = [];
      groups.push(group);
      open.set(key, group);
    }
    group.push(index);
  });
  return groups.map((members) => {
    const parts = members.map((index) => sequences[index]).filter((sequence) => sequence !== undefined);
    const [first] = parts;
    if (!first || parts.length === 1) return { members, trunk: 0, length: first ? sequenceLength(first) : 0 };
    const trunk = first.promptIds.length - 1;
    return {
      members,
      trunk,
      length: parts.reduce((sum, { answerIds }) => sum + 1 + answerIds.length, trunk),
    };
  });
}

/** Places for all sequences of some families. */
function arrange(
  sequences: readonly LearnerSequence[],
  families: readonly Family[],
  attentionWidth: number,
): PlannedBatch {
  const { rows, width, places } = packSequences(
    families.map(({ length }) => length),
    attentionWidth,
  );
  const placed = families.flatMap(({ members, trunk }, family) => {
    const start = places[family];
    if (!start) throw new Error('internal: a family without a place');
    if (members.length === 1) return members.map((index) => ({ index, place: start }));
    let column = start.column + trunk;
    return members.map((index) => {
      const place: Place = { row: start.row, column, trunk: { column: start.column, length: trunk } };
      column += 1 + (sequences[index]?.answerIds.length ?? 0);
      return { index, place };
    });
  });
  placed.sort((a, b) => a.index - b.index);
  return {
    members: placed.map(({ index }) => index),
    layout: { rows, width, places: placed.map(({ place }) => place) },
  };
}
