/**
 * Losses over preferences (DPO, IPO, KTO, ORPO, SimPO) and their exact derivatives with respect to every
 * log-probability, in double precision. The compiled graph computes the same and is tested against this file.
 */
import type { PreferenceSpec } from '../contract/estimator.ts';

/** Log-probabilities of one answer, one for each token. */
export interface PreferenceAnswer {
  readonly logprobs: ArrayLike<number>;
  /** Sum over the tokens of their log-probabilities under the reference; read only where the loss has one. */
  readonly referenceSum: number | null;
}

export interface PreferencePair {
  readonly chosen: PreferenceAnswer;
  readonly rejected: PreferenceAnswer;
}

export interface PairLossResult {
  readonly loss: number;
  /** d loss / d log-probability. */
  readonly chosenGradients: Float64Array[];
  readonly rejectedGradients: Float64Array[];
}

/** Value of a loss of one pair and its derivatives with respect to the scores of the two answers. */
interface PairTerm {
  readonly value: number;
  readonly chosen: number;
  readonly rejected: number;
}

/**
 * Score of an answer: Σ (log π − log π_ref), or Σ log π without a reference; divided by the number of tokens where the
 * loss averages.
 */
export function answerScore(
  { logprobs, referenceSum }: PreferenceAnswer,
  spec: Pick<PreferenceSpec, 'reference' | 'average'>,
): number {
  let sum = 0;
  for (let token = 0; token < logprobs.length; token++) sum += logprobs[token]!;
  if (spec.reference) sum -= referenceSum ?? NaN;
  return spec.average ? sum / Math.max(logprobs.length, 1) : sum;
}

/** Mean loss over pairs with its gradients; the likelihood term is a mean over all chosen tokens. Not for `kto`. */
export function pairLoss(pairs: readonly PreferencePair[], spec: PreferenceSpec): PairLossResult {
  const chosenTokens = pairs.reduce((sum, { chosen }) => sum + chosen.logprobs.length, 0);
  let loss = 0;
  const chosenGradients: Float64Array[] = [];
  const rejectedGradients: Float64Array[] = [];
  for (const { chosen, rejected } of pairs) {
    const term = pairTerm(answerScore(chosen, spec), answerScore(rejected, spec), spec);
    loss += term.value / pairs.length;
    const share = ({ logprobs }: PreferenceAnswer): number =>
      1 / (pairs.length * (spec.average ? Math.max(logprobs.length, 1) : 1));
    const likelihood = spec.likelihood / chosenTokens;
    for (let token = 0; token < chosen.logprobs.length && spec.likelihood > 0; token++)
      loss -= likelihood * chosen.logprobs[token]!;
    chosenGradients.push(
      new Float64Array(chosen.logprobs.length).fill(
        term.chosen * share(chosen) - (spec.likelihood > 0 ? likelihood : 0),
      ),
    );
    rejectedGradients.push(new Float64Array(rejected.logprobs.length).fill(term.rejected * share(rejected)));
  }
  return { loss, chosenGradients, rejectedGradients };
}

/** Loss of one pair from the scores of its answers. */
export function pairTerm(chosen: number, rejected: number, spec: PreferenceSpec): PairTerm {
  const { beta, labelSmoothing: smoothing } = spec;
  switch (spec.loss) {
    case 'sigmoid':
    case 'robust':
    case 'simpo': {
      const lead = beta * (chosen - rejected) - (spec.loss === 'simpo' ? spec.margin : 0);
      const [right, wrong] =
        spec.loss === 'robust'
          ? [(1 - smoothing) / (1 - 2 * smoothing), -smoothing / (1 - 2 * smoothing)]
          : [1 - smoothing, smoothing];
      const slope = beta * (-right * sigmoid(-lead) + wrong * sigmoid(lead));
      return { value: right * softplus(-lead) + wrong * softplus(lead), chosen: slope, rejected: -slope };
    }
    case 'ipo': {
      const error = chosen - rejected - 1 / (2 * beta);
      return { value: error * error, chosen: 2 * error, rejected: -2 * error };
    }
    case 'orpo': {
      const odds = logOdds(chosen) - logOdds(rejected);
      const slope = -beta * sigmoid(-odds);
      // d logOdds / d score = 1 + p / (1 − p) = 1 / (1 − p)
      return {
        value: beta * softplus(-odds),
        chosen: slope / -Math.expm1(chosen),
        rejected: -slope / -Math.expm1(rejected),
      };
    }
    case 'kto':
      throw new RangeError('KTO is a loss of single answers');
  }
}

/** log(p / (1 − p)) of a probability given by its logarithm. */
export function logOdds(logProbability: number): number {
  return logProbability - Math.log(-Math.expm1(logProbability));
}

/** An answer called good or bad. */
export interface JudgedAnswer extends PreferenceAnswer {
  readonly desirable: boolean;
}

/**
 * KTO's estimate of the KL to the reference: the mean score of answers put under questions that they do not belong to,
 * at least 0. Nothing is sent back through it.
 */
export function mismatchedKl(answers: readonly PreferenceAnswer[]): number {
  const spec = { reference: true, average: false };
  const sum = answers.reduce((total, answer) => total + answerScore(answer, spec), 0);
  return Math.max(0, sum / answers.length);
}

/** Mean loss over answers with its gradients; `kl` from `mismatchedKl`. */
export function judgedLoss(
  answers: readonly JudgedAnswer[],
  kl: number,
  spec: PreferenceSpec,
): { readonly loss: number; readonly gradients: Float64Array[] } {
  let loss = 0;
  const gradients = answers.map((answer) => {
    const term = judgedTerm(answerScore(answer, spec), answer.desirable, kl, spec);
    loss += term.value / answers.length;
    return new Float64Array(answer.logprobs.length).fill(term.slope / answers.length);
  });
  return { loss, gradients };
}

/** Loss of one judged answer from its score: λ(1 − σ(±β(score − kl))). */
export function judgedTerm(
  score: number,
  desirable: boolean,
  kl: number,
  { beta, desirable: good, undesirable: bad }: PreferenceSpec,
): { readonly value: number; readonly slope: number } {
  const [weight, sign] = desirable ? [good, 1] : [bad, -1];
  const lead = sign * beta * (score - kl);
  return { value: weight * sigmoid(-lead), slope: -weight * sign * beta * sigmoid(lead) * sigmoid(-lead) };
}

/** 1 / (1 + e^(−x)). */
function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** log(1 + eˣ) = −log σ(−x). */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
