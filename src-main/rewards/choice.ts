/**
 * The reward `choice`: the answer picks the right letter of a multiple-choice question. An answer that names several
 * letters without saying which is meant is wrong, so that listing all of them earns nothing.
 */
import type { ComponentOf } from '../contract/reward.ts';
import { isSpace, isWholeWord } from './characters.ts';
import { lastBoxed } from './number-text.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { notGradable, right, wrong } from './outcome.ts';

/** How far behind a word such as “answer” its letter may stand. */
const REACH = 24;
/** Words behind which the chosen letter stands. */
const LEADS = ['answer', 'choice', 'option'] as const;
const DECORATION = '*_`\'"“”‘’([{<)]}>.:;,!$';

/** Place of a letter among the choices, from 0; −1 for any other character. */
function choiceOf(character: string | undefined, options: number, smallToo: boolean): number {
  if (character?.length !== 1) return -1;
  const code = character.charCodeAt(0);
  const capital = code - 0x41;
  if (capital >= 0 && capital < options) return capital;
  const small = code - 0x61;
  return smallToo && small >= 0 && small < options ? small : -1;
}

/** A text without white space, brackets, quotes, asterisks and full stops around it. */
function bare(text: string): string {
  let start = 0;
  let end = text.length;
  const strips = (at: number): boolean => isSpace(text.charCodeAt(at)) || DECORATION.includes(text[at] ?? '');
  while (start < end && strips(start)) start++;
  while (end > start && strips(end - 1)) end--;
  return text.slice(start, end);
}

/** The letter that a short text is, decoration aside: “B”, “(b).”, “**B**”, “\text{B}”. */
function single(text: string, options: number): number {
  const plain = bare(text.replace(/\\text(?:bf)?(?=\{)|\\mathrm(?=\{)|\\mathbf(?=\{)/g, ''));
  return plain.length === 1 ? choiceOf(plain, options, true) : -1;
}

/** The letter at the head of a text such as “B) Paris” or “(B) Paris” or “B: because”. */
function heading(text: string, options: number): number {
  const found = /^[\s*("[]*([A-Za-z])[*"]*[)\].:][\s*]*(?=\S)/.exec(text.slice(0, 64));
  return choiceOf(found?.[1], options, true);
}

const JOINED =
  /^[)\]*"'.]{0,4}(?:\s*(?:,|\/|&|or\b|and\b)\s*){1,2}(?:or\s|and\s)?[(["*']{0,3}([A-Za-z])(?![\w'’])/;

/** What behind a word such as “answer” says which letter is meant. */
const POINTER =
  /^\s?(?:is|was|would be|must be|should be|:|=|-|–)?\s?(?:is|:|=)?\s?(?:option |choice |answer |letter )?[\s:*("[`']*([A-Za-z])(?![\w'’])/i;

/** The last letter that a phrase such as “the answer is (B)” names; −1 without any, −2 where it names several. */
function stated(text: string, lowered: string, options: number): number {
  let best = -1;
  let chosen = -1;
  for (const lead of LEADS) {
    for (
      let at = lowered.lastIndexOf(lead);
      at > best;
      at = at === 0 ? -1 : lowered.lastIndexOf(lead, at - 1)
    ) {
      const from = at + lead.length;
      const after = text.slice(from, from + REACH);
      const found = POINTER.exec(after);
      // In small letters “the answer is a dog” names nothing.
      const letter = choiceOf(found?.[1], options, false);
      if (found === null || letter < 0) continue;
      const joined = JOINED.exec(text.slice(from + found[0].length, from + found[0].length + REACH));
      const other = choiceOf(joined?.[1], options, false);
      best = at;
      chosen = other >= 0 && other !== letter ? -2 : letter;
      break;
    }
  }
  return chosen;
}

/** The only letter that stands in brackets or by itself; −1 without any, −2 for several. */
function mentioned(text: string, options: number): number {
  let chosen = -1;
  for (let i = 0; i < text.length; i++) {
    const letter = choiceOf(text[i], options, false);
    if (letter < 0 || !isWholeWord(text, i, i + 1)) continue;
    const before = text[i - 1] ?? '\n';
    const after = text[i + 1] ?? '\n';
    const bracketed = '([*'.includes(before) && ')]*'.includes(after);
    const atEnd = /^[.!]?\s*$/.test(text.slice(i + 1, i + 4)) && i + 4 >= text.length;
    // “A” and “I” are words too: by themselves they count only in brackets, as “A)”, or as the last word.
    const listed = after === ')' || after === ':';
    const isWord = letter === 0 || letter === 8;
    if (!bracketed && !atEnd && !listed && isWord) continue;
    if (after === "'" || after === '’') continue;
    if (chosen >= 0 && chosen !== letter) return -2;
    chosen = letter;
  }
  return chosen;
}

function referenceChoice(reference: string, options: number): number {
  const alone = single(reference, options);
  return alone >= 0 ? alone : heading(reference, options);
}

const letterName = (place: number): string => String.fromCharCode(0x41 + place);

/** 1 when the answer picks the letter of the reference; not gradable when the reference names no letter. */
export function scoreChoice(
  { response, reference }: Pick<RewardItem, 'response' | 'reference'>,
  { options }: Pick<ComponentOf<'choice'>, 'options'>,
): Outcome {
  if (reference.trim() === '') return notGradable('the row has no right answer');
  const wanted = referenceChoice(reference, options);
  if (wanted < 0)
    return notGradable(`the right answer of the row is none of the letters A to ${letterName(options - 1)}`);
  const chosen = chosenLetter(response, options);
  if (chosen === -2) return wrong('names several choices');
  if (chosen < 0) return wrong(response.trim() === '' ? 'empty answer' : 'names no choice');
  return chosen === wanted ? right(`chose ${letterName(chosen)}`) : wrong(`chose ${letterName(chosen)}`);
}

/**
 * The letter that an answer picks, as its place from 0: in its last \boxed{…}; alone; as the last “the answer is …”; at
 * its head; or the only one mentioned. −1 without any, −2 when it names several.
 */
function chosenLetter(response: string, options: number): number {
  if (response.length <= 64) {
    const alone = single(response, options);
    if (alone >= 0) return alone;
  }
  if (response.includes('\\boxed')) {
    const boxed = lastBoxed(response);
    if (boxed !== undefined) return single(boxed, options);
  }
  const phrase = stated(response, response.toLowerCase(), options);
  if (phrase !== -1) return phrase;
  const anywhere = mentioned(response, options);
  if (anywhere !== -1) return anywhere;
  return heading(response, options);
}
