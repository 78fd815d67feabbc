import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defineCommand, type OptionTable } from '../../../src-main/app/cli/command.ts';
import { parseArguments } from '../../../src-main/app/cli/parse-arguments.ts';
import { EspalierError } from '../../../src-main/contract/errors.ts';

const options = {
  seed: { type: 'integer', help: 'The seed.', minimum: 0 },
  temperature: { type: 'number', help: 'The temperature.', minimum: 0, maximum: 10 },
  set: { type: 'string', help: 'A setting.', value: 'PATH=VALUE', multiple: true },
  'no-open': { type: 'boolean', help: 'Do not open.' },
  to: { type: 'string', help: 'The format.', choices: ['hf', 'adapter'] },
} as const satisfies OptionTable;

const shape = {
  name: 'train',
  positionals: [
    { name: 'FILE', help: 'the file' },
    { name: 'OTHER', help: 'another', optional: true },
  ],
  options,
} as const;

const parse = (...words: string[]) => parseArguments(shape, words);

function failure(...words: string[]): EspalierError {
  try {
    parse(...words);
  } catch (error) {
    if (error instanceof EspalierError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('options', () => {
  test('have the types of their table', () => {
    const { values, positionals } = parse(
      'a.json',
      '--seed',
      '3',
      '--temperature=0.5',
      '--set',
      'a=1',
      '--set=b=2',
      '--no-open',
      '--json',
    );
    expect(values).toEqual({ seed: 3, temperature: 0.5, set: ['a=1', 'b=2'], 'no-open': true });
    expect(positionals).toEqual(['a.json']);
  });

  test('that are not given are undefined, false or empty', () => {
    expect(parse('a.json').values).toEqual({ set: [], 'no-open': false });
  });

  test('common options are taken and left out of the values', () => {
    expect(parse('--data', '/x', 'a.json').values).toEqual({ set: [], 'no-open': false });
  });

  test('after -- everything is positional', () => {
    expect(parse('--', '--seed', 'b').positionals).toEqual(['--seed', 'b']);
  });

  test.each([
    [['a', '--sed', '1'], 'Did you mean --seed?'],
    [['a', '--no-opne'], 'Did you mean --no-open?'],
    [['a', '--qqqqqqq'], 'Unknown option --qqqqqqq.'],
    [['a', '--seed', '1.5'], 'whole number'],
    [['a', '--seed', ''], 'whole number'],
    [['a', '--seed', '-1'], 'at least 0'],
    [['a', '--temperature', '11'], 'at most 10'],
    [['a', '--temperature', 'warm'], 'a number'],
    [['a', '--set'], 'needs a value (PATH=VALUE)'],
    [['a', '--set', '--json'], 'needs a value'],
    [['a', '--no-open=yes'], 'takes no value'],
    [['a', '--to', 'adapte'], 'Did you mean adapter?'],
    [[], 'FILE is missing'],
    [['a', 'b', 'c'], '"c" is one word too many'],
    [['a', '--__proto__', '1'], 'Unknown option'],
  ])('%j is refused', (words, message) => {
    const error = failure(...words);
    expect(error.code).toBe('usage');
    expect(error.kind).toBe('user');
    expect(error.message).toContain(message);
  });

  test('whole numbers come back as they were written', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        expect(parse('a', '--seed', String(seed)).values.seed).toBe(seed);
      }),
    );
  });
});

test('a command gets the parsed values', async () => {
  let seen: unknown;
  const command = defineCommand({
    name: 'train',
    summary: '',
    about: [],
    positionals: shape.positionals,
    options,
    examples: [],
    run: (_context, values, positionals) => {
      seen = [values.seed, values.set, positionals];
      return Promise.resolve(0);
    },
  });
  await command.run({} as never, ['a', '--seed', '7', '--set', 'x=1']);
  expect(seen).toEqual([7, ['x=1'], ['a']]);
});
