/**
 * From one score per answer to one advantage per answer: what each answer is compared with, and what the
 * difference is divided by within the group or the batch. Everything in double precision.
 */
import type { AdvantageSpec, AdvantageState } from '../contract/estimator.ts';
import { hasSignal, mean, membersByGroup, standardDeviation } from './group-statistics.ts';

export interface ScoredAnswers {
  /** Group of each answer, integers from 0. */
  readonly groups: ArrayLike<number>;
  /** Score of each answer; read only where `included`. */
  readonly scores: readonly number[];
  /** Answers that take part: the others neither enter statistics nor get an advantage. */
  readonly included: readonly boolean[];
  /** Tokens of each answer. */
  readonly lengths: ArrayLike<number>;
  /** Reward of the greedy answer of each group (`greedy` only). */
  readonly greedyRewards: readonly (number | null)[];
}

/** One advantage for each answer (0 for those not included), before anything that differs between tokens. */
export function answerAdvantages(
  answers: ScoredAnswers,
  spec: AdvantageSpec,
  state: AdvantageState,
): Float64Array {
  const advantages = subtractBaseline(answers, spec, state);
  if (spec.scale === 'batchStd') {
    const deviation = standardDeviation(includedValues(answers.scores, answers.included), spec.ddof);
    divide(advantages, deviation + spec.eps);
  } else if (spec.scale === 'batchScores') {
    standardize(advantages, answers.included, spec);
  }
  return advantages;
}

/** The moving average after a batch: its first value is the mean of the first batch; unchanged by an empty one. */
export function nextMovingAverage(
  state: AdvantageState,
  spec: AdvantageSpec,
  scores: readonly number[],
): AdvantageState {
  if (spec.baseline !== 'movingAverage' || scores.length === 0) return state;
  const decay = spec.decay ?? 0;
  const present = mean(scores);
  const previous = state.movingAverage;
  return { movingAverage: previous === null ? present : decay * previous + (1 - decay) * present };
}

function subtractBaseline(answers: ScoredAnswers, spec: AdvantageSpec, state: AdvantageState): Float64Array {
  const { scores, included, groups } = answers;
  const advantages = new Float64Array(scores.length);
  const setEach = (baseline: (answer: number) => number): void => {
    for (let answer = 0; answer < scores.length; answer++) {
      if (included[answer]) advantages[answer] = scores[answer]! - baseline(answer);
    }
  };
  switch (spec.baseline) {
    case 'keep':
      for (let answer = 0; answer < scores.length; answer++) advantages[answer] = included[answer] ? 1 : 0;
      return advantages;
    case 'anchors':
      // One number a token, which only `advantages.ts` has.
      return advantages;
    case 'none':
      setEach(() => 0);
      return advantages;
    case 'movingAverage':
      setEach(() => state.movingAverage ?? 0);
      return advantages;
    case 'critic':
      throw new RangeError('baseline critic is not one number for each answer');
    case 'greedy':
      setEach((answer) => answers.greedyRewards[groups[answer]!] ?? 0);
      return advantages;
    case 'groupMean':
    case 'leaveOneOut':
    case 'lengthWeightedGroupMean':
    case 'bestMinusSecond':
    case 'groupMeanTimesNonzero':
      for (const members of membersByGroup(groups, included)) fillGroup(advantages, members, answers, spec);
      if (spec.baseline === 'groupMeanTimesNonzero') {
        const values = includedValues(scores, included);
        const nonzero = values.filter((value) => value !== 0).length;
        for (let answer = 0; answer < advantages.length; answer++)
          advantages[answer]! *= values.length / Math.max(nonzero, 1);
      }
      return advantages;
  }
}

/** Writes the advantages of one group; a group without signal keeps its zeros. */
function fillGroup(
  advantages: Float64Array,
  members: readonly number[],
  answers: ScoredAnswers,
  spec: AdvantageSpec,
): void {
  const values = members.map((answer) => answers.scores[answer]!);
  if (!hasSignal(values)) return;
  const divisor = spec.scale === 'groupStd' ? standardDeviation(values, spec.ddof) + spec.eps : 1;
  if (spec.baseline === 'bestMinusSecond') {
    const best = values.indexOf(Math.max(...values));
    const second = Math.max(...values.filter((_, index) => index !== best));
    advantages[members[best]!] = (values[best]! - second) / divisor;
    return;
  }
  const factor = spec.baseline === 'leaveOneOut' ? values.length / (values.length - 1) : 1;
  let center = mean(values);
  if (spec.baseline === 'lengthWeightedGroupMean') {
    const lengths = members.map((answer) => answers.lengths[answer]!);
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    if (tokens > 0) center = values.reduce((sum, value, index) => sum + value * lengths[index]!, 0) / tokens;
  }
  members.forEach((answer, index) => {
    advantages[answer] = (factor * (values[index]! - center)) / divisor;
  });
}

function includedValues(values: ArrayLike<number>, included: readonly boolean[]): number[] {
  return Array.from(values).filter((_, answer) => included[answer]);
}

function divide(values: Float64Array, divisor: number): void {
  if (divisor === 0) return; // only where every value is 0 already
  for (let index = 0; index < values.length; index++) values[index]! /= divisor;
}

function standardize(values: Float64Array, included: readonly boolean[], spec: AdvantageSpec): void {
  const present = includedValues(values, included);
  const signal = hasSignal(present);
  const center = mean(present);
  const divisor = standardDeviation(present, spec.ddof) + spec.eps;
  for (let index = 0; index < values.length; index++) {
    values[index] = included[index] && signal ? (values[index]! - center) / divisor : 0;
  }
}
