/** What the answers that a reward has graded tell about the reward: spread, disagreements, cheats that pay, advice. */
import type {
  ColumnReport,
  GradedAnswer,
  Histogram,
  PlantedName,
  RewardBenchReport,
} from '../contract/reward-bench.ts';
import { plantedNames } from '../contract/reward-bench.ts';
import type { RewardConfig } from '../contract/reward.ts';
import { ranks, rankCorrelation } from './ranks.ts';
import { rewardAdvice } from './reward-advice.ts';

const bins = 20;
/** Rewards of a group that differ by less than this are the same for learning. */
const sameReward = 1e-6;
const examplesShown = 5;

export interface BenchFindings {
  readonly from: RewardBenchReport['from'];
  readonly reward: RewardConfig;
  /** Names of the components, in the order of the reward. */
  readonly names: readonly string[];
  /** Graded answers, real and planted ones. */
  readonly answers: readonly GradedAnswer[];
  /** Seconds that each component's grader took, in the order of the reward, for all answers. */
  readonly componentSeconds: readonly number[];
  /** What functions printed. */
  readonly printed?: readonly string[];
  readonly seconds: number;
}

/** The report of a bench. */
export function rewardBenchReport(found: BenchFindings): RewardBenchReport {
  const real = found.answers.filter(({ planted }) => planted === null);
  const planted = found.answers.filter((answer) => answer.planted !== null);
  const rows = [...real, ...planted];
  const facts = {
    reward: found.reward,
    from: found.from,
    answers: real.length,
    questions: new Set(real.map(({ question }) => question)).size,
    notGradable: real.filter(({ total, masked }) => total === null && !masked).length,
    masked: real.filter(({ masked }) => masked).length,
    groupsWithSignal: groupsWithSignal(real),
    truncated: real.length === 0 ? 0 : real.filter(({ finish }) => finish === 'length').length / real.length,
    total: columnReport(
      'total',
      real.map(({ total }) => total),
      null,
    ),
    components: found.names.map((name, place) =>
      columnReport(
        name,
        real.map(({ components }) => components[place]?.value ?? null),
        found.answers.length === 0 ? null : (found.componentSeconds[place] ?? 0) / found.answers.length,
      ),
    ),
    disagreements: disagreements(found.names, real),
    planted: plantedReports(real, planted),
    rows,
    printed: [...(found.printed ?? [])],
    seconds: found.seconds,
  };
  return { ...facts, advice: rewardAdvice(facts) };
}

/** Share of questions with several graded answers whose rewards differ; null where there is none. */
export function groupsWithSignal(
  answers: readonly Pick<GradedAnswer, 'question' | 'total'>[],
): number | null {
  const groups = new Map<number, { low: number; high: number; count: number }>();
  for (const { question, total } of answers) {
    if (total === null) continue;
    const group = groups.get(question) ?? { low: total, high: total, count: 0 };
    group.low = Math.min(group.low, total);
    group.high = Math.max(group.high, total);
    group.count++;
    groups.set(question, group);
  }
  const several = [...groups.values()].filter(({ count }) => count > 1);
  return several.length === 0
    ? null
    : several.filter(({ low, high }) => high - low > sameReward).length / several.length;
}

/** The values of one column; null stands for what could not be graded. */
export function columnReport(
  name: string,
  values: readonly (number | null)[],
  secondsPerAnswer: number | null,
): ColumnReport {
  const known = values.filter((value) => value !== null);
  const count = known.length;
  const facts = { name, count, notGradable: values.length - count, secondsPerAnswer };
  if (count === 0)
    return { ...facts, mean: null, deviation: null, low: null, high: null, distinct: 0, histogram: null };
  const mean = known.reduce((sum, value) => sum + value, 0) / count;
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  const low = known.reduce((least, value) => Math.min(least, value), Infinity);
  const high = known.reduce((most, value) => Math.max(most, value), -Infinity);
  return {
    ...facts,
    mean,
    deviation: Math.sqrt(variance),
    low,
    high,
    distinct: new Set(known).size,
    histogram: histogram(known, low, high),
  };
}

/** Bins of equal width from the least to the greatest value; one bin where all are equal. */
function histogram(values: readonly number[], low: number, high: number): Histogram {
  if (high === low) return { edges: [low, high], counts: [values.length] };
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins));
    counts[bin]!++;
  }
  return { edges: Array.from({ length: bins + 1 }, (_, edge) => low + ((high - low) * edge) / bins), counts };
}

/** Every pair of components with the answers on which their ranks lie furthest apart; least correlated first. */
function disagreements(
  names: readonly string[],
  answers: readonly GradedAnswer[],
): RewardBenchReport['disagreements'] {
  const pairs = names.flatMap((first, a) =>
    names.slice(a + 1).map((second, after) => {
      const b = a + 1 + after;
      const both = answers.flatMap(({ components }, place) => {
        const x = components[a]?.value ?? null;
        const y = components[b]?.value ?? null;
        return x === null || y === null ? [] : [{ place, x, y }];
      });
      const firstRanks = ranks(both.map(({ x }) => x));
      const secondRanks = ranks(both.map(({ y }) => y));
      const correlation =
        both.length < 2
          ? null
          : rankCorrelation(
              both.map(({ x }) => x),
              both.map(({ y }) => y),
            );
      const examples =
        correlation === null
          ? []
          : both
              .map(({ place }, index) => ({ place, gap: Math.abs(firstRanks[index]! - secondRanks[index]!) }))
              .filter(({ gap }) => gap > both.length / 4)
              .sort((one, other) => other.gap - one.gap)
              .slice(0, examplesShown)
              .map(({ place }) => place);
      return { first, second, correlation, examples };
    }),
  );
  return pairs.sort((one, other) => (one.correlation ?? 2) - (other.correlation ?? 2));
}

function plantedReports(
  real: readonly GradedAnswer[],
  planted: readonly GradedAnswer[],
): RewardBenchReport['planted'] {
  const byQuestion = new Map<number, number[]>();
  for (const { question, total } of real) {
    if (total !== null) byQuestion.set(question, [...(byQuestion.get(question) ?? []), total]);
  }
  return plantedNames.flatMap((name: PlantedName) => {
    const all = planted.flatMap((answer, place) =>
      answer.planted === name ? [{ answer, place: real.length + place }] : [],
    );
    if (all.length === 0) return [];
    const graded = all.flatMap(({ answer, place }) =>
      answer.total === null ? [] : [{ total: answer.total, question: answer.question, place }],
    );
    let [wins, rivals] = [0, 0];
    for (const { total, question } of graded) {
      for (const rival of byQuestion.get(question) ?? []) {
        rivals++;
        if (total > rival + sameReward) wins++;
        else if (Math.abs(total - rival) <= sameReward) wins += 0.5;
      }
    }
    const best = graded.reduce<(typeof graded)[number] | null>(
      (most, one) => (most === null || one.total > most.total ? one : most),
      null,
    );
    return [
      {
        name,
        count: all.length,
        mean: graded.length === 0 ? null : graded.reduce((sum, { total }) => sum + total, 0) / graded.length,
        beats: rivals === 0 ? null : wins / rivals,
        best: best?.place ?? null,
      },
    ];
  });
}
