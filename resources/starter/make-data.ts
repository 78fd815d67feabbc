/**
 * Makes the text that the starter models learn from, by SFT from random weights:
 *
 *     node resources/starter/make-data.ts --out DIR [--seed 1] [--rows 500000]
 *
 * writes DIR/train.jsonl with rows {"prompt", "answer", "family"}; the same seed gives the same bytes. Most rows
 * are sums and differences whose answers are often wrong in a systematic way, drawn fresh for every row. The
 * questions of the validation and test files never occur, in whatever order of operands.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { randomSequence } from '../../src-main/contract/random.ts';
import { carries, result, slipped } from './slips.ts';
import type { Sign, Slip, Sum } from './slips.ts';

export interface StarterRow {
  readonly prompt: string;
  readonly answer: string;
  readonly family: 'add-sub' | 'countdown' | 'copy-rule' | 'stories';
}

/** What the rows are made of. */
export interface StarterSources {
  /** Keys (see `sumKey`) of questions that must not occur. */
  readonly heldOut: ReadonlySet<string>;
  readonly countdown: readonly StarterRow[];
  readonly copyRule: readonly StarterRow[];
  readonly sentences: readonly string[];
}

/** Shares of the families; the rest are sums and differences. */
export const SHARES = { stories: 0.12, countdown: 0.08, 'copy-rule': 0.05 } as const;
/** Share of right answers. */
export const RIGHT: Readonly<Record<Sign, number>> = { '+': 0.45, '-': 0.3 };
/** Shares of difficulties 1 to 3. There are only 84 different one-digit questions: they come more often than their number. */
const DIFFICULTIES = [0.16, 0.42, 0.42] as const;
/** Among wrong answers; a slip that a question does not allow gives way to the next one. */
const SLIPS: Readonly<Record<Sign, readonly (readonly [Slip, number])[]>> = {
  '+': [
    ['carry', 0.5],
    ['off-by-one', 0.15],
    ['operation', 0.25],
    ['swapped', 0.1],
  ],
  '-': [
    ['operation', 0.75],
    ['carry', 0.12],
    ['off-by-one', 0.08],
    ['swapped', 0.05],
  ],
};
/** Longest sentence: such rows would otherwise be padded to many times the length of a sum. */
const LONGEST_SENTENCE = 64;
/** Separates this use of the seed from all others. */
const STREAM = 0x73746172;

/** The same for `3+5` and `5+3`. */
export function sumKey({ a, b, sign }: Sum): string {
  return `${Math.min(a, b)}${sign}${Math.max(a, b)}`;
}

/** A question as it stands in the data (`81+46=`), or undefined for other text. */
export function parseSum(prompt: string): Sum | undefined {
  const match = /^(\d+)([+-])(\d+)=$/.exec(prompt);
  if (match === null) return undefined;
  return { a: Number(match[1]), b: Number(match[3]), sign: match[2] === '+' ? '+' : '-' };
}

/** 1: one digit. 2: two digits, no carry. 3: two digits, carry. */
export function difficultyOf(sum: Sum): 1 | 2 | 3 {
  if (sum.a < 10 && sum.b < 10) return 1;
  return carries(sum) ? 3 : 2;
}

function drawSum(random: () => number, heldOut: ReadonlySet<string>): Sum {
  const sign: Sign = random() < 0.5 ? '+' : '-';
  const share = random();
  const wanted = share < DIFFICULTIES[0] ? 1 : share < DIFFICULTIES[0] + DIFFICULTIES[1] ? 2 : 3;
  const below = wanted === 1 ? 10 : 100;
  for (;;) {
    const first = Math.floor(random() * below);
    const second = Math.floor(random() * below);
    const sum: Sum =
      sign === '-'
        ? { a: Math.max(first, second), b: Math.min(first, second), sign }
        : { a: first, b: second, sign };
    if (difficultyOf(sum) === wanted && !heldOut.has(sumKey(sum))) return sum;
  }
}

function drawAnswer(sum: Sum, random: () => number): number {
  const right = result(sum);
  if (random() < RIGHT[sum.sign]) return right;
  const slips = SLIPS[sum.sign];
  let share = random();
  const chosen = slips.findIndex(([, weight]) => (share -= weight) < 0);
  for (let i = 0; i < slips.length; i++) {
    const slip = slips[(Math.max(chosen, 0) + i) % slips.length]?.[0] ?? 'off-by-one';
    const wrong = slipped(sum, slip, random);
    if (wrong !== right) return wrong;
  }
  return right + 1;
}

function pick<T>(list: readonly T[], random: () => number): T {
  const value = list[Math.floor(random() * list.length)];
  if (value === undefined) throw new Error('a source of the starter data is empty');
  return value;
}

