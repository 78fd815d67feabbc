/**
 * Grades batches of answers by a whole reward. Built-in verifiers run here and at once; what runs users' code, a model or
 * a judge is handed in, so that this folder knows neither processes nor network.
 */
import type {
  ComponentOf,
  RewardComponent,
  RewardConfig,
  RewardKind,
  RewardScore,
} from '../contract/reward.ts';
import { combine, componentNames } from './combine.ts';
import { scoreVerifier } from './score-answer.ts';
import type { Outcome, RewardItem } from './outcome.ts';

/** Kinds that need more than the answer and its row: a sandbox, a model, or a judge. */
export type ExternalKind = 'regex' | 'json-schema' | 'code' | 'function' | 'reward-model' | 'judge';
/** Kinds that are pure functions of the answer and its row. */
export type VerifierKind = Exclude<RewardKind, ExternalKind>;

/** One grader for each external kind; each gives one outcome for each item, in their order. */
export type ExternalGraders = {
  readonly [K in ExternalKind]: (
    component: ComponentOf<K>,
    items: readonly RewardItem[],
  ) => Promise<readonly Outcome[]>;
};

export interface Grader {
  /** Scores in the order of the items. */
  grade(items: readonly RewardItem[]): Promise<RewardScore[]>;
}

/** Tells how long the grader of a component took, in seconds. */
export interface GraderWatch {
  readonly now: () => number;
  readonly onTime: (component: number, seconds: number) => void;
}

/** @param external used only for the kinds that the reward has */
export function createGrader(reward: RewardConfig, external: ExternalGraders, watch?: GraderWatch): Grader {
  const names = componentNames(reward);
  return {
    async grade(items) {
      const columns = await Promise.all(
        reward.components.map(async (component, place) => {
          const started = watch?.now() ?? 0;
          const outcomes = await gradeComponent(component, items, external);
          watch?.onTime(place, (watch.now() - started) / 1000);
          return outcomes;
        }),
      );
      return items.map((item, place) =>
        combine(
          reward,
          names,
          columns.map((column) => column[place]!),
          item,
        ),
      );
    },
  };
}

function gradeComponent(
  component: RewardComponent,
  items: readonly RewardItem[],
  external: ExternalGraders,
): Promise<readonly Outcome[]> {
  switch (component.kind) {
    case 'regex':
      return external.regex(component, items);
    case 'json-schema':
      return external['json-schema'](component, items);
    case 'code':
      return external.code(component, items);
    case 'function':
      return external.function(component, items);
    case 'reward-model':
      return external['reward-model'](component, items);
    case 'judge':
      return external.judge(component, items);
    default:
      return Promise.resolve(items.map((item) => scoreVerifier(component, item)));
  }
}
