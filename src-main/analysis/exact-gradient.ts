/**
 * What an estimator's gradient is on average, and how much it varies, computed exactly by going through every
 * batch that a small decision process can produce. Advantages, weights and losses are those that training uses.
 */
import type { AdvantageState, EstimatorSpec } from '../contract/estimator.ts';
import { computeExactAdvantages } from '../estimators/advantages.ts';
import { surrogateLoss } from '../estimators/surrogate.ts';
import { exactTokenWeights, stepTotals } from '../estimators/token-weights.ts';
import { greedyAnswer, type EnumeratedAnswer, type EnumeratedProcess } from './decision-process.ts';

/** Exact mean and spread of one evaluation of an estimator. */
export interface Moments {
  /** Expected gradient with respect to the logits, to be ascended: state by state, letter by letter. */
  readonly gradient: Float64Array;
  /** Trace of the covariance of one evaluation. */
  readonly variance: number;
  /** Answers sampled for one evaluation. */
  readonly samples: number;
  /** Probability that a batch is used at all (below 1 where some are drawn again). */
  readonly keepProbability: number;
}

/** One number for each letter of an answer: the factor of ∇ log π of that letter. */
export type LetterWeights = ArrayLike<number>;

/** E[reward] of one answer. */
export function expectedReward(enumerated: EnumeratedProcess): number {
  return enumerated.answers.reduce((sum, answer) => sum + answer.probability * answer.reward, 0);
}

/** The exact gradient of E[reward] with respect to every logit: Σ p(answer) · reward · ∇ log p(answer). */
export function trueGradient(enumerated: EnumeratedProcess): Float64Array {
  return answerFunctionGradient(enumerated, (answer) => answer.reward);
}

/** The exact gradient of E[f(answer)] for any f that does not itself depend on the policy. */
export function answerFunctionGradient(
  enumerated: EnumeratedProcess,
  f: (answer: EnumeratedAnswer) => number,
): Float64Array {
  const gradient = emptyGradient(enumerated);
  for (const answer of enumerated.answers) {
    const weights = new Float64Array(answer.letters.length).fill(f(answer));
    addAnswer(gradient, enumerated, answer, weights, answer.probability);
  }
  return gradient;
}

/** One possible outcome of whatever an estimator draws besides its answer (continuations, coins). */
export interface Outcome {
  readonly probability: number;
  readonly weights: LetterWeights;
}

/** Moments of an estimator that uses one answer; `outcomes` lists what may happen beside it, probabilities summing to 1. */
export function answerMoments(
  enumerated: EnumeratedProcess,
  outcomes: (answer: EnumeratedAnswer) => Iterable<Outcome>,
): Moments {
  const sum = emptyGradient(enumerated);
  const one = emptyGradient(enumerated);
  let squares = 0;
  for (const answer of enumerated.answers) {
    for (const outcome of outcomes(answer)) {
      one.fill(0);
      addAnswer(one, enumerated, answer, outcome.weights, 1);
      const probability = answer.probability * outcome.probability;
      addScaled(sum, one, probability);
      squares += probability * dot(one, one);
    }
  }
  return { gradient: sum, variance: squares - dot(sum, sum), samples: 1, keepProbability: 1 };
}

/**
 * Moments of an estimator that uses a group of answers to one question. Goes through every multiset of answers,
 * so `weights` must not depend on their order. Groups for which `keep` is false are drawn again.
 */
export function groupMoments(
  enumerated: EnumeratedProcess,
  groupSize: number,
  weights: (answers: readonly EnumeratedAnswer[]) => readonly LetterWeights[],
  keep: (answers: readonly EnumeratedAnswer[]) => boolean = () => true,
): Moments {
  const sum = emptyGradient(enumerated);
  const one = emptyGradient(enumerated);
  let squares = 0;
  let kept = 0;
  for (const { answers, probability } of multisets(enumerated.answers, groupSize)) {
    if (!keep(answers)) continue;
    kept += probability;
    one.fill(0);
    const each = weights(answers);
    answers.forEach((answer, index) => addAnswer(one, enumerated, answer, each[index]!, 1));
    addScaled(sum, one, probability);
    squares += probability * dot(one, one);
  }
  const gradient = sum.map((value) => value / kept);
  return {
    gradient,
    variance: squares / kept - dot(gradient, gradient),
    samples: groupSize,
    keepProbability: kept,
  };
}

/**
 * Moments of an estimator as training runs it on fresh answers: its own plan, advantages, weights and loss.
 * `reference` is the same process with other logits, needed for a KL penalty. `state` holds the moving average of
 * earlier batches, without it none has been seen yet; `critic` says the value of a prefix, a new one says 0 everywhere.
 */