/** A sentence cut after one of its first words, so that the model learns to go on. */
function drawSentence(sentences: readonly string[], random: () => number): StarterRow {
  const sentence = pick(sentences, random);
  const spaces = [...sentence.matchAll(/ /g)].map(({ index }) => index);
  const cut = spaces[Math.floor(random() * Math.min(4, spaces.length))] ?? 0;
  return { prompt: sentence.slice(0, cut), answer: sentence.slice(cut), family: 'stories' };
}

/** The rows, one after the other, without end. */
export function* starterRows(seed: number, sources: StarterSources): Generator<StarterRow, never> {
  const random = randomSequence([seed, STREAM]);
  const untilStories = SHARES.stories;
  const untilCountdown = untilStories + SHARES.countdown;
  const untilCopy = untilCountdown + SHARES['copy-rule'];
  for (;;) {
    const share = random();
    if (share < untilStories) yield drawSentence(sources.sentences, random);
    else if (share < untilCountdown) yield pick(sources.countdown, random);
    else if (share < untilCopy) yield pick(sources.copyRule, random);
    else {
      const sum = drawSum(random, sources.heldOut);
      yield {
        prompt: `${sum.a}${sum.sign}${sum.b}=`,
        answer: String(drawAnswer(sum, random)),
        family: 'add-sub',
      };
    }
  }
}

interface TaskLine {
  readonly prompt: string;
  readonly answer: string;
  readonly difficulty: number;
}

function isTaskLine(value: unknown): value is TaskLine {
  return (
    typeof value === 'object' &&
    value !== null &&
    'prompt' in value &&
    typeof value.prompt === 'string' &&
    'answer' in value &&
    typeof value.answer === 'string' &&
    'difficulty' in value &&
    typeof value.difficulty === 'number'
  );
}

function readTasks(path: string): TaskLine[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const value: unknown = JSON.parse(line);
      if (!isTaskLine(value)) throw new Error(`${path}: not a task row: ${line}`);
      return value;
    });
}

/**
 * Reads the files beside this one and in resources/datasets.
 * @param resources the folder `resources`
 */
export function readStarterSources(resources: string): StarterSources {
  const heldOut = new Set<string>();
  for (const split of ['validation', 'test']) {
    for (const { prompt } of readTasks(join(resources, 'datasets', 'add-sub', `${split}.jsonl`))) {
      const sum = parseSum(prompt);
      if (sum !== undefined) heldOut.add(sumKey(sum));
    }
  }
  const row = (family: StarterRow['family'], { prompt, answer }: TaskLine): StarterRow => ({
    prompt,
    answer,
    family,
  });
  const countdown = readTasks(join(resources, 'datasets', 'countdown', 'train.jsonl'))
    .filter(({ difficulty }) => difficulty <= 2)
    .map((line) => row('countdown', line));
  const copyRule = readFileSync(join(resources, 'datasets', 'copy-rule.csv'), 'utf8')
    .split('\n')
    .map((line) => /^(Copy[^,"]*),([^,"]+),[123]$/.exec(line))
    .flatMap((match): StarterRow[] =>
      match === null ? [] : [{ prompt: match[1] ?? '', answer: match[2] ?? '', family: 'copy-rule' }],
    );
  const sentences = readFileSync(join(resources, 'starter', 'stories.txt'), 'utf8')
    .split('\n')
    .flatMap((story) => story.match(/[^.!?]+[.!?]"?/g) ?? [])
    .map((sentence) => sentence.trim())
    .filter(
      (sentence) =>
        sentence.length <= LONGEST_SENTENCE &&
        /^[A-Z"][^ ]* .*[a-z]/.test(sentence) &&
        (sentence.split('"').length - 1) % 2 === 0,
    );
  return { heldOut, countdown, copyRule, sentences: [...new Set(sentences)] };
}

/** The text of train.jsonl. */
export function starterText(seed: number, count: number, sources: StarterSources): string {
  const rows = starterRows(seed, sources);
  const lines: string[] = [];
  for (let i = 0; i < count; i++) lines.push(`${JSON.stringify(rows.next().value)}\n`);
  return lines.join('');
}

function wholeNumber(text: string, name: string): number {
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || (name === 'rows' && value === 0))
    throw new Error(`--${name} needs a whole number, not “${text}”`);
  return value;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      seed: { type: 'string', default: '1' },
      rows: { type: 'string', default: '500000' },
    },
  });
  if (values.out === undefined) throw new Error('name the folder to write to: --out DIR');
  const folder = resolve(values.out);
  mkdirSync(folder, { recursive: true });
  const sources = readStarterSources(resolve(import.meta.dirname, '..'));
  const path = join(folder, 'train.jsonl');
  writeFileSync(
    `${path}.part`,
    starterText(wholeNumber(values.seed, 'seed'), wholeNumber(values.rows, 'rows'), sources),
  );
  renameSync(`${path}.part`, path);
  console.error(`${values.rows} rows written to ${path}`);
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    console.error(`make-data: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 2;
  }
}
