/** Answers that are programs: published answers with their verdicts, and answers that try to cheat or to break out. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { codeOf } from '../../../../src-main/rewards/sandbox/code-grader.ts';
import { answerItem, component, fixtureRows } from '../reward-item.ts';
import { gradeAll, ready, workClock } from './prepared.ts';

const sampleSchema = z.looseObject({
  task_id: z.string(),
  completion: z.string(),
  reference: z.string().nullable(),
  passes: z.boolean(),
});
const samples = fixtureRows('mbxp-js/samples.jsonl').map((row) => ({
  ...sampleSchema.parse(row),
  row: z.record(z.string(), z.json()).parse(row),
}));

const doubled = {
  entry_point: 'double',
  tests: [
    { args: [2], expected: 4 },
    { args: [5], expected: 10 },
  ],
};

/** What is said of a whole program that is to double numbers. */
async function verdictOf(response: string, row: z.output<typeof rowSchema> = doubled, settings = {}) {
  const prepared = await ready(component('code', settings), workClock());
  return (await prepared.grade(answerItem({ response, row }))).outcome;
}
const rowSchema = z.record(z.string(), z.json());

describe('published answers', () => {
  it('get their published verdicts', async () => {
    const prepared = await ready(component('code', { before: '{prompt}' }));
    const outcomes = await gradeAll(
      prepared,
      samples.map(({ completion, row }) => ({ response: completion, row })),
    );
    const mistaken = samples.flatMap(({ task_id: name, passes }, place) =>
      outcomes[place]?.value === (passes ? 1 : 0) ? [] : [{ name, passes, outcome: outcomes[place] }],
    );
    expect(mistaken).toEqual([]);
    expect(samples.filter(({ passes }) => !passes).length).toBeGreaterThan(20);
  });

  it('pass when they are the reference', async () => {
    const prepared = await ready(component('code', { before: '{prompt}' }));
    const given = samples.flatMap(({ reference, row }) =>
      reference === null ? [] : [{ response: reference, row }],
    );
    expect(given.length).toBeGreaterThan(100);
    expect(new Set((await gradeAll(prepared, given)).map(({ value }) => value))).toEqual(new Set([1]));
  });
});

