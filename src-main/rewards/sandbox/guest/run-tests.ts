/**
 * Runs unit tests, given as data, against a function of untrusted code, from a world that this code cannot reach: the
 * expected values are never in its sight, and changes that it makes to its own prototypes do not touch the comparison.
 */
import type { Outcome } from '../../outcome.ts';
import { right, wrong } from '../../outcome.ts';
import type { UserRealm } from './call-reward.ts';
import type { Plain } from './plain-copy.ts';
import { NotPlain, plainCopy, samePlain } from './plain-copy.ts';
import { describeThrown } from './thrown.ts';
import type { Settled } from './user-realm.ts';

/** Name under which answers appear in errors. */
export const answerFile = 'answer.js';
const longestValue = 80;

interface UnitTest {
  readonly args: readonly unknown[];
  readonly expected: Plain;
}

let tests: readonly UnitTest[] = [];
let candidate: (...parameters: unknown[]) => unknown = () => undefined;
let realm: UserRealm | undefined;
let need = 'all';
let next = 0;
let passed = 0;
let failure = '';
let waiting: Settled | undefined;

function shown(value: Plain): string {
  const text =
    value === undefined
      ? 'undefined'
      : JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}

function judge(test: UnitTest, value: unknown): void {
  try {
    const given = plainCopy(value);
    if (samePlain(given, test.expected)) passed += 1;
    else fail(`gave ${shown(given)} instead of ${shown(test.expected)}`);
  } catch (error) {
    fail(error instanceof NotPlain ? `returned ${error.message}` : describeThrown(error, answerFile));
  }
}

/** Keeps the first failure for the reason. */
function fail(how: string): void {
  if (failure === '') failure = `test ${next} of ${tests.length} ${how}`;
}

/** Runs tests until the end or until one waits for a promise. Empty, or the outcome as JSON. */
function proceed(): string {
  while (next < tests.length && (need !== 'all' || failure === '')) {
    const test = tests[next]!;
    next += 1;
    try {
      const returned = candidate(...test.args.map((part) => realm?.read(JSON.stringify(part))));
      if (typeof returned === 'object' && returned !== null && 'then' in returned) {
        waiting = realm?.follow(returned);
        return '';
      }
      judge(test, returned);
    } catch (error) {
      fail(describeThrown(error, answerFile));
    }
  }
  return JSON.stringify(verdict());
}

function verdict(): Outcome {
  if (failure === '') return right(`all ${tests.length} tests pass`);
  if (need === 'all') return wrong(failure);
  return { value: passed / tests.length, reason: `${passed} of ${tests.length} tests pass; ${failure}` };
}

/** Begins; `list` is the JSON of a list of {args, expected}. Empty while a promise is waited for, else the outcome. */
export function beginTests(
  named: (...parameters: unknown[]) => unknown,
  world: UserRealm,
  list: string,
  wanted: string,
): string {
  tests = (JSON.parse(list) as { args: unknown[]; expected: unknown }[]).map(({ args, expected }) => ({
    args,
    expected: plainCopy(expected),
  }));
  candidate = named;
  realm = world;
  need = wanted;
  next = 0;
  passed = 0;
  failure = '';
  waiting = undefined;
  return proceed();
}

/** Goes on when the waiting promises have been served. */
export function resumeTests(): string {
  const test = tests[next - 1];
  const settled = waiting ?? {};
  if (test !== undefined) {
    if ('thrown' in settled) fail(describeThrown(settled.thrown, answerFile));
    else if ('value' in settled) judge(test, settled.value);
    else fail('waits for a promise that nothing settles');
  }
  return proceed();
}
