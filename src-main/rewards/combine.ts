/** From what the components of a reward say of an answer to one number. */
import type { RewardConfig, RewardScore } from '../contract/reward.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { evenedOut } from './running-statistics.ts';
import type { RewardStatistics } from './running-statistics.ts';

type RewardRules = Pick<RewardConfig, 'components' | 'combine' | 'clip' | 'truncated' | 'truncatedPenalty'>;

const cut = (value: number, [low, high]: readonly [number, number]): number =>
  Math.min(Math.max(value, low), high);

/** Names of the logged columns, in order: the given name, else the kind; equal ones are numbered (`number`, `number-2`). */
export function componentNames(reward: Pick<RewardConfig, 'components'>): string[] {
  const used = new Set<string>();
  return reward.components.map(({ name, kind }) => {
    const wanted = name ?? kind;
    let unique = wanted;
    for (let copy = 2; used.has(unique); copy++) unique = `${wanted}-${copy}`;
    used.add(unique);
    return unique;
  });
}

/**
 * The reward of an answer from the outcomes of its components, given in their order. Values are cut off to the range of
 * their component; a value that is no finite number counts as not gradable.
 * @param statistics by which components are evened out; without them values stand as they are
 */
export function combine(
  reward: RewardRules,
  names: readonly string[],
  outcomes: readonly Outcome[],
  { finish }: Pick<RewardItem, 'finish'>,
  statistics: RewardStatistics = [],
): RewardScore {
  const components = reward.components.map(({ range, kind }, place) => {
    const { value, reason } = outcomes[place]!;
    const name = names[place] ?? kind;
    if (value === null) return { name, value, reason };
    if (!Number.isFinite(value))
      return { name, value: null, reason: `gave ${value}, which is no number to learn from` };
    return { name, value: range === undefined ? value : cut(value, range), reason };
  });
  return withTotal(reward, components, finish, statistics);
}

/** A score whose components are known, with the total that the rules give at these statistics. */
export function withTotal(
  reward: RewardRules,
  components: RewardScore['components'],
  finish: RewardItem['finish'],
  statistics: RewardStatistics,
): RewardScore {
  const truncated = finish === 'length';
  if (truncated && reward.truncated === 'mask') return { total: null, masked: true, components };
  const content = contentOf(reward, components, statistics);
  if (content === null) return { total: null, components };
  const penalised =
    truncated && reward.truncated === 'penalise' ? content - reward.truncatedPenalty : content;
  const total = reward.clip === undefined ? penalised : cut(penalised, reward.clip);
  return { total: Number.isFinite(total) ? total : null, components };
}

/** What the components make together; null when one that counts could not grade. A gate that is not reached settles it. */
function contentOf(
  { components: rules, combine: how }: RewardRules,
  components: RewardScore['components'],
  statistics: RewardStatistics,
): number | null {
  let missing = false;
  let content = how === 'sum' ? 0 : 1;
  for (let place = 0; place < rules.length; place++) {
    const { weight, gate } = rules[place]!;
    const { value } = components[place]!;
    if (value === null) {
      // A component of weight 0 without a gate is watched, not counted: its failure must not cost the answer.
      missing ||= weight !== 0 || gate !== undefined;
      continue;
    }
    if (gate !== undefined && value < gate) return 0;
    if (weight === 0) continue;
    const entry = statistics[place] ?? null;
    const counted = entry === null ? value : evenedOut(value, entry);
    if (how === 'sum') content += weight * counted;
    else content *= Math.max(counted, 0) ** weight;
  }
  return missing ? null : content;
}