describe('programs', () => {
  it.each([
    ['function double(n) { return 2 * n }', 1, 'all 2 tests pass'],
    ['const double = (n) => 2 * n;', 1, 'all 2 tests pass'],
    ['Here it is:\n```js\nconst double = n => 2 * n;\n```\nThat is all.', 1, 'all 2 tests pass'],
    ['async function double(n) { await null; return 2 * n }', 1, 'all 2 tests pass'],
    ['function double(n) { console.log(n, { n }); return 2 * n }', 1, 'all 2 tests pass'],
    ['function double(n) { return 4 }', 0, 'test 2 of 2 gave 4 instead of 10'],
    ['function double(n) { return [n, n] }', 0, 'test 1 of 2 gave [2,2] instead of 4'],
    ['function double(n) { return double }', 0, 'test 1 of 2 returned a function'],
    ['function double(n) { return new Map() }', 0, 'test 1 of 2 returned an object of type Map'],
    [
      'function double(n) {\n  return twice(n)\n}',
      0,
      "test 1 of 2 line 2: ReferenceError: 'twice' is not defined",
    ],
    ['function double(n) {', 0, 'the code does not run: line 1: SyntaxError'],
    ['\n\nthrow new Error("at once")', 0, 'the code does not run: line 3: Error: at once'],
    ['function triple(n) {}', 0, 'there is no function double'],
    ['function double(n) { throw null }', 0, 'test 1 of 2 threw null'],
    ['function double(n) { return new Promise(() => {}) }', 0, 'waits for a promise that nothing settles'],
    ['function double(n) { return Promise.reject(new TypeError("no")) }', 0, 'TypeError: no'],
    ['', 0, 'there is no function double'],
  ])('%j', async (response, value, reason) => {
    const outcome = await verdictOf(response);
    expect(outcome.value).toBe(value);
    expect(outcome.reason).toContain(reason);
  });

  it('get the part of the tests that pass, if wanted', async () => {
    expect(await verdictOf('const double = () => 10', doubled, { need: 'share' })).toEqual({
      value: 0.5,
      reason: '1 of 2 tests pass; test 1 of 2 gave 10 instead of 4',
    });
  });

  it.each([
    [{ entry_point: 'f' }, 'column “tests” holds no list of tests'],
    [{ entry_point: 'f', tests: [] }, 'column “tests” holds no list of tests'],
    [{ entry_point: 'f', tests: '[{' }, 'column “tests” holds no JSON'],
    [{ entry_point: 'f', tests: [{ args: 1, expected: 2 }] }, 'test 1 of column “tests”'],
    [{ tests: [{ args: [], expected: 1 }] }, 'column “entry_point” holds no name'],
    [{ entry_point: 'f();g', tests: [{ args: [], expected: 1 }] }, 'column “entry_point” holds no name'],
  ])('are not gradable by the row %j', async (row, reason) => {
    const outcome = await verdictOf('function f() {}', rowSchema.parse(row));
    expect(outcome.value).toBeNull();
    expect(outcome.reason).toContain(reason);
  });

  it('compare in depth', async () => {
    const prepared = await ready(component('code'));
    const same = async (returned: string, expected: z.core.util.JSONType) =>
      (
        await prepared.grade(
          answerItem({
            response: `function f() { return ${returned} }`,
            row: { entry_point: 'f', tests: [{ args: [], expected }] },
          }),
        )
      ).outcome.value;
    expect(await same('({ b: [1, { c: null }], a: "x" })', { a: 'x', b: [1, { c: null }] })).toBe(1);
    expect(await same('-0', 0)).toBe(1);
    expect(await same('({ a: 1, b: undefined })', { a: 1 })).toBe(0);
    expect(await same('undefined', null)).toBe(0);
    expect(await same('[1, 2, 3]', [1, 2])).toBe(0);
    expect(await same('"1"', 1)).toBe(0);
    expect(await same('new (class Point { constructor() { this.x = 1 } })', { x: 1 })).toBe(1);
  });

  it('takes the code out of the first fence', () => {
    expect(codeOf('a\n```js\nb\nc\n```\n```\nd\n```')).toBe('b\nc\n');
    expect(codeOf('```\nopen to the end')).toBe('open to the end');
    expect(codeOf('x = `a```b`')).toBe('x = `a```b`');
  });
});

