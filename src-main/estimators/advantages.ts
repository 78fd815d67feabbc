/**
 * From rewards of whole answers to one advantage per token: the number that says how much better or worse than
 * expected each token made its answer. Pure: state (a moving average) comes in and goes out as plain data.
 */
import type { AdvantageSpec, AdvantageState, KlSpec } from '../contract/estimator.ts';
import { anchorAdvantages, sparseAdvantages, type Anchor, type SparseToken } from './anchors.ts';
import { answerAdvantages, nextMovingAverage } from './baselines.ts';
import { fillGeneralizedAdvantages } from './generalized-advantage.ts';
import { keptAnswers } from './kept-answers.ts';
import { scaleOverEqualTokens, scaleOverTokens } from './token-scaling.ts';

/** What is known inside one answer: values at positions (`segment`, `linear`), or before and after drawn tokens. */
export type AnswerValues =
  | { readonly between: 'segment' | 'linear'; readonly anchors: readonly Anchor[] }
  | { readonly between: 'sparse'; readonly drawn: readonly SparseToken[]; readonly chance: number };

/** One batch of answers. All lists but `greedyRewards` have one entry for each answer. */
export interface AdvantageBatch {
  /** Group (question) of each answer: integers from 0. */
  readonly groups: ArrayLike<number>;
  /** Reward of each answer; null where the grader could not work. */
  readonly rewards: readonly (number | null)[];
  /** Tokens of each answer, end token included. */
  readonly lengths: ArrayLike<number>;
  /** Reward of the greedy answer of each group, indexed by group (baseline `greedy`). */
  readonly greedyRewards?: readonly (number | null)[];
  /** Log-probabilities of each answer's tokens under policy and reference (KL penalty in the reward). */
  readonly logprobs?: readonly ArrayLike<number>[];
  readonly referenceLogprobs?: readonly ArrayLike<number>[];
  /** What the critic said before each token (baseline `critic`). */
  readonly criticValues?: readonly ArrayLike<number>[];
  /** Values inside each answer (baseline `anchors`); null where they could not be estimated. */
  readonly values?: readonly (AnswerValues | null)[];
  /** A random number in [0, 1) for each answer, which decides between equally good ones (baseline `keep`). */
  readonly tieBreaks?: readonly number[];
}

export interface AdvantageResult<A extends Float32Array | Float64Array = Float32Array> {
  /** One array for each answer, one number for each token; all 0 where not included. */
  readonly advantages: A[];
  /** False for answers that leave the gradient because they, or the greedy answer they need, were not gradable. */
  readonly included: boolean[];
  /** What the critic should have said before each token (baseline `critic`); all 0 where not included. */
  readonly returns?: A[];
  /** State to pass in with the next batch. */
  readonly state: AdvantageState;
}

/** State before the first batch. */
export const initialAdvantageState: AdvantageState = { movingAverage: null };

/**
 * Advantages in single precision, as the learner takes them; statistics are computed in double precision.
 * Throws RangeError when lists of the batch do not fit each other or an input that the spec needs is missing.
 */
export function computeAdvantages(
  batch: AdvantageBatch,
  spec: AdvantageSpec,
  kl: KlSpec,
  state: AdvantageState = initialAdvantageState,
): AdvantageResult {
  return compute(batch, spec, kl, state, (lengths) => slices(new Float32Array(sumOf(lengths)), lengths));
}

/** The same in double precision: for exact analysis and tests. */
export function computeExactAdvantages(
  batch: AdvantageBatch,
  spec: AdvantageSpec,
  kl: KlSpec,
  state: AdvantageState = initialAdvantageState,
): AdvantageResult<Float64Array> {
  return compute(batch, spec, kl, state, (lengths) => slices(new Float64Array(sumOf(lengths)), lengths));
}

function sumOf(lengths: ArrayLike<number>): number {
  let sum = 0;
  for (let answer = 0; answer < lengths.length; answer++) sum += lengths[answer]!;
  return sum;
}

