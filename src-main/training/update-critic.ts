/** The critic's part of an update: what it is to learn, its step where it is a network of its own, and what it tells. */
import { stepTotals, tokenWeights } from '../estimators/token-weights.ts';
import { explainedVariance, valueTerm } from '../estimators/value-loss.ts';
import type { LearnerSequence, OptimizerSettings, TokenScores, ValueTargets } from './learner.ts';
import type { TrainingParts } from './training-parts.ts';
import type { UpdateResult } from './update-policy.ts';

/** What the critic said before a batch and should have said; one array for each answer. */
export interface CriticBatch {
  readonly oldValues: readonly Float32Array[];
  readonly returns: readonly Float32Array[];
}

/**
 * Values before each token of the answers, before the first update: from the scores of a policy with a value head, or
 * from a critic of its own; null for methods without a critic.
 */
export async function criticValues(
  parts: TrainingParts,
  sequences: readonly LearnerSequence[],
  scores: readonly TokenScores[] | null,
): Promise<Float32Array[] | null> {
  if (parts.spec.critic === undefined) return null;
  if (parts.critic) return parts.critic.values(sequences);
  return (
    scores?.map(({ values }) => {
      if (values === undefined) throw new Error('internal: scores of a value head without values');
      return values;
    }) ?? null
  );
}

/** What the critic is to learn of these answers, in their order; denominators are those of the optimizer step. */
export function valueTargetsOf(
  parts: TrainingParts,
  batch: { readonly sequences: readonly LearnerSequence[]; readonly included: readonly boolean[] },
  values: CriticBatch | null,
  members: readonly number[],
): ValueTargets[] | null {
  const { critic, surrogate } = parts.spec;
  if (values === null || critic === undefined) return null;
  const answers = members.map((answer) => ({
    length: batch.sequences[answer]!.answerIds.length,
    included: batch.included[answer]!,
  }));
  // The correction between sampler and learner is for the policy: what the answer was worth does not depend on it.
  const weights = tokenWeights(answers, stepTotals(answers), { ...surrogate, samplerCap: null });
  return members.map((answer, place) => ({
    returns: values.returns[answer]!,
    oldValues: values.oldValues[answer]!,
    weights: weights[place]!,
    clip: critic.clip,
    coefficient: critic.coefficient,
  }));
}

/** One optimizer step of a critic of its own on these answers. */
export async function stepCritic(
  parts: TrainingParts,
  sequences: readonly LearnerSequence[],
  targets: readonly ValueTargets[],
  settings: OptimizerSettings,
): Promise<{ loss: number; values: readonly Float32Array[]; applied: boolean } | null> {
  const { critic } = parts;
  const spec = parts.spec.critic;
  if (!critic || spec === undefined) return null;
  const { loss, values } = await critic.accumulate(
    sequences.map((sequence, place) => ({
      promptIds: sequence.promptIds,
      answerIds: sequence.answerIds,
      valueTargets: targets[place]!,
    })),
  );
  const { applied } = critic.step({
    ...settings,
    learningRate: settings.learningRate * spec.learningRateFactor,
  });
  return { loss: loss / spec.coefficient, values, applied };
}

/** Metrics of the critic of one step. */
export function criticMetrics(
  parts: TrainingParts,
  batch: CriticBatch | null,
  included: readonly boolean[],
  update: Pick<UpdateResult, 'valueLoss' | 'lastValues'>,
): Record<string, number> {
  const { critic } = parts.spec;
  if (batch === null || critic === undefined) return {};
  const answers = batch.returns.flatMap((returns, answer) =>
    included[answer]
      ? [{ returns, values: batch.oldValues[answer]!, present: update.lastValues[answer] }]
      : [],
  );
  let tokens = 0;
  let ofReturns = 0;
  let ofValues = 0;
  let seen = 0;
  let clipped = 0;
  for (const { returns, values, present } of answers) {
    for (let token = 0; token < returns.length; token++) {
      tokens++;
      ofReturns += returns[token]!;
      ofValues += values[token]!;
      if (!present) continue;
      seen++;
      if (valueTerm(present[token]!, values[token]!, returns[token]!, critic.clip).clipped) clipped++;
    }
  }
  return {
    valueLoss: update.valueLoss,
    explainedVariance: explainedVariance(answers),
    valueClipFrac: clipped / seen,
    returnsMean: ofReturns / tokens,
    valuesMean: ofValues / tokens,
  };
}
