/** The held-out score where there is no reward: how often the better of two answers has the higher score. */
import { preferenceAccuracy, preferenceMetrics } from '../estimators/preference-metrics.ts';
import { answerScore } from '../estimators/preference-loss.ts';
import type { JudgedAnswer } from '../estimators/preference-loss.ts';
import type { EvaluationResult } from './evaluate.ts';
import type { LearnerSequence } from './learner.ts';
import { unitOf } from './preference-step.ts';
import type { DatasetReference } from './reference-sums.ts';
import type { TrainingParts } from './training-parts.ts';

/** Rows scored at once; between two such batches a stop is noticed. */
const rowsAtOnce = 32;

/**
 * Accuracy over held-out pairs, ties counting one half, so that a model that equals its reference has 0.5. Answers that
 * stand alone count as right where a good one has gained on the reference or a bad one has lost.
 * @returns null when a stop was asked for meanwhile
 */
export async function evaluatePairs(
  parts: TrainingParts,
  started: number,
  dataset: DatasetReference,
): Promise<EvaluationResult | null> {
  const spec = parts.spec.preference;
  if (spec === undefined) throw new Error('internal: a method without preferences');
  const examples: JudgedAnswer[][] = [];
  for (let first = 0; first < parts.evaluation.length; first += rowsAtOnce) {
    await parts.pause();
    if (parts.stopRequested()) return null;
    const rows = parts.evaluation.slice(first, first + rowsAtOnce).map((row) => {
      const { chosen, rejected } = unitOf(row);
      return [
        ...(chosen ? [{ sequence: chosen, desirable: true }] : []),
        ...(rejected ? [{ sequence: rejected, desirable: false }] : []),
      ];
    });
    const sequences = rows.flatMap((row) => row.map(({ sequence }): LearnerSequence => sequence));
    const policy = await parts.learner.score(sequences, 1);
    const reference = spec.reference ? await dataset.ofHeldOut(sequences) : null;
    let next = 0;
    for (const row of rows) {
      examples.push(
        row.map(({ desirable }): JudgedAnswer => {
          const place = next++;
          return { logprobs: policy[place]!.logprobs, referenceSum: reference?.[place] ?? null, desirable };
        }),
      );
    }
  }
  const pairs = preferenceAccuracy(examples, spec);
  const single = examples.flatMap((row) => (row.length === 1 ? row : []));
  const right = single.map((answer) => {
    const gain = answerScore(answer, spec);
    return gain === 0 ? 0.5 : gain > 0 === answer.desirable ? 1 : 0;
  });
  const pairCount = examples.length - single.length;
  const sum = (pairs ?? 0) * pairCount + right.reduce((total: number, value) => total + value, 0);
  const score = sum / examples.length;
  const { 'rewards/margins': margin } = preferenceMetrics(examples, spec);
  return {
    score,
    components: { accuracy: score, ...(margin === undefined ? {} : { margin }) },
    count: examples.length,
    seconds: (parts.now() - started) / 1000,
    samples: [],
  };
}
