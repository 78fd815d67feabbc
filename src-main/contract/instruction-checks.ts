/**
 * The instructions that a program can check, by the ids under which IFEval published them (Zhou et al. 2023,
 * arXiv 2311.07911), with their arguments. What each one does is in `rewards/instruction-checks.ts`.
 */
import { z } from 'zod';

/** Languages that answers can be asked for, by ISO 639-1 code. */
export const instructionLanguages = {
  en: 'English',
  es: 'Spanish',
  pt: 'Portuguese',
  ar: 'Arabic',
  hi: 'Hindi',
  fr: 'French',
  ru: 'Russian',
  de: 'German',
  ja: 'Japanese',
  it: 'Italian',
  bn: 'Bengali',
  uk: 'Ukrainian',
  th: 'Thai',
  ur: 'Urdu',
  ta: 'Tamil',
  te: 'Telugu',
  bg: 'Bulgarian',
  ko: 'Korean',
  pl: 'Polish',
  he: 'Hebrew',
  fa: 'Persian',
  vi: 'Vietnamese',
  ne: 'Nepali',
  sw: 'Swahili',
  kn: 'Kannada',
  mr: 'Marathi',
  gu: 'Gujarati',
  pa: 'Punjabi',
  ml: 'Malayalam',
  fi: 'Finnish',
} as const;
export type InstructionLanguage = keyof typeof instructionLanguages;

const languageCodes = Object.keys(instructionLanguages) as [InstructionLanguage, ...InstructionLanguage[]];

const relation = z
  .enum(['at least', 'less than'])
  .default('at least')
  .meta({ label: 'Relation', help: 'at least: this many or more; less than: fewer.' });

/** A count with its label. */
const count = (label: string, initial: number, help: string) =>
  z.int().min(0).default(initial).meta({ label, help });

const texts = (label: string, help: string) => z.array(z.string().min(1)).min(1).meta({ label, help });
const text = (label: string, help: string) => z.string().min(1).meta({ label, help });

const nothing = z
  .strictObject({})
  .default({})
  .meta({ label: 'Arguments', help: 'This instruction has none.' });

/** Schema of one instruction; `title` is what people read for its id. */
const instruction = <I extends string, A extends z.ZodType>(id: I, title: string, given: A) =>
  z.strictObject({ id: z.literal(id).meta({ label: title }), arguments: given });

/** One instruction, by its published id, with its arguments. */
export const instructionSchema = z.discriminatedUnion('id', [
  instruction('punctuation:no_comma', 'No comma', nothing),
  instruction(
    'length_constraints:number_words',
    'Number of words',
    z.strictObject({ relation, num_words: count('Words', 100, 'Runs of letters, digits and underscores.') }),
  ),
  instruction(
    'length_constraints:number_sentences',
    'Number of sentences',
    z.strictObject({ relation, num_sentences: count('Sentences', 3, 'Sentences of the answer.') }),
  ),
  instruction(
    'length_constraints:number_paragraphs',
    'Number of paragraphs',
    z.strictObject({ num_paragraphs: count('Paragraphs', 2, 'Exactly so many, with *** between them.') }),
  ),
  instruction(
    'length_constraints:nth_paragraph_first_word',
    'First word of a paragraph',
    z.strictObject({
      num_paragraphs: count('Paragraphs', 2, 'Exactly so many, with an empty line between them.'),
      nth_paragraph: z
        .int()
        .min(1)
        .default(1)
        .meta({ label: 'Which', help: 'Number of the paragraph, from 1.' }),
      first_word: text('First word', 'Word that the paragraph begins with; case does not count.'),
    }),
  ),
  instruction(
    'keywords:existence',
    'Words that must occur',
    z.strictObject({ keywords: texts('Words', 'Each must occur somewhere; case does not count.') }),
  ),
  instruction(
    'keywords:frequency',
    'How often a word occurs',
    z.strictObject({
      keyword: text('Word', 'Looked for anywhere, parts of words too; case does not count.'),
      relation,
      frequency: count('Times', 2, 'How often.'),
    }),
  ),
  instruction(
    'keywords:forbidden_words',
    'Words that must not occur',
    z.strictObject({
      forbidden_words: texts('Words', 'None may occur as a whole word; case does not count.'),
    }),
  ),
  instruction(
    'keywords:letter_frequency',
    'How often a letter occurs',
    z.strictObject({
      letter: text('Letter', 'One character; case does not count.'),
      let_relation: relation,
      let_frequency: count('Times', 3, 'How often.'),
    }),
  ),
  instruction(
    'language:response_language',
    'Language',
    z.strictObject({
      language: z
        .enum(languageCodes)
        .default('en')
        .meta({ label: 'Language', help: 'Code of the language that the whole answer must be in.' }),
    }),
  ),
  instruction(
    'detectable_content:number_placeholders',
    'Placeholders in square brackets',
    z.strictObject({ num_placeholders: count('At least', 1, 'Placeholders such as [address].') }),
  ),
  instruction(
    'detectable_content:postscript',
    'Postscript',
    z.strictObject({
      postscript_marker: z
        .string()
        .min(1)
        .default('P.S.')
        .meta({ label: 'Mark', help: 'What the postscript begins with, such as P.S. or P.P.S.' }),
    }),
  ),
  instruction(
    'detectable_format:number_bullet_lists',
    'Bullet points',
    z.strictObject({ num_bullets: count('Bullets', 3, 'Exactly so many lines that begin with * or -.') }),
  ),
  instruction(
    'detectable_format:number_highlighted_sections',
    'Highlighted parts',
    z.strictObject({ num_highlights: count('At least', 1, 'Parts *highlighted* with asterisks.') }),
  ),
  instruction(
    'detectable_format:multiple_sections',
    'Sections',
    z.strictObject({
      section_spliter: z
        .string()
        .min(1)
        .default('Section')
        .meta({ label: 'Word', help: 'Word before the number of a section, as in “Section 1”.' }),
      num_sections: count('At least', 2, 'Sections.'),
    }),
  ),
  instruction('detectable_format:constrained_response', '“My answer is yes / no / maybe.”', nothing),
  instruction('detectable_format:json_format', 'JSON', nothing),
  instruction('detectable_format:title', 'Title in << >>', nothing),
  instruction('combination:two_responses', 'Two answers with ****** between', nothing),
  instruction(
    'combination:repeat_prompt',
    'Repeat the request first',
    z.strictObject({
      prompt_to_repeat: text('Request', 'What the answer must begin with; case does not count.'),
    }),
  ),
  instruction(
    'startend:end_checker',
    'Last words',
    z.strictObject({ end_phrase: text('Phrase', 'What the answer must end with; case does not count.') }),
  ),
  instruction('startend:quotation', 'In double quotation marks', nothing),
  instruction(
    'change_case:capital_word_frequency',
    'Words in capitals',
    z.strictObject({
      capital_relation: relation,
      capital_frequency: count('Words', 3, 'Words all in capital letters.'),
    }),
  ),
  instruction('change_case:english_capital', 'English, all in capitals', nothing),
  instruction('change_case:english_lowercase', 'English, all in small letters', nothing),
]);
export type Instruction = z.output<typeof instructionSchema>;
export type InstructionId = Instruction['id'];
