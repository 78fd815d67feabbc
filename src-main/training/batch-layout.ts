/**
 * Sequences arranged in rows of equal width for one run of the learner. Short sequences share a row (packing); each
 * sees only itself. The arrangement changes nothing but rounding.
 */
import { batchInputs } from '../networks/training-layers.ts';
import { lossInputs } from './loss-graph.ts';
import type { LearnerSequence } from './learner.ts';
import type { Data } from '../runtime/session.ts';

/** Where a sequence lies: row, and first column in it. */
export interface Place {
  readonly row: number;
  readonly column: number;
  /**
   * Where the beginning of the prompt lies that this sequence shares with others of its row; then only the last token of
   * the prompt and the answer lie at `column`.
   */
  readonly trunk?: { readonly column: number; readonly length: number };
}

export interface BatchLayout {
  readonly rows: number;
  readonly width: number;
  /** One for each sequence. */
  readonly places: readonly Place[];
}

/** Widths are rounded up to a multiple of this, so that few different sizes occur. */
const widthStep = 8;
/** Added to the score of a pair that must not see each other: its weight becomes exactly 0. */
const hidden = -1e9;

export function sequenceLength(sequence: LearnerSequence): number {
  return sequence.promptIds.length + sequence.answerIds.length;
}

/** Width of rows that hold a sequence of this length. */
export function rowWidth(length: number): number {
  return Math.ceil(Math.max(1, length) / widthStep) * widthStep;
}

/** Rows being filled, first-fit; sequences must come in falling length. */
class RowPacker {
  readonly width: number;
  readonly filled: number[] = [];

  constructor(longest: number) {
    this.width = rowWidth(longest);
  }

  /** The place of a sequence, in a new row where no open one has room. */
  place(length: number): Place {
    let row = this.filled.findIndex((used) => used + length <= this.width);
    if (row < 0) row = this.filled.push(0) - 1;
    const column = this.filled[row] ?? 0;
    this.filled[row] = column + length;
    return { row, column };
  }

  /** Rows there would be with one more sequence of this length. */
  rowsWith(length: number): number {
    return this.filled.some((used) => used + length <= this.width)
      ? this.filled.length
      : this.filled.length + 1;
  }
}

function byFallingLength(lengths: readonly number[]): number[] {
  return lengths.map((_, index) => index).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
}

/** Rows as wide as this many of the longest sequences are tried: wider rows leave less room unused. */
const widestPacking = 4;

/**
 * Packs sequences into few rows (first fit on falling length). Of several widths, from that of the longest sequence up,
 * it takes the one that costs least: tokens, padding included, times 1 + width / `attentionWidth`.
 * @param attentionWidth width of a row at which attention costs as much as everything else
 */
export function packSequences(lengths: readonly number[], attentionWidth = Infinity): BatchLayout {
  const longest = Math.max(1, ...lengths);
  const order = byFallingLength(lengths);
  let best: { layout: BatchLayout; cost: number } | undefined;
  for (let fold = 1; fold <= widestPacking; fold++) {
    const packer = new RowPacker(fold * longest);
    const places = new Array<Place>(lengths.length);
    for (const index of order) places[index] = packer.place(lengths[index] ?? 0);
    const { width, filled } = packer;
    const cost = filled.length * width * (1 + width / attentionWidth);
    if (!best || cost < best.cost) best = { layout: { rows: filled.length, width, places }, cost };
    if (filled.length === 1) break;
  }
  if (!best) throw new Error('internal: no layout');
  return best.layout;
}

/** Splits sequences into groups whose rows hold at most `tokens` tokens (a longer sequence is alone); indices, in order. */
export function splitMicroBatches(lengths: readonly number[], tokens: number): number[][] {
  const batches: number[][] = [];
  let open: number[] = [];
  let packer: RowPacker | undefined;
  for (const index of byFallingLength(lengths)) {
    const length = lengths[index] ?? 0;
    if (!packer || packer.rowsWith(length) * packer.width > tokens) {
      if (open.length > 0) batches.push(open);
      open = [];
      packer = new RowPacker(length);
    }
    packer.place(length);
    open.push(index);
  }
  if (open.length > 0) batches.push(open);
  return batches.map((batch) => batch.sort((a, b) => a - b));
}

/** Sizes and data of everything that describes the tokens of a batch and which of them are scored. */
export interface BatchData {
  readonly feeds: Readonly<Record<string, { readonly data: Data; readonly shape: readonly number[] }>>;
  /** B·T, and the number of scored tokens: all answer tokens, sequence by sequence. */
  readonly tokens: number;
  readonly scored: number;
  /** Row of the last token of each sequence. */
  readonly lastRows: Int32Array;
}

