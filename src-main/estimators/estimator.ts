/**
 * What an estimator is: a pure value that turns an experiment's settings into a rollout plan, a rule for
 * advantages and a surrogate loss, and that refuses settings which cannot work. It touches no model.
 */
import type {
  AdvantageSpec,
  Aggregation,
  EstimatorName,
  EstimatorSpec,
  SurrogateSpec,
} from '../contract/estimator.ts';
import type { BudgetConfig, MethodConfig } from '../contract/experiment.ts';

/** What a method uses where the experiment leaves a setting out. */
export interface EstimatorDefaults {
  /** Answers sampled for each question; 0 for methods that learn from a dataset. */
  readonly groupSize: number;
  readonly aggregation: Aggregation;
  /** Offsets of the clip band; null where the method has no ratio to clip. */
  readonly clip: { readonly low: number; readonly high: number } | null;
  /** The same of settings that only some methods have, by name; where a default follows from others it is left out. */
  readonly own?: Readonly<Record<string, string | number>>;
}

export interface Estimator {
  readonly name: EstimatorName;
  readonly title: string;
  /** One plain sentence. */
  readonly description: string;
  /** When to choose it, in one plain sentence. */
  readonly choose: string;
  /** Settings under `method` that belong to this method and few others: shown first in a form. */
  readonly settings: readonly (keyof MethodConfig)[];
  readonly cost: {
    /** What is generated for each question of a step, in words. */
    readonly generations: string;
    /** What is held in memory beside activations, in words. */
    readonly memory: string;
  };
  readonly defaults: EstimatorDefaults;
  /** Settings resolved for this method. Call `validate` first. */
  spec(method: MethodConfig, budget: BudgetConfig): EstimatorSpec;
  /** Throws a user error that names the setting, the reason and what to do, for settings that cannot work. */
  validate(method: MethodConfig, budget: BudgetConfig): void;
}

/** Memory of methods that hold one set of weights. */
export const policyMemory =
  'The model and its optimizer state; with a KL penalty also a copy of the starting weights.';

/** How an online method differs from the others: everything else follows from the settings. */
export interface OnlineTraits {
  readonly defaults: EstimatorDefaults;
  /** Whether one greedy answer for each question is sampled as its baseline. */
  readonly greedy: boolean;
  readonly advantage: AdvantageSpec;
  /**
   * `clipped`: always the clipped surrogate. `policyGradient`: plain policy gradient as long as each batch gives
   * one update; with more, answers are no longer fresh and the clipped surrogate takes over (at ratio 1 its
   * gradient is the same). `cispo`: policy gradient weighted by the clipped ratio.
   */
  readonly loss: 'clipped' | 'policyGradient' | 'cispo';
  /** Which ratio is clipped; that of each token where left out. */
  readonly ratio?: SurrogateSpec['ratio'];
}

/** The specification of a method that learns from its own sampled answers. */
export function onlineSpec(traits: OnlineTraits, method: MethodConfig, budget: BudgetConfig): EstimatorSpec {
  const { defaults } = traits;
  return {
    plan: { samplesPerPrompt: method.groupSize ?? defaults.groupSize, greedy: traits.greedy },
    advantage: traits.advantage,
    surrogate: onlineSurrogate(traits, method, budget),
    kl: method.kl,
  };
}

function onlineSurrogate(traits: OnlineTraits, method: MethodConfig, budget: BudgetConfig): SurrogateSpec {
  const fresh = method.epochs === 1 && method.minibatches === 1;
  const asked = method.clipLow !== undefined || method.clipHigh !== undefined;
  const plain = traits.loss === 'policyGradient' && fresh && !asked;
  return {
    kind: traits.loss === 'cispo' ? 'cispo' : plain ? 'pg' : 'ppoClip',
    ratio: traits.ratio ?? 'token',
    clipLow: method.clipLow ?? traits.defaults.clip?.low ?? 0.2,
    clipHigh: method.clipHigh ?? traits.defaults.clip?.high ?? 0.2,
    aggregation: method.aggregation ?? traits.defaults.aggregation,
    constantLength: budget.maxTokens,
    epochs: method.epochs,
    samplerCap: method.samplerCap,
    ...(method.entropyBonus ? { entropyBonus: method.entropyBonus } : {}),
  };
}
