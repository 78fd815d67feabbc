/** Old and new rewards of the same stored answers: curves, rank correlation, and the answers whose rank changed most. */
import type { RescoreReport } from '../contract/reward-bench.ts';
import type { ComponentScore } from '../contract/reward.ts';
import { ranks, rankCorrelation } from './ranks.ts';

/** A stored answer with the reward that it got and the one that it gets now; null where it could not be graded. */
export interface RescoredAnswer {
  readonly sampleId: number;
  readonly step: number;
  readonly prompt: string;
  readonly text: string;
  readonly before: number | null;
  readonly after: number | null;
  readonly components: readonly ComponentScore[];
}

const movedShown = 50;

/** Compares both rewards of every answer of a run. */
export function rescoreReport(
  runId: string,
  answers: readonly RescoredAnswer[],
  seconds: number,
  warning: string | null = null,
): RescoreReport {
  const both = answers.flatMap((answer) =>
    answer.before === null || answer.after === null
      ? []
      : [{ ...answer, before: answer.before, after: answer.after }],
  );
  const steps = [...new Set(answers.map(({ step }) => step))].sort((a, b) => a - b);
  const curve = (side: 'before' | 'after'): (number | null)[] => {
    const sums = new Map<number, { sum: number; count: number }>();
    for (const answer of answers) {
      const value = answer[side];
      if (value === null) continue;
      const at = sums.get(answer.step) ?? { sum: 0, count: 0 };
      at.sum += value;
      at.count++;
      sums.set(answer.step, at);
    }
    return steps.map((step) => {
      const at = sums.get(step);
      return at === undefined ? null : at.sum / at.count;
    });
  };
  const rankBefore = shares(both.map(({ before }) => before));
  const rankAfter = shares(both.map(({ after }) => after));
  const moved = both
    .map(({ components, ...answer }, place) => ({
      ...answer,
      rankBefore: rankBefore[place]!,
      rankAfter: rankAfter[place]!,
      components: [...components],
    }))
    .filter((answer) => answer.rankBefore !== answer.rankAfter)
    .sort(
      (one, other) =>
        Math.abs(other.rankAfter - other.rankBefore) - Math.abs(one.rankAfter - one.rankBefore) ||
        one.sampleId - other.sampleId,
    )
    .slice(0, movedShown);
  return {
    runId,
    answers: answers.length,
    warning,
    notGradable: answers.filter(({ after }) => after === null).length,
    steps,
    before: curve('before'),
    after: curve('after'),
    correlation:
      both.length < 2
        ? null
        : rankCorrelation(
            both.map(({ before }) => before),
            both.map(({ after }) => after),
          ),
    moved,
    seconds,
  };
}

/** Ranks as shares: 0 the worst, 1 the best. */
function shares(values: readonly number[]): number[] {
  if (values.length < 2) return values.map(() => 0);
  return Array.from(ranks(values), (rank) => (rank - 1) / (values.length - 1));
}
