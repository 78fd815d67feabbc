/** The rewards regex and json-schema: what they say, what they refuse before a run, and what cannot be graded. */
import { describe, expect, it } from 'vitest';
import { component } from '../reward-item.ts';
import { gradeAll, problemOf, ready, workClock } from './prepared.ts';

async function regex(settings: Record<string, unknown>, response: string, reference = '') {
  const [outcome] = await gradeAll(await ready(component('regex', settings)), [{ response, reference }]);
  return outcome;
}

describe('regex', () => {
  it.each([
    [{ pattern: '\\d+' }, 'a 12', 1, 'the pattern occurs'],
    [{ pattern: '\\d+' }, 'none', 0, 'the pattern does not occur'],
    [{ pattern: 'sorry', flags: 'i', need: 'absent' }, 'I am Sorry', 0, 'found “Sorry”'],
    [{ pattern: 'sorry', need: 'absent' }, 'fine', 1, 'the pattern does not occur'],
    [{ pattern: 'a|ab', need: 'whole' }, 'ab', 1, 'matches'],
    [{ pattern: 'a', need: 'whole' }, 'a\n', 0, 'the answer as a whole does not match'],
    [{ pattern: '^a$', need: 'whole', flags: 'm' }, 'a\na', 0, 'the answer as a whole does not match'],
    [{ pattern: '\\p{Lu}', flags: 'u' }, 'É', 1, 'the pattern occurs'],
    [{ pattern: '(?<year>\\d{4})-\\k<year>' }, '1999-1999', 1, 'the pattern occurs'],
  ])('%j on %j gives %j', async (settings, response, value, reason) => {
    expect(await regex(settings, response)).toEqual({ value, reason });
  });

  it.each([
    ['answer: (\\d+)', 'answer: 12', '12', 1],
    ['answer: (\\d+)', 'answer: 13', ' 12 ', 0],
    ['answer: (\\d+)', 'no', '12', 0],
    ['answer:( .+)', 'answer: 12', '12', 1],
    ['(a)?b', 'b', 'a', 0],
    ['(a)', 'a', ' ', null],
  ])('%j compares its group in %j with %j', async (pattern, response, reference, value) => {
    expect((await regex({ pattern, capture: true }, response, reference))?.value).toBe(value);
  });

  it.each([
    [{ pattern: '(' }, "cannot be read: expecting ')'"],
    [{ pattern: 'a)|(b', need: 'whole' }, 'cannot be read'],
    [{ pattern: '(?<a>x)(?<a>y)' }, 'duplicate group name'],
    [{ pattern: '\\d+', capture: true }, 'no group'],
    [{ pattern: '(?:\\d+)', capture: true }, 'no group'],
  ])('refuses %j before a run', async (settings, message) => {
    const problem = await problemOf(component('regex', settings));
    expect(problem.where).toBe('pattern');
    expect(problem.message).toContain(message);
  });

  it('says that a pattern takes too long, and grades the next answer', async () => {
    const prepared = await ready(component('regex', { pattern: '(a+)+$' }), workClock());
    const outcomes = await gradeAll(prepared, [
      { response: `${'a'.repeat(50)}b` },
      { response: 'aaa' },
      { response: `${'a'.repeat(50)}b` },
      { response: '-' },
    ]);
    expect(outcomes.map(({ value }) => value)).toEqual([null, 1, null, 0]);
    expect(outcomes[0]?.reason).toBe(
      'the pattern took too long on this answer: repetitions inside repetitions, such as (a+)+, try too many ways',
    );
  });
});

async function schema(given: unknown, response: string) {
  const [outcome] = await gradeAll(await ready(component('json-schema', { schema: given })), [{ response }]);
  return outcome;
}

const person = {
  type: 'object',
  required: ['name', 'tags'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 1 },
    tags: { type: 'array', items: { $ref: '#/$defs/tag' } },
  },
  $defs: { tag: { enum: ['a', 'b'] } },
};

