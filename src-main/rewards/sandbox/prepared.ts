/** A component that is ready to grade inside the sandbox, whatever its kind. */
import type { RewardComponent } from '../../contract/reward.ts';
import type { Outcome, RewardItem } from '../outcome.ts';

/** What is wrong with a component itself, found before anything is graded. */
export interface Problem {
  readonly message: string;
  /** Setting of the component, for example `pattern`, with a place inside it. */
  readonly where: string;
  readonly advice: string;
}

/** The outcome of one answer, and what users' code printed meanwhile. */
export interface Graded {
  readonly outcome: Outcome;
  readonly lines: readonly string[];
}

export interface PreparedComponent {
  grade(item: RewardItem): Promise<Graded>;
}

export type Preparation =
  | { readonly ok: true; readonly prepared: PreparedComponent }
  | { readonly ok: false; readonly problem: Problem };

/** What preparing needs besides the component. */
export interface PreparationContext {
  /** Seed of the run: numbers that a reward function draws depend on it and on the answer. */
  readonly seed: number;
  /** A clock in milliseconds, by which time limits are measured. */
  readonly now: () => number;
}

/** Kinds that the sandbox grades; the others need a model or a judge. */
export type SandboxComponent = Exclude<RewardComponent, { kind: 'reward-model' | 'judge' }>;
export const refused = (problem: Problem): Preparation => ({ ok: false, problem });
