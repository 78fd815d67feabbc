/**
 * What each instruction of IFEval asks of an answer (Zhou et al. 2023, arXiv 2311.07911), by its published id. Keywords
 * count as plain texts, never as patterns. Everything runs in time linear in the answer.
 */
import type { InstructionId } from '../contract/instruction-checks.ts';
import type { Json } from '../datasets/row.ts';
import { countWordTokens, countUpperCase, isLowerCase, isUpperCase } from './cased-words.ts';
import { occurs } from './contains.ts';
import { jsonText, parseAnswerJson } from './json-text.ts';
import { isInLanguage } from './language.ts';
import { countSentences } from './sentences.ts';

/** The arguments of an instruction as they stand in a configuration or a row. */
export type InstructionArguments = Readonly<Record<string, Json>>;

/** Thrown for an argument that is missing or of the wrong sort: the row is at fault, not the answer. */
export class ArgumentMissing extends Error {}

type Check = (text: string, given: InstructionArguments) => boolean;

function own(given: InstructionArguments, name: string): Json | undefined {
  return Object.hasOwn(given, name) ? given[name] : undefined;
}

function wholeNumber(given: InstructionArguments, name: string): number {
  const value = own(given, name);
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new ArgumentMissing(`no number “${name}”`);
  return value;
}

function plainText(given: InstructionArguments, name: string): string {
  const value = own(given, name);
  if (typeof value !== 'string' || value === '') throw new ArgumentMissing(`no text “${name}”`);
  return value;
}

function plainTexts(given: InstructionArguments, name: string): string[] {
  const value = own(given, name);
  const list = Array.isArray(value) ? value : typeof value === 'string' ? [value] : [];
  const found = list.filter((one) => typeof one === 'string').filter((one) => one !== '');
  if (found.length === 0 || found.length < list.length) throw new ArgumentMissing(`no texts “${name}”`);
  return found;
}

/** Whether a count is in the wanted relation to a number. */
function related(count: number, given: InstructionArguments, relation: string, number: string): boolean {
  const wanted = own(given, relation);
  const limit = wholeNumber(given, number);
  if (wanted === 'at least') return count >= limit;
  if (wanted === 'less than') return count < limit;
  throw new ArgumentMissing(`“${relation}” is neither “at least” nor “less than”`);
}

/** How often a text occurs, without overlap. */
function occurrences(text: string, wanted: string): number {
  let count = 0;
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + wanted.length)) count += 1;
  return count;
}

const blank = (text: string): boolean => text.trim() === '';

/** Placeholders in square brackets within a line. */
function placeholders(text: string): number {
  let count = 0;
  for (const line of text.split('\n')) {
    for (let open = line.indexOf('['); open !== -1;) {
      const close = line.indexOf(']', open);
      if (close === -1) break;
      count += 1;
      open = line.indexOf('[', close);
    }
  }
  return count;
}

/** Lines that begin with a hyphen, or with a single asterisk that something follows. */
function bullets(text: string): number {
  let count = 0;
  for (const line of text.split('\n')) {
    const start = line.trimStart();
    if (start.startsWith('-') || (start.length > 1 && start[0] === '*' && start[1] !== '*')) count += 1;
  }
  return count;
}

/**
 * Parts between asterisks in one line, of which something is left without them; what stands between double asterisks
 * counts once more.
 */
function highlights(text: string): number {
  let count = 0;
  for (const line of text.split('\n')) {
    if (!line.includes('*')) continue;
    count += enclosed(line, '*') + enclosed(line, '**');
  }
  return count;
}

/** Parts of a line between two marks without an asterisk between them, read from left to right. */
function enclosed(line: string, mark: string): number {
  let count = 0;
  let open = line.indexOf(mark);
  while (open !== -1) {
    const from = open + mark.length;
    const star = line.indexOf('*', from);
    if (star === -1) break;
    if (line.startsWith(mark, star)) {
      if (!blank(line.slice(from, star))) count += 1;
      open = line.indexOf(mark, star + mark.length);
    } else {
      open = line.indexOf(mark, open + 1);
    }
  }
  return count;
}

/** Section marks such as “SECTION 1” or “Section2”. */
function sections(text: string, splitter: string): number {
  let count = 0;
  for (let at = text.indexOf(splitter); at !== -1; at = text.indexOf(splitter, at + splitter.length)) {
    let next = at + splitter.length;
    if (/\s/.test(text[next] ?? '')) next += 1;
    if (/[0-9]/.test(text[next] ?? '')) count += 1;
  }
  return count;
}

/** Paragraphs with *** between them; −1 when one inside is empty. */
function dividedParagraphs(text: string): number {
  const parts = text.split('***');
  let count = parts.length;
  for (const [place, part] of parts.entries()) {
    if (!blank(part)) continue;
    if (place !== 0 && place !== parts.length - 1) return -1;
    count -= 1;
  }
  return count;
}

