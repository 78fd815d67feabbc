/**
 * What an editor shows for a reward function: its types, and worked examples. Each example names answers and what they get,
 * and is tested in the sandbox.
 */

/** TypeScript declarations of what a reward function gets, may return and may call. */
export const rewardFunctionTypes = `/** One answer of the model. */
interface Answer {
  /** The question, as the data has it. */
  readonly prompt: string;
  /** What the model wrote. */
  readonly response: string;
  /** The right answer of the row; empty where the data has none. */
  readonly answer: string;
  /** All columns of the row. */
  readonly row: { readonly [column: string]: any };
  /** Why the answer ended: stop (by itself) or length (cut off). */
  readonly finish: 'stop' | 'length';
}

/** A number; or a number with a reason, which stands beside it in the tables; or null: this answer cannot be graded. */
type Reward = number | boolean | null | { value: number | boolean | null; reason?: string };

/** Your function. The same answer must get the same number: there is no clock, no network and no file. */
declare function reward(item: Answer): Reward | Promise<Reward>;

/** A number from 0 to 1, the same for the same answer and the same seed of the run. Math.random is the same. */
declare function random(): number;

/** Lines for the editor; at most 100 for each answer are kept. */
declare const console: {
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  debug(...values: unknown[]): void;
};
`;

/** A reward function that does something useful, with what it says of some answers. */
export interface RewardFunctionExample {
  readonly name: string;
  readonly about: string;
  readonly code: string;
  readonly answers: readonly {
    readonly prompt?: string;
    readonly response: string;
    readonly answer?: string;
    readonly row?: Readonly<Record<string, string | number | readonly string[]>>;
    readonly finish?: 'stop' | 'length';
    /** The value that the example gives; null: not gradable. */
    readonly value: number | null;
  }[];
}

