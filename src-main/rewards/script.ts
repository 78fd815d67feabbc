/** The reward `script`: the share of letters that belong to the wanted writing system. */
import type { ComponentOf } from '../contract/reward.ts';
import { isLetter } from './characters.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { wrong } from './outcome.ts';
import { isOfScript } from './scripts.ts';

/** From 0 to 1; digits, marks and punctuation do not count, and an answer without letters scores 0. */
export function scoreScript(
  { response }: Pick<RewardItem, 'response'>,
  { script }: Pick<ComponentOf<'script'>, 'script'>,
): Outcome {
  let letters = 0;
  let wanted = 0;
  for (let i = 0; i < response.length; i++) {
    const code = response.codePointAt(i) ?? 0;
    if (code > 0xffff) i += 1;
    if (!isLetter(code)) continue;
    letters += 1;
    if (isOfScript(code, script)) wanted += 1;
  }
  if (letters === 0) return wrong(response.trim() === '' ? 'empty answer' : 'no letters');
  return { value: wanted / letters, reason: `${wanted} of ${letters} letters are ${script}` };
}