function firstWord(paragraph: string): string {
  const word = (/^\S+/.exec(paragraph.trim())?.[0] ?? '').replace(/^'+/, '').replace(/^"+/, '');
  const end = word.search(/[.,?!'"]/);
  return (end === -1 ? word : word.slice(0, end)).toLowerCase();
}

function hasFirstWord(text: string, given: InstructionArguments): boolean {
  const paragraphs = text.split('\n\n');
  const count = paragraphs.filter((paragraph) => !blank(paragraph)).length;
  const which = wholeNumber(given, 'nth_paragraph');
  const wanted = wholeNumber(given, 'num_paragraphs');
  const word = plainText(given, 'first_word').toLowerCase();
  const paragraph = which >= 1 && which <= count ? paragraphs[which - 1] : undefined;
  return paragraph !== undefined && !blank(paragraph) && count === wanted && firstWord(paragraph) === word;
}

function hasPostscript(text: string, marker: string): boolean {
  const lowered = text.toLowerCase();
  if (marker === 'P.P.S') return /p\.\s?p\.\s?s/.test(lowered);
  if (marker === 'P.S.') return /p\.\s?s\./.test(lowered);
  return lowered.includes(marker.trim().toLowerCase());
}

function hasTitle(text: string): boolean {
  return text.split('\n').some((line) => {
    const open = line.indexOf('<<');
    const close = line.lastIndexOf('>>');
    return open !== -1 && close > open + 2 && !blank(stripped(line.slice(open, close), '<', '>'));
  });
}

function areTwoAnswers(text: string): boolean {
  const parts = text.split('******');
  const kept = parts.filter((part) => !blank(part)).map((part) => part.trim());
  const emptyInside = parts.some((part, place) => blank(part) && place !== 0 && place !== parts.length - 1);
  return !emptyInside && kept.length === 2 && kept[0] !== kept[1];
}

/** A text without the characters `first` at its start and `last` at its end. */
function stripped(text: string, first: string, last: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === first) start++;
  while (end > start && text[end - 1] === last) end--;
  return text.slice(start, end);
}

const constrained = ['My answer is yes.', 'My answer is no.', 'My answer is maybe.'];

/** A check for every id. A missing one does not compile. */
export const instructionChecks: Readonly<Record<InstructionId, Check>> = {
  'punctuation:no_comma': (text) => !text.includes(','),
  'length_constraints:number_words': (text, given) =>
    related(countWordTokens(text), given, 'relation', 'num_words'),
  'length_constraints:number_sentences': (text, given) =>
    related(countSentences(text, true), given, 'relation', 'num_sentences'),
  'length_constraints:number_paragraphs': (text, given) =>
    dividedParagraphs(text) === wholeNumber(given, 'num_paragraphs'),
  'length_constraints:nth_paragraph_first_word': hasFirstWord,
  'keywords:existence': (text, given) => {
    const lowered = text.toLowerCase();
    return plainTexts(given, 'keywords').every((word) => lowered.includes(word.toLowerCase()));
  },
  'keywords:frequency': (text, given) => {
    const word = plainText(given, 'keyword').trim().toLowerCase();
    if (word === '') throw new ArgumentMissing('no text “keyword”');
    return related(occurrences(text.toLowerCase(), word), given, 'relation', 'frequency');
  },
  'keywords:forbidden_words': (text, given) => {
    const lowered = text.toLowerCase();
    return !plainTexts(given, 'forbidden_words').some((word) => occurs(lowered, word.toLowerCase(), true));
  },
  'keywords:letter_frequency': (text, given) => {
    const letter = plainText(given, 'letter').trim().toLowerCase();
    if (letter === '') throw new ArgumentMissing('no text “letter”');
    return related(occurrences(text.toLowerCase(), letter), given, 'let_relation', 'let_frequency');
  },
  'language:response_language': (text, given) => isInLanguage(text, plainText(given, 'language')),
  'detectable_content:number_placeholders': (text, given) =>
    placeholders(text) >= wholeNumber(given, 'num_placeholders'),
  'detectable_content:postscript': (text, given) =>
    hasPostscript(text, plainText(given, 'postscript_marker')),
  'detectable_format:number_bullet_lists': (text, given) =>
    bullets(text) === wholeNumber(given, 'num_bullets'),
  'detectable_format:number_highlighted_sections': (text, given) =>
    highlights(text) >= wholeNumber(given, 'num_highlights'),
  'detectable_format:multiple_sections': (text, given) =>
    sections(text, plainText(given, 'section_spliter').trim()) >= wholeNumber(given, 'num_sections'),
  'detectable_format:constrained_response': (text) => constrained.some((answer) => text.includes(answer)),
  'detectable_format:json_format': (text) => parseAnswerJson(jsonText(text, true)).ok,
  'detectable_format:title': hasTitle,
  'combination:two_responses': areTwoAnswers,
  'combination:repeat_prompt': (text, given) =>
    text.trim().toLowerCase().startsWith(plainText(given, 'prompt_to_repeat').trim().toLowerCase()),
  'startend:end_checker': (text, given) =>
    stripped(text.trim(), '"', '"')
      .toLowerCase()
      .endsWith(plainText(given, 'end_phrase').trim().toLowerCase()),
  'startend:quotation': (text) => {
    const trimmed = text.trim();
    return trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"');
  },
  'change_case:capital_word_frequency': (text, given) =>
    related(countUpperCase(text), given, 'capital_relation', 'capital_frequency'),
  'change_case:english_capital': (text) => isUpperCase(text) && isInLanguage(text, 'en'),
  'change_case:english_lowercase': (text) => isLowerCase(text) && isInLanguage(text, 'en'),
};
