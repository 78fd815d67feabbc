/** Bundle of all built-in verifiers: the same code that grades in process, for QuickJS here or on another computer. */
import type { ComponentOf } from '../../../contract/reward.ts';
import type { VerifierKind } from '../../grader.ts';
import type { RewardItem } from '../../outcome.ts';
import { scoreVerifier } from '../../score-answer.ts';

let settings: ComponentOf<VerifierKind> | undefined;

/** Takes the component, as JSON; never a problem. */
export function prepare(component: string): string {
  settings = JSON.parse(component) as ComponentOf<VerifierKind>;
  return '';
}

/** Grades an answer, given as JSON; the outcome as JSON. */
export function grade(item: string): string {
  if (settings === undefined) throw new Error('not prepared');
  return JSON.stringify(scoreVerifier(settings, JSON.parse(item) as RewardItem));
}