export function estimatorMoments(
  enumerated: EnumeratedProcess,
  spec: EstimatorSpec,
  reference?: EnumeratedProcess,
  state?: AdvantageState,
  critic: (prefix: string) => number = () => 0,
): Moments {
  const greedy = greedyAnswer(enumerated).reward;
  const referenceLogprobs = new Map(reference?.answers.map((answer) => [answer.text, answer.logprobs]));
  return groupMoments(enumerated, spec.plan.samplesPerPrompt, (answers) => {
    const logprobs = answers.map((answer) => answer.logprobs);
    const references = answers.map((answer) => referenceLogprobs.get(answer.text) ?? null);
    const known = references.filter((each) => each !== null);
    const { advantages, included } = computeExactAdvantages(
      {
        groups: answers.map(() => 0),
        rewards: answers.map((answer) => answer.reward),
        lengths: answers.map((answer) => answer.letters.length),
        greedyRewards: [greedy],
        criticValues: answers.map(({ letters, text }) =>
          letters.map((_, place) => critic(text.slice(0, place))),
        ),
        logprobs,
        // Equally good answers give the same gradient here: they are the same answer.
        tieBreaks: answers.map(() => 0),
        ...(known.length === answers.length ? { referenceLogprobs: known } : {}),
      },
      spec.advantage,
      spec.kl,
      state,
    );
    const tokens = answers.map((answer, index) => ({
      length: answer.letters.length,
      included: included[index]!,
    }));
    const weights = exactTokenWeights(tokens, stepTotals(tokens), spec.surrogate);
    const { gradients } = surrogateLoss(
      answers.map((_, index) => ({
        logprobs: logprobs[index]!,
        oldLogprobs: null,
        referenceLogprobs: references[index]!,
        advantages: advantages[index]!,
        weights: weights[index]!,
      })),
      spec.surrogate,
      spec.kl,
    );
    return gradients.map((gradient) => gradient.map((value) => -value));
  });
}

/** How an expected gradient relates to the true one. */
export interface GradientComparison {
  /** ⟨estimate, truth⟩ / ⟨truth, truth⟩: how much of the true gradient it holds. */
  readonly scale: number;
  /** Cosine of the angle between them: 1 means the same direction. */
  readonly cosine: number;
  /** ‖estimate − truth‖ / ‖truth‖: 0 means unbiased. */
  readonly relativeBias: number;
  /** ‖estimate − scale · truth‖ / ‖truth‖: 0 means the same direction exactly. */
  readonly relativeDirectionBias: number;
}

/** Scale, angle and bias of an estimate; the truth must not be 0. */
export function compareGradients(estimate: Float64Array, truth: Float64Array): GradientComparison {
  const own = dot(truth, truth);
  const scale = dot(estimate, truth) / own;
  const distance = (factor: number): number =>
    Math.sqrt(estimate.reduce((sum, value, index) => sum + (value - factor * truth[index]!) ** 2, 0) / own);
  return {
    scale,
    cosine: dot(estimate, truth) / Math.sqrt(own * dot(estimate, estimate)),
    relativeBias: distance(1),
    relativeDirectionBias: distance(scale),
  };
}

/** Zeros in the shape of a gradient: one number for each letter of each state. */
export function emptyGradient(enumerated: EnumeratedProcess): Float64Array {
  return new Float64Array(enumerated.states.length * enumerated.process.vocabulary.length);
}

/** Adds factor · Σ_t weight_t · ∇ log π(letter_t): one-hot minus the policy in each state that was passed. */
export function addAnswer(
  gradient: Float64Array,
  enumerated: EnumeratedProcess,
  answer: EnumeratedAnswer,
  weights: LetterWeights,
  factor: number,
): void {
  const letters = enumerated.process.vocabulary.length;
  answer.letters.forEach((letter, place) => {
    const state = answer.states[place]!;
    const weight = factor * weights[place]!;
    const policy = enumerated.policy[state]!;
    for (let other = 0; other < letters; other++) {
      gradient[state * letters + other]! += weight * ((other === letter ? 1 : 0) - policy[other]!);
    }
  });
}

/** target += factor · source. */
export function addScaled(target: Float64Array, source: Float64Array, factor: number): void {
  for (let index = 0; index < target.length; index++) target[index]! += factor * source[index]!;
}

/** Scalar product. */
export function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index++) sum += left[index]! * right[index]!;
  return sum;
}

/** Every multiset of `size` answers with the probability of drawing it in any order. */
function* multisets(
  answers: readonly EnumeratedAnswer[],
  size: number,
): Generator<{ answers: EnumeratedAnswer[]; probability: number }> {
  const chosen: EnumeratedAnswer[] = [];
  function* extend(
    from: number,
    probability: number,
    repeats: number,
  ): Generator<{ answers: EnumeratedAnswer[]; probability: number }> {
    if (chosen.length === size) {
      yield { answers: [...chosen], probability };
      return;
    }
    for (let index = from; index < answers.length; index++) {
      // Orders of k + 1 draws with one more of a kind: times (k + 1) / (number of that kind).
      const again = index === from ? repeats + 1 : 1;
      const answer = answers[index]!;
      chosen.push(answer);
      yield* extend(index, (probability * answer.probability * chosen.length) / again, again);
      chosen.pop();
    }
  }
  yield* extend(0, 1, 0);
}
