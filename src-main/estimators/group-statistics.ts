/**
 * Statistics of the rewards of one group of answers, in double precision, and the rule by which a group counts
 * as having no signal. In single precision the mean of equal numbers may differ from them by one bit, which a
 * division by a tiny deviation blows up; so "no signal" is decided by the spread before anything is divided.
 */

/** A group whose largest and smallest reward differ by at most this carries no learning signal. */
export const noSignalTolerance = 1e-6;

/** Whether the values differ enough to learn from; false for fewer than two values. */
export function hasSignal(values: readonly number[]): boolean {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high - low > noSignalTolerance;
}

/** Arithmetic mean; 0 for no values. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) return 0;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Standard deviation with divisor n − ddof, by deviations from the mean; 0 where n ≤ ddof. */
export function standardDeviation(values: readonly number[], ddof: 0 | 1): number {
  if (values.length <= ddof) return 0;
  const center = mean(values);
  let squares = 0;
  for (const value of values) squares += (value - center) ** 2;
  return Math.sqrt(squares / (values.length - ddof));
}

/**
 * Answers of each group: `groups[i]` is the group of answer i (integers from 0). Only answers for which
 * `include` holds are listed; groups without any give an empty list.
 * Throws RangeError for a group that is not an integer from 0.
 */
export function membersByGroup(groups: ArrayLike<number>, include: readonly boolean[]): number[][] {
  const members: number[][] = [];
  for (let answer = 0; answer < groups.length; answer++) {
    const group = groups[answer]!;
    if (!Number.isInteger(group) || group < 0) throw new RangeError(`group of answer ${answer} is ${group}`);
    while (members.length <= group) members.push([]);
    if (include[answer]) members[group]!.push(answer);
  }
  return members;
}

/**
 * For each group, whether its gradable rewards differ (null: not gradable). Groups without signal add nothing
 * to a group-relative gradient; DAPO draws them again.
 */
export function groupsWithSignal(groups: ArrayLike<number>, rewards: readonly (number | null)[]): boolean[] {
  const gradable = rewards.map((reward) => reward !== null);
  return membersByGroup(groups, gradable).map((answers) =>
    hasSignal(answers.map((answer) => rewards[answer] ?? 0)),
  );
}
