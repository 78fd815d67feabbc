/** Which answers are learnt where only good ones are (RAFT, best-of-n): those above a threshold, or the best. */
import { membersByGroup } from './group-statistics.ts';

/**
 * For each answer whether it is kept. Answers that could not be graded (null) never are.
 * @param keepFrom smallest reward that is kept, however many answers of a group reach it; null: one answer of each
 *   group, the best, and among equally good ones the one with the largest tie break
 * @param tieBreaks a random number for each answer, needed only to keep the best
 */
export function keptAnswers(
  groups: ArrayLike<number>,
  rewards: readonly (number | null)[],
  keepFrom: number | null,
  tieBreaks: readonly number[],
): boolean[] {
  if (keepFrom !== null) return rewards.map((reward) => reward !== null && reward >= keepFrom);
  const kept = rewards.map(() => false);
  const gradable = rewards.map((reward) => reward !== null);
  for (const members of membersByGroup(groups, gradable)) {
    const best = members.reduce((most, answer) => Math.max(most, rewards[answer] ?? most), -Infinity);
    let chosen: number | null = null;
    for (const answer of members) {
      if (rewards[answer] !== best) continue;
      if (chosen === null || tieBreaks[answer]! > tieBreaks[chosen]!) chosen = answer;
    }
    if (chosen !== null) kept[chosen] = true;
  }
  return kept;
}