describe('hostile programs', () => {
  it.each([
    ['loops', 'while (true) {}', 'took too long'],
    ['loops in a test', 'function double() { for (;;) ; }', 'took too long'],
    ['loops in a promise', 'async function double() { await 1; for (;;) ; }', 'took too long'],
    ['catches its own end', 'function double() { for (;;) try { for (;;) ; } catch {} }', 'took too long'],
    [
      'makes promises without end',
      'const again = () => Promise.resolve().then(again); again(); const double = again',
      '',
    ],
    ['waits without end', 'async function double() { for (;;) await null }', 'took too long'],
    ['backtracks', 'const double = () => /(a+)+$/.test("a".repeat(60) + "b")', 'took too long'],
    ['calls itself without end', 'function double() { return double() + 1 }', ''],
    ['nests data without end', 'let a = []; for (;;) a = [a]', ''],
    ['fills memory with lists', 'let a = []; for (;;) a.push(new Array(1e5).fill(1))', 'memory'],
    ['asks for a gigabyte', 'const double = () => new Uint8Array(2 ** 30).length', 'memory'],
    ['doubles a text', 'let s = "x"; for (;;) s += s', ''],
    ['makes a long text', 'const double = () => "x".repeat(2 ** 29)', ''],
    ['returns a great deal', 'const double = () => Array.from({ length: 1e6 }, (_, i) => i)', ''],
    ['prints without end', 'for (;;) console.log("x")', 'took too long'],
  ])('%s', async (_, response, reason) => {
    const prepared = await ready(component('code', { timeout: 1 }), workClock());
    const honest = { response: 'const double = (n) => 2 * n', row: doubled };
    const outcomes = await gradeAll(prepared, [honest, { response, row: doubled }, honest]);
    expect(outcomes.map(({ value }) => value)).toEqual([1, 0, 1]);
    expect(outcomes[1]?.reason).toContain(reason);
    expect(outcomes[1]?.reason.length).toBeLessThan(500);
  });

  it.each([
    ['process', 'typeof process'],
    ['require', 'typeof require'],
    ['fetch', 'typeof fetch'],
    ['timers', 'typeof setTimeout'],
    ['workers', 'typeof Worker'],
    ['WebAssembly', 'typeof WebAssembly'],
    [
      'the realm of the tests, through the constructor of an argument',
      'list.constructor.constructor("return typeof tests")()',
    ],
  ])('finds no %s', async (_, expression) => {
    const response = `function f(list) { try { return ${expression} } catch (error) { return "undefined" } }`;
    const row = { entry_point: 'f', tests: [{ args: [[1]], expected: 'undefined' }] };
    expect((await verdictOf(response, row)).value).toBe(1);
  });

  it.each([
    ['a module', 'const double = async () => import("node:fs")'],
    [
      'changed comparison',
      'Object.is = () => true; Array.prototype.every = () => true; JSON.parse = () => 1; JSON.stringify = () => "{\\"value\\":1,\\"reason\\":\\"\\"}"; const double = () => 3',
    ],
    [
      'changed prototypes',
      'Object.prototype.expected = 3; Object.prototype.args = [3]; Object.prototype.value = 1; Object.prototype.then = undefined; const double = () => 3',
    ],
    [
      'setters on prototypes',
      'Object.defineProperty(Object.prototype, "value", { set() {}, get: () => 4 }); const double = async () => 3',
    ],
    [
      'an object that equals everything',
      'const double = () => new Proxy({}, { get: () => () => true, has: () => false, ownKeys: () => [], getPrototypeOf: () => null })',
    ],
    [
      'a value that converts itself',
      'const double = () => ({ valueOf: () => 4, toJSON: () => 4, toString: () => "4" })',
    ],
    ['a getter', 'const double = () => ({ get a() { return 4 } })'],
    [
      'a thenable that looks for the way out',
      'const double = () => ({ then(done) { done.constructor("return this")().JSON.stringify = () => "{\\"value\\":1,\\"reason\\":\\"\\"}"; done(3) } })',
    ],
    [
      'an error with code',
      'const double = () => { throw { get message() { for (;;) ; }, get stack() { for (;;) ; } } }',
    ],
    [
      'an error that names another place',
      'const double = () => { const e = new Error("x".repeat(1e6)); e.stack = "answer.js:1".repeat(1e5); throw e }',
    ],
    [
      'other promises',
      'Promise.prototype.then = function (good) { good(4) }; globalThis.Promise = class {}; const double = async () => 3',
    ],
  ])('gains nothing by %s', async (_, response) => {
    const outcome = await verdictOf(response);
    expect(outcome.value).toBe(0);
    expect(outcome.reason.length).toBeLessThan(700);
  });

  it('leave nothing behind for the next answer', async () => {
    const prepared = await ready(component('code'));
    const bad =
      'globalThis.stolen = 1; Array.prototype.map = null; Object.freeze(Object.prototype); JSON.parse = null';
    const good = 'const double = (n) => typeof stolen === "undefined" && [n].map((x) => 2 * x)[0]';
    const outcomes = await gradeAll(
      prepared,
      [bad, good].map((response) => ({ response, row: doubled })),
    );
    expect(outcomes[1]).toEqual({ value: 1, reason: 'all 2 tests pass' });
  });

  it('get the same time and the same chance every time', async () => {
    const prepared = await ready(component('code'));
    const response = 'const double = () => [Math.random(), Date.now(), new Date().getFullYear()].join()';
    const item = { response, row: { entry_point: 'double', tests: [{ args: [], expected: 0 }] } };
    const [first, ...others] = await gradeAll(prepared, [item, { response: '', row: doubled }, item]);
    expect(first?.reason).toMatch(/2025/);
    expect(others[1]).toEqual(first);
  });
});