export const rewardFunctionExamples: readonly RewardFunctionExample[] = [
  {
    name: 'Right answer somewhere',
    about: '1 when the right answer stands in the text as whole words, less the longer the text is.',
    code: `function reward({ response, answer }) {
  if (answer === '') return null; // nothing to compare with
  const words = response.toLowerCase().split(/[^\\p{L}\\p{N}]+/u);
  const wanted = answer.toLowerCase().split(/[^\\p{L}\\p{N}]+/u).filter(Boolean);
  const found = words.some((_, at) => wanted.every((word, i) => words[at + i] === word));
  if (!found) return { value: 0, reason: 'the right answer does not occur' };
  return { value: 1 / (1 + words.length / 100), reason: words.length + ' words' };
}
`,
    answers: [
      { response: 'It is Paris.', answer: 'paris', value: 1 / 1.04 },
      { response: 'parish', answer: 'Paris', value: 0 },
      { response: 'Paris', answer: '', value: null },
    ],
  },
  {
    name: 'Steps and a result',
    about: 'Part of the value for each numbered step, the rest for a last line that begins with "Result:".',
    code: `function reward({ response }) {
  const lines = response.trim().split('\\n');
  const steps = lines.filter((line) => /^\\d+\\. \\S/.test(line)).length;
  const closed = /^Result: \\S/.test(lines.at(-1) ?? '');
  return {
    value: 0.5 * Math.min(steps, 3) / 3 + (closed ? 0.5 : 0),
    reason: steps + ' steps, ' + (closed ? 'with' : 'without') + ' a result',
  };
}
`,
    answers: [
      { response: '1. Add.\n2. Carry.\n3. Write.\nResult: 12', value: 1 },
      { response: 'Result: 12', value: 0.5 },
      { response: '', value: 0 },
    ],
  },
  {
    name: 'Close to a number',
    about: 'The nearer the last number of the answer is to the right one, the more.',
    code: `function reward({ response, answer }) {
  const wanted = Number(answer);
  if (answer.trim() === '' || Number.isNaN(wanted)) return null;
  const numbers = response.match(/-?\\d+(\\.\\d+)?/g);
  if (numbers === null) return { value: 0, reason: 'no number' };
  const error = Math.abs(Number(numbers.at(-1)) - wanted);
  return { value: 1 / (1 + error), reason: 'off by ' + error };
}
`,
    answers: [
      { response: 'about 12', answer: '10', value: 1 / 3 },
      { response: '10', answer: '10', value: 1 },
      { response: 'ten', answer: '10', value: 0 },
      { response: '10', answer: 'ten', value: null },
    ],
  },
  {
    name: 'Words of a column',
    about: 'The share of the words in the column "keywords" that the answer uses.',
    code: `function reward({ response, row }) {
  const keywords = row.keywords ?? [];
  if (keywords.length === 0) return null;
  const text = response.toLowerCase();
  const missing = keywords.filter((word) => !text.includes(word.toLowerCase()));
  return {
    value: 1 - missing.length / keywords.length,
    reason: missing.length === 0 ? 'all words' : 'missing: ' + missing.join(', '),
  };
}
`,
    answers: [
      { response: 'The sun and the moon.', row: { keywords: ['Sun', 'moon', 'star', 'sky'] }, value: 0.5 },
      { response: 'anything', value: null },
    ],
  },
  {
    name: 'No copying of the question',
    about: 'Loses by the share of runs of four words that the answer takes from the question.',
    code: `function runs(text) {
  const words = text.toLowerCase().split(/\\s+/).filter(Boolean);
  return words.slice(3).map((_, at) => words.slice(at, at + 4).join(' '));
}

function reward({ prompt, response }) {
  const asked = new Set(runs(prompt));
  const written = runs(response);
  if (written.length === 0) return { value: 0, reason: 'too short to compare' };
  const copied = written.filter((run) => asked.has(run)).length;
  return { value: -copied / written.length, reason: copied + ' of ' + written.length + ' runs copied' };
}
`,
    answers: [
      { prompt: 'What is the capital of France', response: 'What is the capital of Spain', value: -2 / 3 },
      { prompt: 'What is the capital of France', response: 'It would surely be Paris', value: 0 },
    ],
  },
  {
    name: 'A poem that rhymes',
    about: 'The share of pairs of lines that end in the same three letters.',
    code: `function ending(line) {
  return line.toLowerCase().replace(/[^\\p{L}]/gu, '').slice(-3);
}

function reward({ response, finish }) {
  const lines = response.split('\\n').filter((line) => line.trim() !== '');
  if (finish === 'length') lines.pop(); // the last line is not complete
  const pairs = Math.floor(lines.length / 2);
  if (pairs === 0) return { value: 0, reason: 'fewer than two lines' };
  let rhymes = 0;
  for (let i = 0; i < pairs; i++) {
    const [a, b] = [lines[2 * i], lines[2 * i + 1]];
    if (a !== b && ending(a) === ending(b)) rhymes += 1;
  }
  console.log(lines.map(ending));
  return { value: rhymes / pairs, reason: rhymes + ' of ' + pairs + ' pairs rhyme' };
}
`,
    answers: [
      { response: 'The light\nof night\n\nis here\nto stay', value: 0.5 },
      { response: 'The light\nof night\nis', finish: 'length', value: 1 },
      { response: 'alone', value: 0 },
    ],
  },
  {
    name: 'A table of marks',
    about: 'Several rules with marks of their own, each named in the reason.',
    code: `const rules = [
  { mark: 0.4, name: 'greets', holds: (text) => /^(hello|dear)\\b/i.test(text) },
  { mark: 0.4, name: 'says please or thank you', holds: (text) => /\\b(please|thank)/i.test(text) },
  { mark: 0.2, name: 'ends a sentence', holds: (text) => /[.!?]\\s*$/.test(text) },
];

function reward({ response }) {
  const kept = rules.filter(({ holds }) => holds(response));
  const value = kept.reduce((sum, { mark }) => sum + mark, 0);
  return { value, reason: kept.map(({ name }) => name).join(', ') || 'no rule holds' };
}
`,
    answers: [
      { response: 'Hello, please come in.', value: 1 },
      { response: 'Thank you', value: 0.4 },
      { response: 'no', value: 0 },
    ],
  },
];
