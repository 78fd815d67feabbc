/** The list of estimators: one entry for each name that an experiment may use. */
import type { EstimatorName, EstimatorSpec } from '../contract/estimator.ts';
import type { BudgetConfig, MethodConfig } from '../contract/experiment.ts';
import { dpo } from './dpo.ts';
import { drGrpo } from './dr-grpo.ts';
import type { Estimator } from './estimator.ts';
import { grpo } from './grpo.ts';
import { kto } from './kto.ts';
import { onlineDpo } from './online-dpo.ts';
import { orpo } from './orpo.ts';
import { ppo } from './ppo.ts';
import { reinforce } from './reinforce.ts';
import { remax } from './remax.ts';
import { rloo } from './rloo.ts';
import { sft } from './sft.ts';
import { simpo } from './simpo.ts';
import { refuseForeign } from './validation.ts';

/** Every estimator by name; the type makes a missing one a compile error. */
export const estimators: Readonly<Record<EstimatorName, Estimator>> = {
  reinforce,
  rloo,
  grpo,
  'dr-grpo': drGrpo,
  remax,
  ppo,
  sft,
  dpo,
  kto,
  orpo,
  simpo,
  'online-dpo': onlineDpo,
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
