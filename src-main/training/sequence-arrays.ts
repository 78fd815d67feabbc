/** Between sequences and the arrays of a run of the learner: what the loss is fed, and what comes back handed out again. */
import type { SurrogateSpec } from '../contract/estimator.ts';
import type { Data } from '../runtime/session.ts';
import type { LearnerSequence, LossSequence, TokenScores, ValueTargets } from './learner.ts';
import { lossInputs } from './loss-graph.ts';

/**
 * The inputs of the loss: [scored, 1] arrays with one number for each scored token, sequence by sequence, and for ratios of
 * whole answers the matrices between tokens and answers.
 */
export function lossFeeds(
  sequences: readonly LossSequence[],
  scored: number,
  surrogate: SurrogateSpec,
  klCoefficient = 0,
): Record<string, { data: Data; shape: readonly number[] }> {
  const feeds: Record<string, { data: Data; shape: readonly number[] }> = {
    [lossInputs.advantages]: joined(sequences, scored, ({ advantages }) => advantages),
    [lossInputs.weights]: joined(sequences, scored, ({ weights }) => weights),
    [lossInputs.oldLogprobs]: joined(sequences, scored, ({ oldLogprobs }) => oldLogprobs),
    [lossInputs.referenceLogprobs]: joined(sequences, scored, ({ referenceLogprobs }) => referenceLogprobs),
    [lossInputs.klCoefficient]: { data: Float32Array.of(klCoefficient), shape: [] },
    ...valueFeeds(sequences, scored),
  };
  if (surrogate.ratio === 'token') return feeds;
  const members = new Float32Array(scored * sequences.length);
  const weights = new Float32Array(scored * sequences.length);
  let token = 0;
  sequences.forEach(({ answerIds }, index) => {
    for (let offset = 0; offset < answerIds.length; offset++, token++) {
      members[token * sequences.length + index] = 1;
      weights[index * scored + token] = surrogate.ratio === 'seqMean' ? 1 / answerIds.length : 1;
    }
  });
  return {
    ...feeds,
    [lossInputs.answerMembers]: { data: members, shape: [scored, sequences.length] },
    [lossInputs.answerWeights]: { data: weights, shape: [sequences.length, scored] },
  };
}

/** The inputs of a critic's loss; zeros for sequences without targets. */
export function valueFeeds(
  sequences: readonly (LearnerSequence & { readonly valueTargets?: ValueTargets })[],
  scored: number,
): Record<string, { data: Data; shape: readonly number[] }> {
  return {
    [lossInputs.returns]: joined(sequences, scored, (one) => one.valueTargets?.returns ?? null),
    [lossInputs.oldValues]: joined(sequences, scored, (one) => one.valueTargets?.oldValues ?? null),
    [lossInputs.valueWeights]: joined(sequences, scored, (one) => one.valueTargets?.weights ?? null),
  };
}

/** One column of numbers for all scored tokens, sequence by sequence; zeros where a sequence has none. */
function joined<S extends LearnerSequence>(
  sequences: readonly S[],
  scored: number,
  pick: (sequence: S) => Float32Array | null,
): { data: Data; shape: readonly number[] } {
  const data = new Float32Array(scored);
  let start = 0;
  for (const sequence of sequences) {
    const part = pick(sequence);
    if (part) data.set(part, start);
    start += sequence.answerIds.length;
  }
  return { data, shape: [scored, 1] };
}

/** Adds rows [n, width] to a table [v, width] at ids [n]; a row that occurs twice is added twice. */
export function addRows(table: Float32Array, ids: Int32Array, rows: Float32Array, width: number): void {
  for (let row = 0; row < ids.length; row++) {
    const start = (ids[row] ?? 0) * width;
    const from = row * width;
    for (let column = 0; column < width; column++)
      table[start + column] = (table[start + column] ?? 0) + (rows[from + column] ?? 0);
  }
}

/** Hands the numbers of a micro-batch out to its sequences. */
export function splitScores(
  members: readonly number[],
  sequences: readonly LearnerSequence[],
  { logprobs, entropies, values }: TokenScores | (Omit<TokenScores, 'values'> & { values: null }),
  results: TokenScores[],
): void {
  let start = 0;
  for (const index of members) {
    const end = start + (sequences[index]?.answerIds.length ?? 0);
    results[index] = {
      logprobs: logprobs.slice(start, end),
      entropies: entropies.slice(start, end),
      ...(values ? { values: values.slice(start, end) } : {}),
    };
    start = end;
  }
}

/** The same for one column of numbers. */
export function splitColumn(
  members: readonly number[],
  sequences: readonly LearnerSequence[],
  column: Float32Array,
  results: Float32Array[],
): void {
  let start = 0;
  for (const index of members) {
    const end = start + (sequences[index]?.answerIds.length ?? 0);
    results[index] = column.slice(start, end);
    start = end;
  }
}
