/** What a step tells about rewards, answers and the policy's movement, under the names of the field. */
import type { SurrogateSpec } from '../contract/estimator.ts';
import { groupsWithSignal, mean, membersByGroup, standardDeviation } from './group-statistics.ts';
import { klEstimate, type KlTerm } from './kl-estimate.ts';
import type { Metrics } from './metric-names.ts';
import { samplerWeights, truncatedCorrection } from './sampler-correction.ts';
import { clippedTerm, ratiosOf } from './surrogate.ts';

/** What was sampled and how it was scored; lists have one entry for each answer. */
export interface RewardedAnswers {
  readonly groups: ArrayLike<number>;
  readonly rewards: readonly (number | null)[];
  readonly lengths: ArrayLike<number>;
  /** Whether the answer was cut off at the longest length. */
  readonly truncated: readonly boolean[];
  /** Whether the reward leaves the answer out because it was cut off; only where it does so. */
  readonly masked?: readonly boolean[];
  /** For each group, where a greedy answer was sampled. */
  readonly greedyRewards?: readonly (number | null)[];
}

/** Rewards, lengths and groups of a step. */
export function rewardMetrics(answers: RewardedAnswers): Metrics {
  const count = answers.rewards.length;
  if (count === 0) return {};
  const lengths = Array.from(answers.lengths);
  const metrics: Metrics = {
    ungradableShare:
      answers.rewards.filter((reward, answer) => reward === null && !answers.masked?.[answer]).length / count,
    lengthMean: mean(lengths),
    lengthMax: lengths.reduce((most, length) => Math.max(most, length), 0),
    truncatedShare: answers.truncated.filter(Boolean).length / count,
  };
  if (answers.masked !== undefined) metrics.maskedShare = answers.masked.filter(Boolean).length / count;
  const gradable = answers.rewards.filter((reward) => reward !== null);
  if (gradable.length > 0) {
    metrics.rewardMean = mean(gradable);
    metrics.rewardStd = standardDeviation(gradable, 1);
    const signal = groupsWithSignal(answers.groups, answers.rewards);
    const groups = membersByGroup(
      answers.groups,
      answers.rewards.map((reward) => reward !== null),
    );
    const compared = groups.flatMap((members, group) =>
      members.length > 1 ? [{ members, signal: signal[group] }] : [],
    );
    if (compared.length > 0) {
      metrics.zeroVarianceShare = compared.filter((group) => !group.signal).length / compared.length;
      metrics.rewardGroupStd = mean(
        compared.map((group) =>
          standardDeviation(
            group.members.map((answer) => answers.rewards[answer] ?? 0),
            1,
          ),
        ),
      );
    }
  }
  const greedy = answers.greedyRewards?.filter((reward) => reward !== null) ?? [];
  if (greedy.length > 0) metrics.greedyRewardMean = mean(greedy);
  return metrics;
}

/** One answer as the learner saw it; every list has one number for each token. */
export interface ScoredAnswer {
  readonly logprobs: ArrayLike<number>;
  readonly advantages: ArrayLike<number>;
  readonly oldLogprobs?: ArrayLike<number> | null;
  readonly referenceLogprobs?: ArrayLike<number> | null;
  readonly samplerLogprobs?: ArrayLike<number> | null;
  readonly entropies?: ArrayLike<number> | null;
  /** False where the answer is not in the gradient; it is then left out here too. */
  readonly included: boolean;
  readonly mask?: ArrayLike<number>;
}

/** Sum, count and maximum of one quantity over tokens. */
class Tally {
  sum = 0;
  squares = 0;
  count = 0;
  most = -Infinity;
  add(value: number): void {
    this.sum += value;
    this.squares += value * value;
    this.count += 1;
    if (value > this.most) this.most = value;
  }
  get mean(): number {
    return this.sum / this.count;
  }
}

/**
 * Means over the tokens that count of one optimizer step. Without `oldLogprobs` the answers are fresh, so their
 * ratio is 1 and the sampler is compared with the present log-probabilities.
 */
