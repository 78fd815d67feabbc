/** Users' own functions: what they may return, how their errors are told, and that only the answer decides. */
import { describe, expect, it } from 'vitest';
import { rewardFunctionExamples } from '../../../../src-main/contract/reward-function.ts';
import { rewardSchema } from '../../../../src-main/contract/reward.ts';
import { answerItem, component } from '../reward-item.ts';
import { gradeAll, problemOf, ready, workClock } from './prepared.ts';

async function outcomeOf(body: string, response = '3', settings: Record<string, unknown> = {}) {
  const prepared = await ready(component('function', { code: body, ...settings }), workClock());
  return prepared.grade(answerItem({ response, row: { topic: 'sums', tags: ['a'] } }));
}

describe('the examples', () => {
  it('are at least six, with names of their own', () => {
    expect(new Set(rewardFunctionExamples.map(({ name }) => name)).size).toBeGreaterThanOrEqual(6);
  });

  it.each(rewardFunctionExamples)('$name', async ({ code, answers }) => {
    const prepared = await ready(component('function', { code }));
    const outcomes = await gradeAll(
      prepared,
      answers.map(({ prompt = '', response, answer = '', row = {}, finish = 'stop' }) => ({
        prompt,
        response,
        reference: answer,
        row: Object.fromEntries(
          Object.entries(row).map(([name, value]) => [name, typeof value === 'object' ? [...value] : value]),
        ),
        finish,
      })),
    );
    for (const [place, { value }] of answers.entries()) {
      const given = outcomes[place]?.value;
      if (value === null) expect(given).toBeNull();
      else expect(given).toBeCloseTo(value, 12);
    }
  });
});

describe('a function', () => {
  it.each([
    ['function reward() { return 0.25 }', 0.25, 'own function'],
    ['const reward = () => true', 1, 'own function'],
    ['let reward = ({ response }) => ({ value: Number(response), reason: "as said" })', 3, 'as said'],
    ['async function reward() { await null; return { value: -2, reason: "late" } }', -2, 'late'],
    [
      'function reward({ row, answer, prompt, finish }) { return { value: 1, reason: [row.topic, row.tags[0], answer, prompt, finish].join() } }',
      1,
      'sums,a,3,1+2=,stop',
    ],
    ['function reward() { return null }', null, 'the function returned null'],
    ['function reward() { return { value: null, reason: "no such row" } }', null, 'no such row'],
    ['function reward() {}', null, 'the function returned nothing'],
    ['function reward() { return 0 / 0 }', null, 'the function returned NaN'],
    ['function reward() { return "1" }', null, 'the function returned a string'],
    ['function reward() { return { score: 1 } }', null, 'without a number named "value"'],
    ['function reward() {\n  const x = null;\n  return x.y;\n}', null, 'line 3: TypeError'],
    [
      'function help() {\n  throw new RangeError("too far")\n}\nfunction reward() {\n  return help();\n}',
      null,
      'line 2: RangeError: too far',
    ],
    ['function reward() { throw "text" }', null, 'threw text'],
    ['async function reward() {\n  throw new Error("later")\n}', null, 'line 2: Error: later'],
    ['function reward() { return new Promise(() => {}) }', null, 'a promise that nothing settles'],
    ['function reward() { while (true) {} }', null, 'the function took too long (more than 200 ms)'],
    ['function reward() { const a = []; for (;;) a.push(new Array(1e5).fill(0)) }', null, 'memory'],
    ['function reward() { return reward() + 1 }', null, ''],
    ['function reward() { return Date.now() }', null, 'there is no clock in a reward'],
    ['function reward() { return new Date().getTime() }', null, 'there is no clock in a reward'],
    [
      'function reward() { return new Date("2024-03-01").getUTCMonth() + new Date(0).getHours() }',
      2,
      'own function',
    ],
    [
      'function reward() { return typeof process + typeof require + typeof fetch === "undefined".repeat(3) }',
      1,
      'own function',
    ],
  ])('%j', async (code, value, reason) => {
    const { outcome } = await outcomeOf(code);
    expect(outcome.value).toBe(value);
    expect(outcome.reason).toContain(reason);
  });

  it.each([
    ['function reward() {\n  return 1 +;\n}', 'code, line 2, column 13', 'SyntaxError'],
    ['function reward() {', 'code, line 1', 'SyntaxError'],
    ['\nnot.there();\nfunction reward() {}', 'code, line 2', 'ReferenceError'],
    ['function score() { return 1 }', 'code', 'no function named reward'],
    ['const reward = 3', 'code', 'no function named reward'],
    ['while (true) {}', 'code', 'took too long before any answer was graded'],
    ['const all = []; for (;;) all.push(new Array(1e5).fill(0))', 'code', ''],
  ])('is refused before a run: %j', async (code, where, message) => {
    const problem = await problemOf(component('function', { code }), workClock());
    expect(problem.where).toContain(where);
    expect(problem.message).toContain(message);
  });

  it('prints lines, not without end', async () => {
    const { lines } = await outcomeOf(
      'function reward() { console.log("a", 1, { b: [2] }); for (let i = 0; i < 200; i++) console.warn("x".repeat(9999)); return 1 }',
    );
    expect(lines).toHaveLength(101);
    expect(lines[0]).toBe('a 1 {"b":[2]}');
    expect(lines[1]).toHaveLength(500);
    expect(lines.at(-1)).toBe('… and 101 more lines');
  });

  it('may take as much memory as it is given', async () => {
    const code = 'function reward() { return new Uint8Array(40 * 2 ** 20).length > 0 }';
    expect((await outcomeOf(code, '', { memory: 32 })).outcome.value).toBeNull();
    expect((await outcomeOf(code, '', { memory: 128 })).outcome.value).toBe(1);
    const reward = { components: [{ kind: 'function', code, memory: 15 }] };
    expect(rewardSchema.safeParse(reward).success).toBe(false);
  });
});

