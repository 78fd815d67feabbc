/**
 * Learning from one batch of answers: epochs × minibatches, each one optimizer step whose loss is a sum over
 * tokens with denominators fixed before it is split into micro-batches.
 */
import { permutation } from '../contract/random.ts';
import { stepTotals, tokenWeights } from '../estimators/token-weights.ts';
import { stepCritic, valueTargetsOf } from './update-critic.ts';
import type { CriticBatch } from './update-critic.ts';
import type { LearnerSequence, LossSequence, OptimizerSettings, TokenScores } from './learner.ts';
import { streams } from './training-parts.ts';
import type { TrainingParts } from './training-parts.ts';

/** A batch of answers with what the loss needs. All lists have one entry for each answer. */
export interface UpdateBatch {
  readonly sequences: readonly LearnerSequence[];
  /** Question of each answer, from 0: minibatches never part the answers of one question. */
  readonly groups: readonly number[];
  /** Answers that leave gradient and divisors because they could not be graded. */
  readonly included: readonly boolean[];
  readonly advantages: readonly Float32Array[];
  /** Log-probabilities under the sampler; null for answers that were not sampled. */
  readonly samplerLogprobs: readonly Float32Array[] | null;
  /** Log-probabilities under the learner before the first update; null: those of the only pass are taken. */
  readonly oldLogprobs: readonly Float32Array[] | null;
  readonly referenceLogprobs: readonly Float32Array[] | null;
  /** What a critic is to learn; absent for methods without one. */
  readonly critic?: CriticBatch | null;
}

export interface UpdateResult {
  /** Optimizer steps that changed the weights, and those that were left out because loss or gradient was not finite. */
  readonly applied: number;
  readonly failed: number;
  /** Means over the optimizer steps. */
  readonly loss: number;
  readonly gradientNorm: number;
  /** Entropy aggregated as the loss, mean over the optimizer steps; null without an entropy bonus. */
  readonly entropyLoss: number | null;
  /** Loss of the critic, mean over the optimizer steps; 0 without one. */
  readonly valueLoss: number;
  /** What the critic said in the last pass, before its update; null where it was not asked. */
  readonly lastValues: readonly (Float32Array | null)[];
  /** Scores of each answer in the first pass; null where it was not computed because it adds nothing to the gradient. */
  readonly firstScores: readonly (TokenScores | null)[];
  /** Scores in the last pass, which saw the other updates of the step; the same as the first for one update. */
  readonly lastScores: readonly (TokenScores | null)[];
  /** Answers computed in the first pass, and those skipped. */
  readonly computed: number;
  readonly skipped: number;
}

/**
 * Runs the optimizer steps of one batch.
 * @param step number of the step, from 0 (orders the minibatches of later epochs)
 */
