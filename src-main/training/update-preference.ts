/**
 * Learning from one batch of pairs or judged answers: epochs × minibatches, each one optimizer step whose loss is a sum
 * over examples with denominators fixed before it is split into micro-batches. Pairs are never parted.
 */
import type { PreferenceSpec } from '../contract/estimator.ts';
import { mismatchedKl } from '../estimators/preference-loss.ts';
import type { PreferenceAnswer } from '../estimators/preference-loss.ts';
import type { LearnerSequence, OptimizerSettings, PreferenceExample, TokenScores } from './learner.ts';
import type { ReferenceSums } from './reference-sums.ts';
import { streams } from './training-parts.ts';
import type { TrainingParts } from './training-parts.ts';
import { minibatches } from './update-policy.ts';

/** What one question gives to learn from: a better and a worse answer; for KTO either may be missing. */
export interface PreferenceUnit {
  readonly chosen: LearnerSequence | null;
  readonly rejected: LearnerSequence | null;
}

/** One answer of the last pass, before its update. */
export interface ScoredPreference extends PreferenceAnswer {
  readonly desirable: boolean;
}

export interface PreferenceUpdate {
  /** Optimizer steps that changed the weights, and those that were left out because loss or gradient was not finite. */
  readonly applied: number;
  readonly failed: number;
  /** Means over the optimizer steps. */
  readonly loss: number;
  readonly gradientNorm: number;
  /** The KL estimate of KTO; NaN elsewhere. */
  readonly kl: number;
  /** Answers of each example in the last pass: chosen and rejected, or one judged answer. */
  readonly examples: readonly (readonly ScoredPreference[])[];
}

/** The answers that make one term of the loss. */
type Term = readonly { readonly sequence: LearnerSequence; readonly desirable: boolean }[];

/** The terms of units: pairs, or for KTO every answer by itself, good ones first, so that neighbours differ in their question. */
function termsOf(units: readonly PreferenceUnit[], spec: PreferenceSpec): Term[] {
  const good = units.map(({ chosen }) => chosen && { sequence: chosen, desirable: true });
  const bad = units.map(({ rejected }) => rejected && { sequence: rejected, desirable: false });
  if (spec.loss === 'kto') return [...good, ...bad].flatMap((answer) => (answer ? [[answer]] : []));
  return good.flatMap((chosen, place) => {
    const rejected = bad[place];
    return chosen && rejected ? [[chosen, rejected]] : [];
  });
}

/**
 * Runs the optimizer steps of one batch. Without anything to learn from (every pair a tie) the optimizer still steps on
 * a gradient of zero.
 * @param step number of the step, from 0 (orders the minibatches of later epochs)
 * @param referenceSums asked only where the loss has a reference
 */
export async function updatePreference(
  parts: TrainingParts,
  spec: PreferenceSpec,
  units: readonly PreferenceUnit[],
  step: number,
  settings: OptimizerSettings,
  temperature: number,
  referenceSums: ReferenceSums,
): Promise<PreferenceUpdate> {
  const { config, learner } = parts;
  const { epochs } = parts.spec.surrogate;
  let [applied, failed, lossSum, normSum, klSum] = [0, 0, 0, 0, 0];
  let examples: ScoredPreference[][] = [];
  epochs: for (let epoch = 0; epoch < epochs; epoch++) {
    examples = [];
    const order = [config.seed, streams.minibatch, step, epoch];
    for (const members of minibatches([...units.keys()], config.method.minibatches, order)) {
      await parts.pause();
      const terms = termsOf(
        members.map((unit) => units[unit]!),
        spec,
      );
      const references = await sumsOf(terms, spec, referenceSums);
      const kl = spec.loss === 'kto' ? await estimateKl(parts, terms, temperature) : NaN;
      const given = exampleTerms(terms, spec, kl, references);
      const result =
        given.length === 0
          ? { loss: 0, scores: [] }
          : await learner.accumulatePreference(given, spec, temperature);
      examples.push(...scoredTerms(terms, result.scores, references));
      const update = learner.step(settings);
      if (!update.applied) {
        failed++;
        break epochs;
      }
      applied++;
      lossSum += result.loss;
      normSum += update.gradientNorm;
      klSum += kl;
    }
  }
  return {
    applied,
    failed,
    loss: lossSum / applied,
    gradientNorm: normSum / applied,
    kl: klSum / applied,
    examples,
  };
}

/** The sum of each answer of these terms under the reference; null where the loss has none. */
async function sumsOf(
  terms: readonly Term[],
  spec: PreferenceSpec,
  referenceSums: ReferenceSums,
): Promise<readonly (readonly number[])[] | null> {
  if (!spec.reference) return null;
  const sums = await referenceSums(terms.flatMap((term) => term.map(({ sequence }) => sequence)));
  let next = 0;
  return terms.map((term) => term.map(() => sums[next++]!));
}

/** KTO's estimate of the KL: every answer under the question of its neighbour. */
async function estimateKl(
  parts: TrainingParts,
  terms: readonly Term[],
  temperature: number,
): Promise<number> {
  const answers = terms.flatMap((term) => term.map(({ sequence }) => sequence));
  if (answers.length < 2) return 0;
  const mismatched = answers.map(({ promptIds }, place) => ({
    promptIds,
    answerIds: answers[(place + 1) % answers.length]!.answerIds,
  }));
  const policy = await parts.learner.score(mismatched, temperature);
  const reference = await parts.learner.score(mismatched, temperature, 'reference');
  return mismatchedKl(
    policy.map(({ logprobs }, place) => ({ logprobs, referenceSum: total(reference[place]!.logprobs) })),
  );
}

function exampleTerms(
  terms: readonly Term[],
  spec: PreferenceSpec,
  kl: number,
  references: readonly (readonly number[])[] | null,
): PreferenceExample[] {
  const chosenTokens = terms.reduce((sum, [first]) => sum + (first?.sequence.answerIds.length ?? 0), 0);
  return terms.map((term, index): PreferenceExample => {
    const desirable = term[0]?.desirable ?? true;
    const factor = spec.loss === 'kto' ? (desirable ? spec.desirable : spec.undesirable) : 1;
    return {
      sequences: term.map(({ sequence }) => sequence),
      referenceScores: term.map(({ sequence }, place) => {
        const sum = references?.[index]?.[place] ?? 0;
        return spec.average ? sum / Math.max(sequence.answerIds.length, 1) : sum;
      }),
      weight: factor / terms.length,
      likelihoodWeight: spec.likelihood / chosenTokens,
      desirable,
      kl: Number.isNaN(kl) ? 0 : kl,
    };
  });
}

function scoredTerms(
  terms: readonly Term[],
  scores: readonly TokenScores[],
  references: readonly (readonly number[])[] | null,
): ScoredPreference[][] {
  let next = 0;
  return terms.map((term, index) =>
    term.map(({ desirable }, place) => ({
      logprobs: scores[next++]?.logprobs ?? new Float32Array(0),
      referenceSum: references?.[index]?.[place] ?? null,
      desirable,
    })),
  );
}

function total(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