describe('only the answer decides', () => {
  const counting = `let calls = 0;
    Array.prototype.seen = [];
    function reward({ response }) {
      calls += 1;
      [].seen.push(response);
      globalThis.last = (globalThis.last ?? 0) + response.length;
      return { value: calls + [].seen.length + last + random() + Math.random(), reason: String(new Error().stack.length) };
    }`;
  const items = Array.from({ length: 30 }, (_, i) =>
    answerItem({ response: 'x'.repeat(i % 7), prompt: `question ${i}` }),
  );

  it('not the order, nor who was graded before', async () => {
    const forward = await gradeAll(await ready(component('function', { code: counting })), items);
    const backward = await gradeAll(
      await ready(component('function', { code: counting })),
      items.toReversed(),
    );
    expect(backward.toReversed()).toEqual(forward);
    expect(new Set(forward.map(({ value }) => value)).size).toBe(items.length);
  });

  it('not a failure before it', async () => {
    const code =
      'let n = 0; function reward({ response }) { n += 1; if (response === "loop") for (;;) ; if (response === "fill") { const a = []; for (;;) a.push(new Array(1e5).fill(0)) } if (response === "deep") return reward({ response }) + 1; return n }';
    const prepared = await ready(component('function', { code }), workClock());
    const outcomes = await gradeAll(
      prepared,
      ['a', 'loop', 'a', 'fill', 'a', 'deep', 'a'].map((response) => ({ response })),
    );
    expect(outcomes.map(({ value }) => value)).toEqual([1, null, 1, null, 1, null, 1]);
  });

  it('and, for random numbers, the seed of the run', async () => {
    const made = component('function', { code: 'function reward() { return random() }' });
    const draw = async (seed: number) =>
      (await gradeAll(await ready(made, () => 0, seed), [items[0]!]))[0]?.value;
    expect(await draw(1)).toBe(await draw(1));
    expect(await draw(1)).not.toBe(await draw(2));
  });
});
