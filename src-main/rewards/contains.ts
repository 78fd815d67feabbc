/** The reward `contains`: texts that must, or must not, occur in the answer. */
import type { ComponentOf } from '../contract/reward.ts';
import { isWholeWord } from './characters.ts';
import { fillTexts } from './fill-text.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { notGradable, right, wrong } from './outcome.ts';

/** Whether a text occurs; with `words` only where no letter or digit touches it. */
export function occurs(text: string, wanted: string, words: boolean): boolean {
  if (!words) return text.includes(wanted);
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) {
    if (isWholeWord(text, at, at + wanted.length)) return true;
  }
  return false;
}

const quoted = (text: string): string => `“${text.length > 40 ? `${text.slice(0, 40)}…` : text}”`;

/** 1 when as many of the texts occur as are wanted; not gradable when one of them is empty in the row. */
export function scoreContains(item: RewardItem, component: ComponentOf<'contains'>): Outcome {
  const filled = fillTexts(component.texts, item);
  if ('problem' in filled) return notGradable(filled.problem);
  const { need, words, ignoreCase } = component;
  if (item.response.trim() === '') return wrong('empty answer');
  const text = ignoreCase ? item.response.toLowerCase() : item.response;
  for (const wanted of filled.texts) {
    const found = occurs(text, (ignoreCase ? wanted.toLowerCase() : wanted).trim(), words);
    if (need === 'all' && !found) return wrong(`${quoted(wanted)} is missing`);
    if (need === 'any' && found) return right(`has ${quoted(wanted)}`);
    if (need === 'none' && found) return wrong(`has ${quoted(wanted)}`);
  }
  if (need === 'any') return wrong('has none of the texts');
  return right(need === 'all' ? 'has all texts' : 'has none of the texts');
}
