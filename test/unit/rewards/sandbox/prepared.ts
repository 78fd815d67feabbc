/** Components made ready in this process, without time limits unless a test gives a clock. */
import type {
  PreparedComponent,
  Problem,
  SandboxComponent,
} from '../../../../src-main/rewards/sandbox/prepared.ts';
import type { Outcome, RewardItem } from '../../../../src-main/rewards/outcome.ts';
import { prepareComponent } from '../../../../src-main/rewards/sandbox/prepare-component.ts';
import { answerItem } from '../reward-item.ts';

export async function ready(
  component: SandboxComponent,
  now: () => number = () => 0,
  seed = 1,
): Promise<PreparedComponent> {
  const preparation = await prepareComponent(component, { seed, now });
  if (!preparation.ok) throw new Error(preparation.problem.message);
  return preparation.prepared;
}

/** What is wrong with a component. */
export async function problemOf(component: SandboxComponent, now: () => number = () => 0): Promise<Problem> {
  const preparation = await prepareComponent(component, { seed: 1, now });
  if (preparation.ok) throw new Error('nothing is wrong with it');
  return preparation.problem;
}

/** Grades answers one after the other. */
export async function gradeAll(
  prepared: PreparedComponent,
  items: readonly Partial<RewardItem>[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const item of items) outcomes.push((await prepared.grade(answerItem(item))).outcome);
  return outcomes;
}

/**
 * A clock that stands still but moves on a millisecond each time it is read: a time limit becomes a number of looks at it,
 * which the engine takes at regular amounts of work. Makes tests of endless loops independent of the machine.
 */
export function workClock(): () => number {
  let looks = 0;
  return () => looks++;
}