export function policyMetrics(
  answers: readonly ScoredAnswer[],
  surrogate: SurrogateSpec,
  kl: KlTerm,
): Metrics {
  const tallies = new Map<string, Tally>();
  const add = (name: string, value: number): void => {
    const tally = tallies.get(name) ?? new Tally();
    tallies.set(name, tally);
    tally.add(value);
  };
  for (const answer of answers) {
    if (!answer.included) continue;
    const old = answer.oldLogprobs ?? null;
    const view = { ...answer, oldLogprobs: old };
    const clipRatios = ratiosOf(view, surrogate.ratio);
    const tokenRatios = surrogate.ratio === 'token' ? clipRatios : ratiosOf(view, 'token');
    const behaviour = old ?? answer.logprobs;
    const { samplerLogprobs, referenceLogprobs, entropies } = answer;
    const correction =
      samplerLogprobs && surrogate.samplerCap !== null
        ? samplerWeights(behaviour, samplerLogprobs, truncatedCorrection(surrogate.samplerCap))
        : null;
    const held = { low: false, high: false };
    for (let token = 0; token < answer.logprobs.length; token++) {
      if (answer.mask !== undefined && answer.mask[token] === 0) continue;
      const clipped = clipOf(clipRatios[token]!, answer.advantages[token]!, surrogate);
      if (clipped === 'low' || clipped === 'high') held[clipped] = true;
      add('clipFracLow', clipped === 'low' ? 1 : 0);
      add('clipFracHigh', clipped === 'high' ? 1 : 0);
      add('dualClipFrac', clipped === 'dual' ? 1 : 0);
      add('advantage', answer.advantages[token]!);
      add('ratio', tokenRatios[token]!);
      add('approxKl', behaviour[token]! - answer.logprobs[token]!);
      if (entropies) add('entropy', entropies[token]!);
      if (referenceLogprobs) {
        add(
          'kl',
          klEstimate(answer.logprobs[token]!, referenceLogprobs[token]!, kl, tokenRatios[token]).value,
        );
      }
      if (samplerLogprobs) add('samplerGap', Math.abs(behaviour[token]! - samplerLogprobs[token]!));
      if (correction) add('samplerWeight', correction[token]!);
    }
    add('sequencesLow', held.low ? 1 : 0);
    add('sequencesHigh', held.high ? 1 : 0);
  }
  return named(tallies, surrogate);
}

/** Which edge holds a token: for CISPO any ratio outside the band, as its weight is cut whatever the advantage. */
function clipOf(ratio: number, advantage: number, surrogate: SurrogateSpec): 'low' | 'high' | 'dual' | null {
  switch (surrogate.kind) {
    case 'pg':
    case 'nll':
      return null;
    case 'ppoClip':
      return clippedTerm(ratio, advantage, surrogate).clipped;
    case 'cispo':
      return ratio > 1 + surrogate.clipHigh ? 'high' : ratio < 1 - surrogate.clipLow ? 'low' : null;
  }
}

function named(tallies: ReadonlyMap<string, Tally>, surrogate: SurrogateSpec): Metrics {
  const metrics: Metrics = {};
  const of = (name: string): Tally | undefined => tallies.get(name);
  const advantage = of('advantage');
  if (advantage === undefined) return metrics; // no token counts
  if (surrogate.kind !== 'nll') {
    metrics.advantageMean = advantage.mean;
    metrics.advantageStd = Math.sqrt(Math.max(advantage.squares / advantage.count - advantage.mean ** 2, 0));
    metrics.ratioMean = of('ratio')?.mean ?? 1;
    metrics.ratioMax = of('ratio')?.most ?? 1;
    metrics.approxKl = of('approxKl')?.mean ?? 0;
  }
  if (surrogate.kind === 'ppoClip' || surrogate.kind === 'cispo') {
    metrics.clipFracLow = of('clipFracLow')?.mean ?? 0;
    metrics.clipFracHigh = of('clipFracHigh')?.mean ?? 0;
    metrics.clipFrac = metrics.clipFracLow + metrics.clipFracHigh;
    if (surrogate.dualClip !== undefined) metrics.dualClipFrac = of('dualClipFrac')?.mean ?? 0;
    if (surrogate.ratio !== 'token') {
      metrics.clipFracSequencesLow = of('sequencesLow')?.mean ?? 0;
      metrics.clipFracSequencesHigh = of('sequencesHigh')?.mean ?? 0;
    }
  }
  const entropy = of('entropy');
  if (entropy) metrics.entropyMean = entropy.mean;
  const kl = of('kl');
  if (kl) metrics.klMean = kl.mean;
  const gap = of('samplerGap');
  if (gap) {
    metrics.samplerLogpGapMean = gap.mean;
    metrics.samplerLogpGapMax = gap.most;
  }
  const weight = of('samplerWeight');
  if (weight) metrics.samplerWeightMean = weight.mean;
  return metrics;
}