/** Fills the inputs of a batch. `windows` are the attention windows that occur in the model (null for all). */
export function fillBatch(
  sequences: readonly LearnerSequence[],
  layout: BatchLayout,
  windows: readonly (number | null)[],
): BatchData {
  const { rows, width, places } = layout;
  const tokens = rows * width;
  const ids = new Int32Array(tokens);
  const positionRows = new Int32Array(tokens);
  const sight = new Sight(tokens);
  const scored = sequences.reduce((sum, { answerIds }) => sum + answerIds.length, 0);
  const scoredRows = new Int32Array(scored);
  const targets = new Int32Array(scored);
  const inverse = new Int32Array(tokens).fill(scored);
  const lastRows = new Int32Array(sequences.length);
  let next = 0;
  sequences.forEach(({ promptIds, answerIds }, index) => {
    const place = places[index];
    if (!place || promptIds.length === 0) throw new Error('internal: a sequence without place or prompt');
    const write = (
      column: number,
      part: Int32Array,
      position: number,
      trunk: Place['trunk'],
      first: number,
    ): void => {
      const start = place.row * width + column;
      ids.set(part, start);
      for (let offset = 0; offset < part.length; offset++) {
        positionRows[start + offset] = position + offset;
        sight.set(start + offset, first, trunk ?? null);
      }
    };
    const shared = place.trunk?.length ?? 0;
    if (place.trunk)
      write(place.trunk.column, promptIds.subarray(0, shared), 0, undefined, place.trunk.column);
    const own = promptIds.length - shared;
    write(place.column, promptIds.subarray(shared), shared, place.trunk, place.column);
    write(place.column + own, answerIds, promptIds.length, place.trunk, place.column);
    lastRows[index] = place.row * width + place.column + own + answerIds.length - 1;
    for (let token = 0; token < answerIds.length; token++) {
      const row = place.row * width + place.column + own + token - 1;
      scoredRows[next] = row;
      inverse[row] = next;
      targets[next] = answerIds[token] ?? 0;
      next++;
    }
  });
  const positions = BigInt64Array.from(positionRows, BigInt);
  return {
    tokens,
    scored,
    lastRows,
    feeds: {
      [batchInputs.ids]: { data: ids, shape: [tokens] },
      [batchInputs.positions]: { data: positions, shape: [rows, width] },
      [batchInputs.positionRows]: { data: positionRows, shape: [tokens] },
      ...Object.fromEntries(
        windows.map((window) => [
          batchInputs.mask(window),
          { data: sight.mask(positionRows, rows, width, window), shape: [rows, 1, 1, width, width] },
        ]),
      ),
      [lossInputs.rows]: { data: scoredRows, shape: [scored] },
      [lossInputs.inverse]: { data: inverse, shape: [tokens] },
      [lossInputs.targets]: { data: targets, shape: [scored] },
    },
  };
}

/** Which columns of its row each token sees: its own sequence up to itself, and the trunk that this goes on from. */
class Sight {
  /** First column of the own sequence; -1 for padding, which sees itself so that its softmax has something to see. */
  readonly #first: Int32Array;
  readonly #trunkStart: Int32Array;
  readonly #trunkEnd: Int32Array;

  constructor(tokens: number) {
    this.#first = new Int32Array(tokens).fill(-1);
    this.#trunkStart = new Int32Array(tokens);
    this.#trunkEnd = new Int32Array(tokens);
  }

  set(token: number, first: number, trunk: { column: number; length: number } | null): void {
    this.#first[token] = first;
    this.#trunkStart[token] = trunk?.column ?? 0;
    this.#trunkEnd[token] = trunk ? trunk.column + trunk.length : 0;
  }

  /** [rows, width, width]: 0 where a token sees another, a large negative number elsewhere. A window counts positions. */
  mask(positions: Int32Array, rows: number, width: number, window: number | null): Float32Array {
    const mask = new Float32Array(rows * width * width).fill(hidden);
    for (let row = 0; row < rows; row++) {
      for (let to = 0; to < width; to++) {
        const token = row * width + to;
        const line = token * width;
        const own = this.#first[token] ?? -1;
        const oldest = window === null ? 0 : (positions[token] ?? 0) - window + 1;
        const show = (start: number, end: number): void => {
          for (let from = start; from < end; from++) {
            if ((positions[row * width + from] ?? 0) >= oldest) mask[line + from] = 0;
          }
        };
        show(own < 0 ? to : own, to + 1);
        show(this.#trunkStart[token] ?? 0, this.#trunkEnd[token] ?? 0);
      }
    }
    return mask;
  }
}
