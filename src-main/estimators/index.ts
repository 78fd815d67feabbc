/** The list of estimators: one entry for each name that an experiment may use. */
import type { EstimatorCard } from '../contract/calls.ts';
import type { EstimatorName, EstimatorSpec, RolloutPlan } from '../contract/estimator.ts';
import { budgetSchema, methodSchema, type BudgetConfig, type MethodConfig } from '../contract/experiment.ts';
import { cispo } from './cispo.ts';
import { dapo } from './dapo.ts';
import { dpo } from './dpo.ts';
import { drGrpo } from './dr-grpo.ts';
import type { Estimator } from './estimator.ts';
import { gpg } from './gpg.ts';
import { grpo } from './grpo.ts';
import { kto } from './kto.ts';
import { onlineDpo } from './online-dpo.ts';
import { orpo } from './orpo.ts';
import { ppo } from './ppo.ts';
import { gspo } from './gspo.ts';
import { opo } from './opo.ts';
import { passAtK } from './pass-at-k.ts';
import { raft } from './raft.ts';
import { reinforcePlusPlusBaseline } from './reinforce-plus-plus-baseline.ts';
import { reinforcePlusPlus } from './reinforce-plus-plus.ts';
import { reinforce } from './reinforce.ts';
import { remax } from './remax.ts';
import { rewardModel } from './reward-model.ts';
import { rloo } from './rloo.ts';
import { sft } from './sft.ts';
import { simpo } from './simpo.ts';
import { refuseForeign } from './validation.ts';
import { trepo } from './trepo.ts';
import { vineppo } from './vineppo.ts';

/** Every estimator by name; the type makes a missing one a compile error. */
export const estimators: Readonly<Record<EstimatorName, Estimator>> = {
  reinforce,
  'reinforce-plus-plus': reinforcePlusPlus,
  'reinforce-plus-plus-baseline': reinforcePlusPlusBaseline,
  rloo,
  grpo,
  'dr-grpo': drGrpo,
  gspo,
  cispo,
  opo,
  gpg,
  'pass-at-k': passAtK,
  remax,
  dapo,
  ppo,
  vineppo,
  trepo,
  raft,
  sft,
  dpo,
  kto,
  orpo,
  simpo,
  'online-dpo': onlineDpo,
  'reward-model': rewardModel,
};

/**
 * The specification that an experiment's settings give, after its method has checked them.
 * Throws a user error for settings that cannot work.
 */
export function estimatorSpec(method: MethodConfig, budget: BudgetConfig): EstimatorSpec {
  const estimator = estimators[method.estimator];
  refuseForeign(estimator, method);
  estimator.validate(method, budget);
  return estimator.spec(method, budget);
}

/** Answers, or continuations of one look into each of them, that a step samples at once; no more than the sampler has places for. */
export function sampledTogether(plan: RolloutPlan, promptsPerStep: number): number {
  return promptsPerStep * plan.samplesPerPrompt * (plan.anchors?.continuations ?? 1);
}

/** What a row of the data must hold for a method. */
function dataOf(estimator: Estimator): EstimatorCard['data'] {
  if (estimator.defaults.groupSize > 0) return 'questions';
  const method = methodSchema.parse({ estimator: estimator.name });
  const { preference } = estimator.spec(method, budgetSchema.parse({}));
  if (preference === undefined) return 'answers';
  return preference.loss === 'kto' ? 'verdicts' : 'pairs';
}

/** What a person reads to choose between methods, in the order of the list. */
export function describeEstimators(): EstimatorCard[] {
  return Object.values(estimators).map((estimator) => {
    const { name, title, description, choose, cost, settings, defaults } = estimator;
    return {
      name,
      title,
      description,
      choose,
      ...cost,
      settings: [...settings],
      defaults: {
        ...(defaults.groupSize > 0 ? { groupSize: defaults.groupSize } : {}),
        aggregation: defaults.aggregation,
        ...(defaults.clip ? { clipLow: defaults.clip.low, clipHigh: defaults.clip.high } : {}),
        ...defaults.own,
      },
      samples: defaults.groupSize > 0,
      data: dataOf(estimator),
    };
  });
}
