/**
 * Log-probabilities of whole answers under the starting weights, for losses that compare with them. Those of a data set
 * never change, so they are computed once for each answer and kept as one number.
 */
import type { PromptOrder } from '../datasets/prompt-order.ts';
import type { Learner, LearnerSequence } from './learner.ts';
import type { PreparedPrompt } from './training-parts.ts';

/** The sum over its tokens of the log-probability of each answer under the starting weights. */
export type ReferenceSums = (sequences: readonly LearnerSequence[]) => Promise<number[]>;

type Scores = Pick<Learner, 'score'>;

async function score(
  learner: Scores,
  sequences: readonly LearnerSequence[],
  temperature: number,
): Promise<number[]> {
  const scores = await learner.score(sequences, temperature, 'reference');
  return scores.map(({ logprobs }) => logprobs.reduce((sum, value) => sum + value, 0));
}

/** Sums of fresh answers: each is scored once, however many passes are made over it. */
export function sumsOfFresh(learner: Scores, temperature: number): ReferenceSums {
  const known = new Map<LearnerSequence, number>();
  return async (sequences) => {
    const missing = sequences.filter((one) => !known.has(one));
    const sums = missing.length === 0 ? [] : await score(learner, missing, temperature);
    missing.forEach((one, place) => known.set(one, sums[place]!));
    return sequences.map((one) => known.get(one)!);
  };
}

/** The answers of a row that are learnt or judged, with their question. */
export function answersOfRow({ promptIds, pair }: PreparedPrompt): LearnerSequence[] {
  return [pair?.chosen, pair?.rejected].flatMap((answerIds) => (answerIds ? [{ promptIds, answerIds }] : []));
}

/**
 * Sums of the answers of a data set at temperature 1. Training rows are scored together with those that are first learnt
 * in the same step, held-out rows in their order: what is computed together decides the last bit of a number, and a run
 * that is continued must find the same as one that was never stopped.
 */
export class DatasetReference {
  readonly #learner: Scores;
  readonly #rows: readonly PreparedPrompt[];
  readonly #order: PromptOrder;
  readonly #promptsPerStep: number;
  /** By the tokens of an answer, which belong to one row. */
  readonly #sums = new Map<Int32Array, number>();
  /** Step, from 0, at which a row is learnt first; made when it is first asked for. */
  #firstStep: Map<PreparedPrompt, number> | null = null;

  constructor(learner: Scores, rows: readonly PreparedPrompt[], order: PromptOrder, promptsPerStep: number) {
    this.#learner = learner;
    this.#rows = rows;
    this.#order = order;
    this.#promptsPerStep = promptsPerStep;
  }

  /** Sums of the answers of these training rows. */
  async ofTraining(rows: readonly PreparedPrompt[]): Promise<ReferenceSums> {
    const missing = rows.filter((row) =>
      answersOfRow(row).some(({ answerIds }) => !this.#sums.has(answerIds)),
    );
    const steps = new Set(missing.map((row) => this.#firstStepOf(row)));
    for (const step of [...steps].sort((a, b) => a - b)) await this.#scoreTogether(this.#firstLearntIn(step));
    return async (sequences) => this.#known(sequences);
  }

  /** Sums of held-out answers; always asked for in the same lists. */
  async ofHeldOut(sequences: readonly LearnerSequence[]): Promise<number[]> {
    if (sequences.some(({ answerIds }) => !this.#sums.has(answerIds))) await this.#score(sequences);
    return this.#known(sequences);
  }

  async #scoreTogether(rows: readonly PreparedPrompt[]): Promise<void> {
    await this.#score(rows.flatMap(answersOfRow));
  }

  async #score(sequences: readonly LearnerSequence[]): Promise<void> {
    const sums = await score(this.#learner, sequences, 1);
    sequences.forEach(({ answerIds }, place) => this.#sums.set(answerIds, sums[place]!));
  }

  #known(sequences: readonly LearnerSequence[]): number[] {
    return sequences.map(({ answerIds }) => {
      const sum = this.#sums.get(answerIds);
      if (sum === undefined) throw new Error('internal: an answer that was not scored under the reference');
      return sum;
    });
  }

  /** The rows of the first pass over the data that fall into a step, from 0. */
  #firstLearntIn(step: number): PreparedPrompt[] {
    const first = step * this.#promptsPerStep;
    const count = Math.min(this.#promptsPerStep, this.#rows.length - first);
    return Array.from({ length: count }, (_, slot) => this.#rows[this.#order.promptAt(step + 1, slot)]!);
  }

  #firstStepOf(row: PreparedPrompt): number {
    if (this.#firstStep === null) {
      this.#firstStep = new Map();
      for (let step = 0; step * this.#promptsPerStep < this.#rows.length; step++)
        for (const one of this.#firstLearntIn(step)) this.#firstStep.set(one, step);
    }
    const found = this.#firstStep.get(row);
    if (found === undefined) throw new Error('internal: a row that is not learnt');
    return found;
  }
}