/** One array for each answer, all in one piece of memory: thousands of small ones take longer to get than to fill. */
function slices<A extends Float32Array | Float64Array>(whole: A, lengths: ArrayLike<number>): A[] {
  let start = 0;
  return Array.from(lengths, (length) => {
    start += length;
    return whole.subarray(start - length, start) as A;
  });
}

function compute<A extends Float32Array | Float64Array>(
  batch: AdvantageBatch,
  spec: AdvantageSpec,
  kl: KlSpec,
  state: AdvantageState,
  allocate: (lengths: ArrayLike<number>) => A[],
): AdvantageResult<A> {
  checkBatch(batch, spec, kl);
  const kept =
    spec.baseline === 'keep'
      ? keptAnswers(batch.groups, batch.rewards, spec.keepFrom ?? null, batch.tieBreaks ?? [])
      : null;
  const included = batch.rewards.map(
    (reward, answer) =>
      reward !== null &&
      (spec.baseline !== 'greedy' || (batch.greedyRewards?.[batch.groups[answer]!] ?? null) !== null) &&
      (spec.baseline !== 'anchors' || (batch.values?.[answer] ?? null) !== null) &&
      (kept === null || kept[answer] === true),
  );
  const coefficient = kl.where === 'reward' ? kl.coefficient : 0;
  if (spec.baseline === 'critic') {
    return { ...criticAdvantages(batch, included, spec, coefficient, allocate), included, state };
  }
  const scores = batch.rewards.map((reward, answer) => {
    if (!included[answer] || reward === null) return 0;
    const clipped = spec.clip?.at === 'score' ? clamp(reward, spec.clip.low, spec.clip.high) : reward;
    return coefficient !== 0 && spec.klFold === 'score'
      ? clipped - coefficient * summedLogRatio(batch, answer)
      : clipped;
  });
  const perAnswer = answerAdvantages(
    {
      groups: batch.groups,
      scores,
      included,
      lengths: batch.lengths,
      greedyRewards: batch.greedyRewards ?? [],
    },
    spec,
    state,
  );
  if (spec.clip?.at === 'afterBaseline') {
    for (let answer = 0; answer < perAnswer.length; answer++) {
      perAnswer[answer] = clamp(perAnswer[answer]!, spec.clip.low, spec.clip.high);
    }
  }
  const penalized = coefficient !== 0 && spec.klFold === 'toGo';
  const perToken = penalized || spec.baseline === 'anchors';
  const overTokens = spec.scale === 'batchTokens' || spec.scale === 'batchTokensCenter';
  if (overTokens && !perToken) scaleOverEqualTokens(perAnswer, batch.lengths, included, spec);
  const advantages = allocate(batch.lengths);
  for (let answer = 0; answer < perAnswer.length; answer++) {
    const tokens = advantages[answer]!;
    if (included[answer]) {
      const values = spec.baseline === 'anchors' ? batch.values?.[answer] : null;
      const whole = perAnswer[answer]!;
      const inside = values ? valueDifferences(tokens.length, values, scores[answer]!) : null;
      if (penalized) {
        fillWithPenaltyToGo(tokens, (token) => inside?.[token] ?? whole, batch, answer, coefficient);
      } else if (inside) tokens.set(inside);
      else tokens.fill(whole);
    }
  }
  if (overTokens && perToken) scaleOverTokens(advantages, included, spec);
  const nextState = nextMovingAverage(
    state,
    spec,
    scores.filter((_, answer) => included[answer]),
  );
  return { advantages, included, state: nextState };
}

