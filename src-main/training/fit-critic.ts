/**
 * Fits the critic of PPO to sampled answers before anything is measured with it: the laboratory compares methods as they
 * are in the middle of a run, where the critic has learnt already. The answers are none of those that are measured.
 */
import { computeAdvantages } from '../estimators/advantages.ts';
import { explainedVariance } from '../estimators/value-loss.ts';
import type { LearnerSequence } from './learner.ts';
import type { TrainingParts } from './training-parts.ts';
import { stepCritic, valueTargetsOf } from './update-critic.ts';

const adamEps = 1e-8;
const passes = 8;
const updatesPerPass = 8;

export interface JudgedAnswer extends LearnerSequence {
  readonly reward: number;
}

/**
 * Steps the critic of `parts`, which must have one of its own.
 * @param onPass called with the share that is done; false ends it
 * @returns the share of the variance of rewards that it explains in the end
 */
export async function fitCritic(
  parts: TrainingParts,
  answers: readonly JudgedAnswer[],
  onPass: (share: number) => Promise<boolean>,
): Promise<number> {
  const { critic, spec, config } = parts;
  if (!critic) throw new Error('internal: no critic to fit');
  const { learningRate, beta1, beta2, weightDecay, clipNorm } = config.method;
  const included = answers.map(() => true);
  const targets = async () => {
    const oldValues = await critic.values(answers);
    const { returns } = computeAdvantages(
      {
        groups: answers.map(() => 0),
        rewards: answers.map(({ reward }) => reward),
        lengths: answers.map(({ answerIds }) => answerIds.length),
        criticValues: oldValues,
      },
      { ...spec.advantage, scale: 'none' },
      { ...spec.kl, where: 'none' },
    );
    if (returns === undefined) throw new Error('internal: a critic without returns');
    return { oldValues, returns };
  };
  for (let pass = 0; pass < passes; pass++) {
    const batch = await targets();
    for (let update = 0; update < updatesPerPass; update++) {
      const members = answers.flatMap((_, place) => (place % updatesPerPass === update ? [place] : []));
      if (members.length === 0) continue;
      const wanted = valueTargetsOf(parts, { sequences: answers, included }, batch, members);
      await stepCritic(
        parts,
        members.map((place) => answers[place]!),
        wanted ?? [],
        { learningRate, beta1, beta2, eps: adamEps, weightDecay, clipNorm },
      );
    }
    if (!(await onPass((pass + 1) / passes))) break;
  }
  const { oldValues, returns } = await targets();
  return explainedVariance(
    answers.map((_, place) => ({ values: oldValues[place]!, returns: returns[place]! })),
  );
}