describe('json-schema', () => {
  it.each([
    ['{"name": "x", "tags": ["a"]}', 1, 'fits the schema'],
    ['```json\n{"name": "x", "tags": []}\n```', 1, 'fits the schema'],
    [
      '{"name": "x", "tags": ["a", "c"]}',
      0,
      '/tags/1: must be equal to one of the allowed values: ["a","b"]',
    ],
    ['{"name": "x"}', 0, "the whole value: must have required property 'tags'"],
    [
      '{"name": "x", "tags": [], "more": 1}',
      0,
      'the whole value: must NOT have additional properties: "more"',
    ],
    ['{"name": "", "tags": []}', 0, '/name: must NOT have fewer than 1 characters'],
    ['[]', 0, 'the whole value: must be object'],
    ['name: x', 0, 'no JSON'],
    ['', 0, 'empty answer'],
  ])('%j gives %j', async (response, value, reason) => {
    expect(await schema(person, response)).toEqual({ value, reason });
  });

  it('knows both drafts', async () => {
    const tuple7 = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      items: [{ type: 'number' }, { type: 'string' }],
      additionalItems: false,
    };
    const tuple2020 = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      prefixItems: [{ type: 'number' }, { type: 'string' }],
      items: false,
    };
    for (const tuple of [tuple7, tuple2020]) {
      expect((await schema(tuple, '[1, "a"]'))?.value).toBe(1);
      expect((await schema(tuple, '["a", 1]'))?.reason).toBe('/0: must be number');
      expect((await schema(tuple, '[1, "a", 2]'))?.value).toBe(0);
    }
  });

  it.each([
    [{ type: 'objekt' }, '/type', 'allowed values'],
    [{ properties: { a: { minimum: 'x' } } }, '/properties/a/minimum', 'must be number'],
    [{ properties: { a: { requried: ['x'] } } }, '/properties/a/requried', 'does not exist'],
    [{ properties: { a: { $ref: '#/$defs/none' } } }, '/properties/a/$ref', 'leads nowhere'],
    [{ $ref: 'https://example.com/other.json' }, '/$ref', 'leads nowhere'],
    [{ properties: { a: { pattern: '(' } } }, '/properties/a/pattern', 'no regular expression'],
    [{ patternProperties: { '(': {} } }, '/patternProperties/(', 'no regular expression'],
    [{ $schema: 'http://json-schema.org/draft-04/schema#' }, '/$schema', 'not known'],
    [{ properties: { 'a/b~c': { type: 1 } } }, '/properties/a~1b~0c/type', 'must be'],
  ])('refuses %j at %j', async (given, path, message) => {
    const problem = await problemOf(component('json-schema', { schema: given }));
    expect(problem).toMatchObject({ where: `schema: ${path}` });
    expect(problem.message).toContain(message);
  });

  it('survives schemas that take too long', async () => {
    const prepared = await ready(component('json-schema', { schema: { pattern: '^(a+)+$' } }), workClock());
    const outcomes = await gradeAll(prepared, [
      { response: JSON.stringify(`${'a'.repeat(50)}b`) },
      { response: '"aaa"' },
      { response: '"b"' },
    ]);
    expect(outcomes.map(({ value }) => value)).toEqual([null, 1, 0]);
    expect(outcomes[0]?.reason).toContain('the schema took too long on this answer');
  });

  it('survives schemas and answers that call themselves without end', async () => {
    const list = { type: 'array', items: { $ref: '#' } };
    const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    const prepared = await ready(component('json-schema', { schema: list }));
    const outcomes = await gradeAll(prepared, [
      { response: deep(400) },
      { response: deep(1000) },
      { response: '[[]]' },
    ]);
    expect(outcomes.map(({ value }) => value)).toEqual([1, 0, 1]);
    const circle = await ready(component('json-schema', { schema: { $ref: '#' } }));
    expect((await gradeAll(circle, [{ response: '1' }]))[0]?.value).toBeNull();
  });
});
