/** Which methods can be measured on sampled answers of a model, and with which settings. */
import { EspalierError } from '../contract/errors.ts';
import { estimatorNames, type EstimatorSpec } from '../contract/estimator.ts';
import { methodSchema, type BudgetConfig, type MethodConfig } from '../contract/experiment.ts';
import type { MeasurableMethod } from '../contract/sampled-job.ts';
import type { Estimator } from '../estimators/estimator.ts';
import { estimators } from '../estimators/index.ts';
import { withoutGradient } from './laboratory-rows.ts';

export interface MeasuredMethod {
  readonly estimator: Estimator;
  readonly method: MethodConfig;
  readonly spec: EstimatorSpec;
  /** Whether it weighs the tokens of an answer differently, so that its gradient is measured by itself. */
  readonly looks: boolean;
}

export interface MeasuringOptions {
  readonly groupSize: number;
  readonly budget: BudgetConfig;
  /** Method of the experiment; where it looks into answers, its own settings for that are measured. */
  readonly own?: MethodConfig;
  /** Only these; all where absent. */
  readonly methods?: readonly string[] | undefined;
}

/** Settings that say how a method looks into answers. */
const lookSettings = [
  'anchorRule',
  'anchorStride',
  'anchorChance',
  'anchorBetween',
  'continuations',
] as const satisfies readonly (keyof MethodConfig)[];

/** The methods to measure, in the order of the list, and those that cannot be, with the reason. */
export function measuredMethods(options: MeasuringOptions): {
  readonly measured: readonly MeasuredMethod[];
  readonly left: readonly { readonly id: string; readonly title: string; readonly reason: string }[];
} {
  const measured: MeasuredMethod[] = [];
  const left: { id: string; title: string; reason: string }[] = [];
  for (const name of estimatorNames) {
    if (options.methods && !options.methods.includes(name)) continue;
    const estimator = estimators[name];
    const found = measuredMethod(estimator, options);
    if (typeof found === 'string') left.push({ id: name, title: estimator.title, reason: found });
    else measured.push(found);
  }
  return { measured, left };
}

function measuredMethod(
  estimator: Estimator,
  { groupSize, budget, own }: MeasuringOptions,
): MeasuredMethod | string {
  const { name } = estimator;
  if (estimator.defaults.groupSize === 0) return 'It learns from given texts.';
  const usual = estimator.spec(methodSchema.parse({ estimator: name }), budget);
  const reason = withoutGradient(usual);
  if (reason !== null) return reason;
  const alone = usual.plan.samplesPerPrompt === 1 && usual.advantage.scale === 'none';
  const settings =
    own?.estimator === name
      ? Object.fromEntries(
          lookSettings.flatMap((key) => (own[key] === undefined ? [] : [[key, own[key]] as const])),
        )
      : {};
  const method = methodSchema.parse({ ...settings, estimator: name, groupSize: alone ? 1 : groupSize });
  try {
    estimator.validate(method, budget);
  } catch (error) {
    // Refused for this budget, as a run would be.
    if (error instanceof EspalierError) return error.message;
    throw error;
  }
  return {
    estimator,
    method,
    spec: estimator.spec(method, budget),
    looks: usual.plan.anchors !== undefined || usual.critic !== undefined,
  };
}

/** What a person chooses from. */
export function measurableMethods(options: MeasuringOptions): MeasurableMethod[] {
  const { measured, left } = measuredMethods(options);
  const places = new Map(estimatorNames.map((name, place) => [name as string, place]));
  return [
    ...measured.map(({ estimator: { name, title }, spec }) => ({
      id: name,
      title,
      reason: null,
      extra: spec.plan.anchors
        ? `${spec.plan.anchors.continuations} continuations from each place it looks at, and a measurement of its own for each answer.`
        : spec.critic
          ? 'A critic that is fitted to other answers first, and a measurement of its own for each answer.'
          : spec.plan.greedy
            ? 'One greedy answer to each question.'
            : null,
    })),
    ...left.map((one) => ({ ...one, extra: null })),
  ].sort((a, b) => (places.get(a.id) ?? 0) - (places.get(b.id) ?? 0));
}
