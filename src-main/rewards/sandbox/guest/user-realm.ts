/**
 * Runs inside the world in which users' code runs, before that code: takes away clock and chance, so that the same answer
 * gets the same number every time, and collects what the code prints.
 */
import { randomStream } from '../../../contract/random.ts';

const mostLines = 100;
const longestLine = 500;

/** Kept before users' code can change them. */
const { parse, stringify } = JSON;
const RealDate = Date;
const resolvePromise = Promise.resolve.bind(Promise) as (value: unknown) => Promise<unknown>;
const thenPromise = Reflect.get(Promise.prototype, 'then') as (good: unknown, bad: unknown) => unknown;
const { apply } = Reflect;

let seedText = '';
let drawn = 0;
let stream: ReturnType<typeof randomStream> | undefined;
let lines: string[] = [];
let dropped = 0;

/** 32 bits of a text (FNV-1a over UTF-16 units, begun at `basis`). */
function textHash(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A number from 0 to 1 (excluded), which depends on the seed, the answer and how many were drawn before. */
function random(): number {
  stream ??= randomStream([textHash(seedText, 0x811c9dc5), textHash(seedText, 0x9e3779b9)]);
  return stream.uniform(drawn++);
}

function printed(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function print(...values: unknown[]): void {
  if (lines.length >= mostLines) dropped += 1;
  else lines.push(values.map(printed).join(' ').slice(0, longestLine));
}

/** Makes `Date` a calendar without a clock: dates can be read and computed, but "now" is `now()`. */
function replaceClock(now: () => number): void {
  RealDate.now = now;
  const calendar = new Proxy(RealDate, {
    apply: () => new RealDate(now()).toString(),
    construct: (target, parameters: unknown[], maker) =>
      Reflect.construct(target, parameters.length === 0 ? [now()] : parameters, maker) as object,
  });
  Object.defineProperty(RealDate.prototype, 'constructor', { value: calendar });
  globalThis.Date = calendar;
}

/**
 * Prepares the world; called once.
 * @param clock `still` for programs that ask for the time: it is always the first second of 2025; `none` refuses
 */
export function open(clock: string): void {
  const global = globalThis as unknown as Record<string, unknown>;
  // The time at which memory is collected would show.
  for (const name of ['WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'Atomics']) delete global[name];
  replaceClock(
    clock === 'still'
      ? () => 1_735_689_600_000
      : () => {
          throw new Error(
            'there is no clock in a reward: the same answer must get the same number at any time',
          );
        },
  );
  Math.random = random;
  if (clock !== 'still') global['random'] = random;
  global['console'] = { log: print, info: print, warn: print, error: print, debug: print };
}

/** A new answer begins. */
export function begin(seed: string): void {
  seedText = seed;
  drawn = 0;
  stream = undefined;
  lines = [];
  dropped = 0;
}

/** A value of this world from JSON. */
export function read(text: string): unknown {
  return parse(text);
}

/** What was printed since `begin`, as JSON. */
export function printedLines(): string {
  return stringify(dropped === 0 ? lines : [...lines, `… and ${dropped} more lines`]);
}

/** What became of a promise; neither property while it is not settled. */
export interface Settled {
  value?: unknown;
  thrown?: unknown;
}

/**
 * Follows a promise, or anything with a method `then`. Done in this world, because such a method is given functions, and
 * through a function of another world it could reach that.
 */
export function follow(promise: unknown): Settled {
  const settled: Settled = {};
  void apply(thenPromise, resolvePromise(promise), [
    (value: unknown) => {
      settled.value = value;
    },
    (thrown: unknown) => {
      settled.thrown = thrown;
    },
  ]);
  return settled;
}
