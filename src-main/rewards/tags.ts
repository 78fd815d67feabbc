/** The reward `tags`: each tag is opened and closed once, one after the other, as in <think>…</think><answer>…</answer>. */
import type { ComponentOf } from '../contract/reward.ts';
import { isSpace } from './characters.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { right, wrong } from './outcome.ts';

/** Place of a text that occurs exactly once; −1 when it is missing, −2 when it occurs again. */
function onlyPlace(text: string, wanted: string): number {
  const first = text.indexOf(wanted);
  if (first === -1) return -1;
  return text.indexOf(wanted, first + wanted.length) === -1 ? first : -2;
}

function blank(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!isSpace(text.charCodeAt(i))) return false;
  return true;
}

/** 1 when all tags are as they must be, or with `share` the part of them that is. */
export function scoreTags(
  { response }: Pick<RewardItem, 'response'>,
  { tags, alone, filled, need }: Pick<ComponentOf<'tags'>, 'tags' | 'alone' | 'filled' | 'need'>,
): Outcome {
  let good = 0;
  let problem = '';
  let end = 0;
  let other = false;
  for (const tag of tags) {
    const opening = `<${tag}>`;
    const closing = `</${tag}>`;
    const from = onlyPlace(response, opening);
    const to = onlyPlace(response, closing);
    const fault =
      from === -1
        ? `${opening} is missing`
        : to === -1
          ? `${closing} is missing`
          : from === -2
            ? `${opening} occurs more than once`
            : to === -2
              ? `${closing} occurs more than once`
              : to < from
                ? `${closing} stands before ${opening}`
                : from < end
                  ? `${opening} is not in its place`
                  : filled && blank(response, from + opening.length, to)
                    ? `nothing stands inside ${opening}`
                    : '';
    if (fault !== '') {
      if (problem === '') problem = fault;
      if (need === 'all') return wrong(fault);
      continue;
    }
    if (!blank(response, end, from)) other = true;
    end = to + closing.length;
    good += 1;
  }
  if (alone && good > 0 && (other || !blank(response, end, response.length)))
    return wrong('other text stands outside the tags');
  if (good === tags.length) return right('all tags');
  return { value: good / tags.length, reason: problem };
}
