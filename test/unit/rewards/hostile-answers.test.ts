/** Every verifier on answers of a megabyte that are made to be slow, and on any text at all. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VerifierKind } from '../../../src-main/rewards/grader.ts';
import { verdict } from './reward-item.ts';

const megabyte = (piece: string): string =>
  piece.repeat(Math.ceil(1_000_000 / piece.length)).slice(0, 1_000_000);

const instructions = [
  { id: 'punctuation:no_comma' },
  { id: 'length_constraints:number_words', arguments: { relation: 'at least', num_words: 3 } },
  { id: 'length_constraints:number_sentences', arguments: { relation: 'at least', num_sentences: 3 } },
  { id: 'length_constraints:number_paragraphs', arguments: { num_paragraphs: 3 } },
  {
    id: 'length_constraints:nth_paragraph_first_word',
    arguments: { num_paragraphs: 3, nth_paragraph: 2, first_word: 'a' },
  },
  { id: 'keywords:existence', arguments: { keywords: ['aab'] } },
  { id: 'keywords:frequency', arguments: { keyword: 'aab', relation: 'at least', frequency: 2 } },
  { id: 'keywords:forbidden_words', arguments: { forbidden_words: ['aaa'] } },
  { id: 'keywords:letter_frequency', arguments: { letter: 'a', let_relation: 'at least', let_frequency: 2 } },
  { id: 'language:response_language', arguments: { language: 'en' } },
  { id: 'detectable_content:number_placeholders', arguments: { num_placeholders: 2 } },
  { id: 'detectable_content:postscript', arguments: { postscript_marker: 'P.P.S' } },
  { id: 'detectable_format:number_bullet_lists', arguments: { num_bullets: 2 } },
  { id: 'detectable_format:number_highlighted_sections', arguments: { num_highlights: 2 } },
  { id: 'detectable_format:multiple_sections', arguments: { section_spliter: 'a', num_sections: 2 } },
  { id: 'detectable_format:constrained_response' },
  { id: 'detectable_format:json_format' },
  { id: 'detectable_format:title' },
  { id: 'combination:two_responses' },
  { id: 'combination:repeat_prompt', arguments: { prompt_to_repeat: 'aaa' } },
  { id: 'startend:end_checker', arguments: { end_phrase: 'aaa' } },
  { id: 'startend:quotation' },
  {
    id: 'change_case:capital_word_frequency',
    arguments: { capital_relation: 'at least', capital_frequency: 2 },
  },
  { id: 'change_case:english_capital' },
  { id: 'change_case:english_lowercase' },
];

/** Every kind with settings that make it look hardest. */
const kinds: readonly (readonly [VerifierKind, Record<string, unknown>])[] = [
  ['exact', { ignoreCase: true }],
  ['number', { find: 'whole' }],
  ['number', { find: 'last' }],
  ['number', { find: 'marked', mark: 'a' }],
  ['equation', {}],
  ['choice', { options: 26 }],
  ['contains', { texts: ['aab', '{answer}'], words: true }],
  ['json', {}],
  ['tags', { tags: ['a', 'b'] }],
  ['length', { unit: 'characters' }],
  ['length', { unit: 'words' }],
  ['length', { unit: 'sentences' }],
  ['length', { unit: 'tokens' }],
  ['overlong', {}],
  ['repetition', { size: 20 }],
  ['repetition', { size: 1 }],
  ['script', { script: 'Japanese' }],
  ['instructions', { instructions }],
  ['balance', { good: ['a'], bad: ['b'] }],
  ['similarity', { measure: 'rouge-l' }],
  ['similarity', { measure: 'edit' }],
];

const pieces = [
  'a',
  'a ',
  '9',
  '1,234.5 ',
  '-',
  '(',
  '[',
  '{',
  '["',
  '<<',
  '>',
  '*',
  '**a* ',
  '***',
  '. ',
  '.',
  'A ',
  'the answer is ',
  '\\boxed{',
  '\n',
  ' ',
  '\t',
  'a\n\n',
  '"',
  "'",
  '<a>',
  '</a><b>',
  '\\frac{1}{',
  'p. p. ',
  'é',
  '漢',
  '😀',
  '\ud800',
  '####',
];
const row = {
  check: { numbers: [1, 2], target: 3, topic: 'a', more: 'good', margin: 1, max_words: 5 },
};

describe.each(kinds)('%s %j', (kind, settings) => {
  it('ends in bounded time on long answers, with a number that can be learnt from', () => {
    for (const piece of pieces) {
      const response = megabyte(piece);
      const reference = kind === 'similarity' ? megabyte('ab ') : '7';
      const { value } = verdict(kind, settings, { response, reference, row });
      expect(value === null || Number.isFinite(value), piece).toBe(true);
    }
  }, 120_000);

  it('is a function of the answer, for any text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.array(fc.constantFrom(...pieces, ' ', 'b', '3'), { maxLength: 20 }).map((list) => list.join('')),
    );
    fc.assert(
      fc.property(text, text, (response, reference) => {
        const first = verdict(kind, settings, { response, reference, row });
        expect(verdict(kind, settings, { response, reference, row })).toEqual(first);
        expect(first.value === null || Number.isFinite(first.value)).toBe(true);
        expect(first.reason.length).toBeLessThan(600);
      }),
      { numRuns: 60 },
    );
  });
});
