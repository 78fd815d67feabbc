/** How many answers the built-in verifiers grade in a second, kind by kind. */
import { rewardSchema } from '../../contract/reward.ts';
import type { VerifierKind } from '../../rewards/grader.ts';
import type { RewardItem } from '../../rewards/outcome.ts';
import { scoreAnswer } from '../../rewards/score-answer.ts';
import type { Measured } from './stopwatch.ts';
import { peakMemory, timedOften } from './stopwatch.ts';

const answers = 2000;

/** Numbers of a row and its right answers vary, so that nothing is graded twice. */
function item(index: number, response: string, reference: string): RewardItem {
  const target = index * 3;
  return {
    prompt: `Question ${index}`,
    response,
    reference,
    row: {
      check: {
        numbers: [index, (index % 7) + 3, index % 7],
        target,
        topic: 'garden',
        more: 'good',
        margin: 1,
        max_words: 16,
      },
    },
    finish: 'stop',
    tokens: response.length,
    maxTokens: 4096,
  };
}

/** A text of about 100 words with a calculation, as a small reasoning model writes it. */
function longAnswer(index: number): string {
  const steps = Array.from({ length: 12 }, (_, step) => `First take ${index + step} and carry ${step % 10}.`);
  return `${steps.join(' ')} So the answer is \\boxed{${index * 3}}`;
}

/** A sentence of about 15 words. */
function sentence(index: number): string {
  return `The garden of house ${index} is calm and bright, and ${index % 97} birds sing in its trees.`;
}

interface Verifier {
  readonly about: string;
  readonly kind: VerifierKind;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly response: (index: number) => string;
  /** The right answer; three times the index where left out. */
  readonly reference?: (index: number) => string;
}

const instructions = [
  { id: 'length_constraints:number_words', arguments: { relation: 'at least', num_words: 5 } },
  { id: 'keywords:existence', arguments: { keywords: ['garden', 'trees'] } },
  { id: 'startend:end_checker', arguments: { end_phrase: 'its trees.' } },
];

/** What is measured; every answer gets full marks, so that no verifier may stop at the first fault. */
export const verifierCases: Readonly<Record<string, Verifier>> = {
  exact: {
    about: 'Short answers graded by `exact`.',
    kind: 'exact',
    settings: {},
    response: (index) => ` ${index * 3}\n`,
  },
  'number-whole': {
    about: 'Short answers graded by `number`, the whole answer being the number.',
    kind: 'number',
    settings: { find: 'whole' },
    response: (index) => ` ${(index * 3).toLocaleString('en')}.0`,
  },
  'number-last': {
    about: 'Texts of about 100 words graded by `number`, the last number counting.',
    kind: 'number',
    settings: { find: 'last' },
    response: longAnswer,
  },
  'number-marked': {
    about: 'Sentences graded by `number`, the number behind a mark counting.',
    kind: 'number',
    settings: { find: 'marked' },
    response: (index) => `${sentence(index)}\n#### ${index * 3}`,
  },
  equation: {
    about: 'Expressions of three numbers graded by `equation`.',
    kind: 'equation',
    settings: {},
    response: (index) => `${index} * (${(index % 7) + 3} - ${index % 7})`,
  },
  choice: {
    about: 'Sentences that name a choice graded by `choice`.',
    kind: 'choice',
    settings: {},
    response: (index) => `${sentence(index)} The answer is (${'ABCD'[index % 4] ?? 'A'}).`,
    reference: (index) => 'ABCD'[index % 4] ?? 'A',
  },
  contains: {
    about: 'Sentences graded by `contains`: two texts as whole words, one of them from the row.',
    kind: 'contains',
    settings: { texts: ['{answer}', 'trees'], words: true },
    response: sentence,
    reference: (index) => String(index),
  },
  json: {
    about: 'Objects of three fields graded by `json`.',
    kind: 'json',
    settings: {},
    response: (index) => `{"number": ${index}, "place": "garden", "birds": [${index % 97}, true]}`,
  },
  tags: {
    about: 'Sentences in two tags graded by `tags`.',
    kind: 'tags',
    settings: {},
    response: (index) => `<think>${sentence(index)}</think>\n<answer>${index * 3}</answer>`,
  },
  'length-words': {
    about: 'Sentences graded by `length` in words.',
    kind: 'length',
    settings: { min: 5, max: 50 },
    response: sentence,
  },
  'length-sentences': {
    about: 'Sentences graded by `length` in sentences.',
    kind: 'length',
    settings: { unit: 'sentences', min: 1, max: 2 },
    response: sentence,
  },
  overlong: {
    about: 'Sentences graded by `overlong`.',
    kind: 'overlong',
    settings: {},
    response: sentence,
  },
  repetition: {
    about: 'Sentences graded by `repetition` of three words.',
    kind: 'repetition',
    settings: {},
    response: sentence,
  },
  script: {
    about: 'Sentences graded by `script`.',
    kind: 'script',
    settings: {},
    response: sentence,
  },
  instructions: {
    about: 'Sentences graded by `instructions`: number of words, keywords and last words.',
    kind: 'instructions',
    settings: { instructions },
    response: sentence,
  },
  balance: {
    about: 'Sentences graded by `balance`.',
    kind: 'balance',
    settings: { good: ['calm', 'bright', 'merry'], bad: ['dull', 'dark'] },
    response: sentence,
  },
  'similarity-rouge': {
    about: 'Sentences graded by `similarity` in words.',
    kind: 'similarity',
    settings: {},
    response: sentence,
    reference: sentence,
  },
  'similarity-edit': {
    about: 'Sentences graded by `similarity` in characters.',
    kind: 'similarity',
    settings: { measure: 'edit' },
    response: sentence,
    reference: sentence,
  },
};

/**
 * Times right answers, reasons included.
 * @returns answers a second by name of the case
 */
export function measureVerifiers(): Measured {
  const speeds = Object.entries(verifierCases).map(([name, verifier]): [string, number] => {
    const { kind, settings, response, reference } = verifier;
    const reward = rewardSchema.parse({ components: [{ kind, ...settings }] });
    const items = Array.from({ length: answers }, (_, place) => {
      const index = 10 + place;
      return item(index, response(index), reference?.(index) ?? String(index * 3));
    });
    const full = kind === 'overlong' ? 0 : answers;
    const seconds = timedOften(() => {
      // The sum is used, so that no compiler leaves the work out.
      const total = items.reduce((sum, each) => sum + (scoreAnswer(reward, each).total ?? NaN), 0);
      if (total !== full) throw new Error(`internal: ${name} gave ${total} to ${answers} answers`);
    });
    return [name, answers / seconds];
  });
  return { ...Object.fromEntries(speeds), memory: peakMemory() };
}