export async function updatePolicy(
  parts: TrainingParts,
  batch: UpdateBatch,
  step: number,
  settings: OptimizerSettings,
  temperature: number,
): Promise<UpdateResult> {
  const { spec, config, learner } = parts;
  const firstScores: (TokenScores | null)[] = batch.sequences.map(() => null);
  const lastScores: (TokenScores | null)[] = batch.sequences.map(() => null);
  // In the only pass over a batch the ratio to the old policy is 1 by definition.
  const fresh = spec.surrogate.epochs === 1 && config.method.minibatches === 1;
  let applied = 0;
  let failed = 0;
  let lossSum = 0;
  let normSum = 0;
  let valueSum = 0;
  let entropySum = 0;
  const { entropyBonus = 0 } = spec.surrogate;
  const lastValues: (Float32Array | null)[] = batch.sequences.map(() => null);
  let computed = 0;
  epochs: for (let epoch = 0; epoch < spec.surrogate.epochs; epoch++) {
    for (const members of minibatches(batch.groups, config.method.minibatches, [
      config.seed,
      streams.minibatch,
      step,
      epoch,
    ])) {
      await parts.pause();
      const answers = members.map((answer) => ({
        length: batch.sequences[answer]!.answerIds.length,
        included: batch.included[answer]!,
        oldLogprobs: batch.oldLogprobs?.[answer] ?? null,
        samplerLogprobs: batch.samplerLogprobs?.[answer] ?? null,
      }));
      const weights = tokenWeights(answers, stepTotals(answers), spec.surrogate);
      const targets = valueTargetsOf(parts, batch, batch.critic ?? null, members);
      const inPolicy = targets !== null && !parts.critic;
      const kept: number[] = [];
      for (const [place, answer] of members.entries()) {
        if (addsNothing(parts, batch, answer, weights[place]!, inPolicy)) continue;
        kept.push(place);
      }
      const sequences = kept.map((place): LossSequence => {
        const answer = members[place]!;
        return {
          ...batch.sequences[answer]!,
          advantages: batch.advantages[answer]!,
          oldLogprobs: fresh ? null : (batch.oldLogprobs?.[answer] ?? null),
          referenceLogprobs: batch.referenceLogprobs?.[answer] ?? null,
          weights: weights[place]!,
          ...(inPolicy ? { valueTargets: targets[place]! } : {}),
        };
      });
      // Without any signal the optimizer still steps on a gradient of zero, as if nothing had been skipped.
      const result =
        sequences.length === 0
          ? { loss: 0, valueLoss: 0, scores: [] }
          : await learner.accumulate(sequences, spec.surrogate, spec.kl, temperature);
      let entropyOfStep = 0;
      for (const [order, place] of kept.entries()) {
        const answer = members[place]!;
        const scores = result.scores[order] ?? null;
        if (epoch === 0) firstScores[answer] = scores;
        lastScores[answer] = scores;
        if (inPolicy) lastValues[answer] = scores?.values ?? null;
        if (entropyBonus > 0 && scores) entropyOfStep += weightedEntropy(scores, weights[place]!);
      }
      if (epoch === 0) computed += kept.length;
      const update = learner.step(settings);
      const ofCritic =
        targets === null
          ? null
          : await stepCritic(
              parts,
              members.map((answer) => batch.sequences[answer]!),
              targets,
              settings,
            );
      if (ofCritic) {
        for (const [place, answer] of members.entries()) lastValues[answer] = ofCritic.values[place] ?? null;
      }
      if (!update.applied || ofCritic?.applied === false) {
        failed++;
        // Later passes would meet the same weights and answers.
        break epochs;
      }
      applied++;
      lossSum += result.loss;
      valueSum += ofCritic?.loss ?? result.valueLoss ?? 0;
      normSum += update.gradientNorm;
      entropySum += entropyOfStep;
    }
  }
  return {
    applied,
    failed,
    loss: lossSum / applied,
    gradientNorm: normSum / applied,
    entropyLoss: entropyBonus > 0 ? entropySum / applied : null,
    valueLoss: valueSum / applied,
    lastValues,
    firstScores,
    lastScores,
    computed,
    skipped: batch.sequences.length - computed,
  };
}

/**
 * Whether an answer adds nothing to loss and gradient: left out, or no advantage, no KL term and no entropy bonus.
 * Skipping it saves its computation and changes no number, for it stays in the divisors.
 */
function addsNothing(
  parts: TrainingParts,
  batch: UpdateBatch,
  answer: number,
  weights: Float32Array,
  learnsValues: boolean,
): boolean {
  if (!batch.included[answer] || weights.every((weight) => weight === 0)) return true;
  if (learnsValues) return false;
  if (parts.spec.surrogate.kind === 'nll' || parts.spec.surrogate.entropyBonus) return false;
  if (parts.spec.kl.where === 'loss' && parts.spec.kl.coefficient > 0) return false;
  return batch.advantages[answer]!.every((advantage) => advantage === 0);
}

function weightedEntropy({ entropies }: TokenScores, weights: Float32Array): number {
  return entropies.reduce((sum, entropy, token) => sum + weights[token]! * entropy, 0);
}

/**
 * Cuts a batch into minibatches as equal as possible: by questions, or by answers where there are fewer
 * questions than minibatches. In the first epoch in their order, in later ones in a random order.
 * @param stream ends with the number of the epoch, from 0
 * @returns answers of each minibatch, in rising order
 */
export function minibatches(groups: readonly number[], count: number, stream: readonly number[]): number[][] {
  const groupCount = groups.reduce((most, group) => Math.max(most, group + 1), 0);
  const byQuestion = count <= groupCount;
  const units = byQuestion ? groupCount : groups.length;
  const parts = Math.min(count, units);
  const order = (stream.at(-1) ?? 0) > 0 && parts > 1 ? permutation(units, stream) : null;
  const partOf = new Int32Array(units);
  for (let place = 0; place < units; place++)
    partOf[order?.[place] ?? place] = Math.floor((place * parts) / units);
  const result: number[][] = Array.from({ length: parts }, () => []);
  for (const [answer, group] of groups.entries()) result[partOf[byQuestion ? group : answer]!]!.push(answer);
  return result;
}