/** Each token earns what it costs in KL, the last one the reward as well; the critic's values are the baseline. */
function criticAdvantages<A extends Float32Array | Float64Array>(
  batch: AdvantageBatch,
  included: readonly boolean[],
  spec: AdvantageSpec,
  coefficient: number,
  allocate: (lengths: ArrayLike<number>) => A[],
): { advantages: A[]; returns: A[] } {
  const advantages = allocate(batch.lengths);
  const returns = allocate(batch.lengths);
  const room = new Float64Array(
    batch.rewards.reduce<number>((most, _, answer) => Math.max(most, batch.lengths[answer]!), 0),
  );
  for (const [answer, reward] of batch.rewards.entries()) {
    const length = batch.lengths[answer]!;
    if (!included[answer] || reward === null || length === 0) continue;
    const earned = room.subarray(0, length).fill(0);
    if (coefficient !== 0) {
      const policy = batch.logprobs![answer]!;
      const reference = batch.referenceLogprobs![answer]!;
      for (let token = 0; token < length; token++)
        earned[token] = -coefficient * (policy[token]! - reference[token]!);
    }
    earned[length - 1]! += spec.clip?.at === 'score' ? clamp(reward, spec.clip.low, spec.clip.high) : reward;
    const into = { advantages: advantages[answer]!, returns: returns[answer]! };
    fillGeneralizedAdvantages(into, earned, batch.criticValues![answer]!, spec.lambda ?? 1);
  }
  if (spec.scale === 'batchTokens' || spec.scale === 'batchTokensCenter')
    scaleOverTokens(advantages, included, spec);
  return { advantages, returns };
}

/** Σ log π − log π_ref over the tokens of one answer. */
function summedLogRatio(batch: AdvantageBatch, answer: number): number {
  const policy = batch.logprobs![answer]!;
  const reference = batch.referenceLogprobs![answer]!;
  let sum = 0;
  for (let token = 0; token < policy.length; token++) sum += policy[token]! - reference[token]!;
  return sum;
}

function valueDifferences(length: number, values: AnswerValues, reward: number): Float64Array {
  return values.between === 'sparse'
    ? sparseAdvantages(length, values.drawn, values.chance)
    : anchorAdvantages(length, values.anchors, reward, values.between);
}

/** Token t gets its advantage less coefficient × (log-ratio from t on): it answers only for what follows. */
function fillWithPenaltyToGo(
  tokens: Float32Array | Float64Array,
  advantage: (token: number) => number,
  batch: AdvantageBatch,
  answer: number,
  coefficient: number,
): void {
  const policy = batch.logprobs![answer]!;
  const reference = batch.referenceLogprobs![answer]!;
  let toGo = 0;
  for (let token = tokens.length - 1; token >= 0; token--) {
    toGo += policy[token]! - reference[token]!;
    tokens[token] = advantage(token) - coefficient * toGo;
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function checkBatch(batch: AdvantageBatch, spec: AdvantageSpec, kl: KlSpec): void {
  const count = batch.rewards.length;
  if (batch.groups.length !== count || batch.lengths.length !== count) {
    throw new RangeError(`${count} rewards, ${batch.groups.length} groups, ${batch.lengths.length} lengths`);
  }
  batch.rewards.forEach((reward, answer) => {
    if (reward !== null && !Number.isFinite(reward))
      throw new RangeError(`reward of answer ${answer} is ${reward}`);
  });
  if (spec.baseline === 'greedy' && batch.greedyRewards === undefined) {
    throw new RangeError('baseline greedy needs greedyRewards');
  }
  if (spec.baseline === 'critic' && batch.criticValues?.length !== count) {
    throw new RangeError('baseline critic needs values');
  }
  if (spec.baseline === 'anchors' && batch.values?.length !== count) {
    throw new RangeError('baseline anchors needs values of every answer');
  }
  if (spec.baseline === 'keep' && spec.keepFrom == null && batch.tieBreaks?.length !== count) {
    throw new RangeError('keeping the best answer needs a random number for each');
  }
  if (kl.where === 'reward' && kl.coefficient !== 0) {
    if (kl.estimator !== 'k1') throw new RangeError('a KL penalty in the reward must use k1');
    for (const lists of [batch.logprobs, batch.referenceLogprobs]) {
      if (lists?.length !== count)
        throw new RangeError('a KL penalty in the reward needs log-probabilities of policy and reference');
      lists.forEach((list, answer) => {
        if (list.length !== batch.lengths[answer])
          throw new RangeError(`answer ${answer} has ${list.length} log-probabilities`);
      });
    }
  }
}
