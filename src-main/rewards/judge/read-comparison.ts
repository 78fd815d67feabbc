/**
 * Which answer a judge prefers. The first rule that fits counts: a JSON object that says it; the last word behind "Better:"
 * or "Winner:"; a reply of one word; `[[A]]`; a sentence such as "the second answer is better".
 */
import { lastObjectWith, reasonOf, spokenPart, type ReadJudgement } from './read-reply.ts';

/** The place of the better answer. */
export type Preference = 'first' | 'second' | 'equal';

const fields = ['better', 'winner', 'verdict', 'preference', 'best'] as const;

const meanings: readonly (readonly [Preference, RegExp])[] = [
  ['first', /^(?:the )?(?:first(?: answer| one)?|answer (?:a|1|one)|a|1|one)$/i],
  ['second', /^(?:the )?(?:second(?: answer| one)?|answer (?:b|2|two)|b|2|two)$/i],
  ['equal', /^(?:equal(?:ly good)?|tie|tied|draw|both|neither|same|c)$/i],
];

const choice = String.raw`((?:the )?(?:first|second)(?: answer)?|answer (?:a|b|1|2|one|two)|equal|tie|tied|draw|neither|both|a|b|1|2)`;
const labelled = new RegExp(
  String.raw`\b(?:better(?: answer)?|winner|verdict|preference|best(?: answer)?)\b["*_\s]{0,6}(?:is|:|=|-|–)["*_\s\[]{0,6}${choice}\b`,
  'gi',
);
const bracketed = /\[\[([abc])\]\]/gi;
const sentence =
  /\b(first|second)(?: answer)?(?: is| seems| appears)(?: (?:clearly|slightly|much|somewhat|far))? (?:better|stronger|best)\b/gi;
const tieSentence = /\b(?:both answers are|they are|the answers are) (?:equal|equally good|the same)\b/i;

/** Reads the preference. */
export function readComparison(reply: string): ReadJudgement<Preference> {
  const text = spokenPart(reply);
  if (text === null) return { unreadable: 'it holds no judgement, only thoughts or nothing at all' };
  const object = lastObjectWith(text, fields);
  if (object !== null) {
    const field = fields.find((name) => Object.hasOwn(object, name))!;
    const given = object[field];
    const verdict = typeof given === 'string' || typeof given === 'number' ? meaningOf(String(given)) : null;
    return verdict === null
      ? { unreadable: `its field "${field}" says neither first, second nor equal` }
      : { verdict, reason: reasonOf(object, text) };
  }
  const verdict = preferenceInWords(text);
  return verdict === null
    ? { unreadable: 'it does not say which answer is better' }
    : { verdict, reason: reasonOf(null, text) };
}

function preferenceInWords(text: string): Preference | null {
  const label = [...text.matchAll(labelled)].at(-1)?.[1];
  if (label !== undefined) return meaningOf(label);
  const lone = meaningOf(text);
  if (lone !== null) return lone;
  const mark = [...text.matchAll(bracketed)].at(-1)?.[1];
  if (mark !== undefined) return meaningOf(mark);
  const said = new Set([...text.matchAll(sentence)].map(([, place = '']) => place.toLowerCase()));
  if (tieSentence.test(text)) said.add('equal');
  const [only, another] = said;
  return only === undefined || another !== undefined ? null : meaningOf(only);
}

function meaningOf(word: string): Preference | null {
  const plain = word.replace(/["'*_`.![\]]/g, '').trim();
  return meanings.find(([, pattern]) => pattern.test(plain))?.[0] ?? null;
}
