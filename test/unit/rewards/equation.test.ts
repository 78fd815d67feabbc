/** The expression parser against an independent evaluation, and its limits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEEPEST_BRACKETS,
  evaluateExpression,
  LONGEST_EXPRESSION,
  scoreEquation,
} from '../../../src-main/rewards/equation.ts';
import { equal } from '../../../src-main/rewards/rational.ts';

const columns = { numbers: 'check.numbers', target: 'check.target' };
const score = (response: string, numbers: (number | string)[] | string, target: number | string) =>
  scoreEquation({ response, row: { check: { numbers, target } } }, columns);

interface Tree {
  readonly text: string;
  readonly top: bigint;
  readonly bottom: bigint;
  readonly numbers: number;
}

/** Random fully bracketed expressions with their value worked out while they are made. */
const tree: fc.Arbitrary<Tree> = fc.letrec<{ node: Tree; leaf: Tree }>((tie) => ({
  leaf: fc.nat(20).map((value) => ({ text: String(value), top: BigInt(value), bottom: 1n, numbers: 1 })),
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    tie('leaf'),
    fc
      .tuple(tie('node'), fc.constantFrom('+', '-', '*', '/'), tie('node'), fc.constantFrom('', ' '))
      .map(([a, sign, b, space]) => {
        const text = `(${a.text}${space}${sign}${space}${b.text})`;
        const numbers = a.numbers + b.numbers;
        switch (sign) {
          case '+':
            return { text, numbers, top: a.top * b.bottom + b.top * a.bottom, bottom: a.bottom * b.bottom };
          case '-':
            return { text, numbers, top: a.top * b.bottom - b.top * a.bottom, bottom: a.bottom * b.bottom };
          case '*':
            return { text, numbers, top: a.top * b.top, bottom: a.bottom * b.bottom };
          default:
            return { text, numbers, top: a.top * b.bottom, bottom: b.bottom === 0n ? 0n : a.bottom * b.top };
        }
      }),
  ),
})).node;

describe('evaluateExpression', () => {
  it('has the value of every bracketed expression, or a division by zero', () => {
    fc.assert(
      fc.property(tree, ({ text, top, bottom, numbers }) => {
        const result = evaluateExpression(text);
        if (bottom === 0n) expect(result).toEqual({ ok: false, reason: 'division by zero' });
        else {
          const value =
            bottom < 0n ? { numerator: -top, denominator: -bottom } : { numerator: top, denominator: bottom };
          expect(result.ok && equal(result.value, value)).toBe(true);
          expect(result.ok && result.numbers.length).toBe(numbers);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('binds as arithmetic does', () => {
    // Whole-number chains without division by a possible zero, against JavaScript's own arithmetic.
    const chain = fc.array(fc.tuple(fc.constantFrom('+', '-', '*'), fc.nat(30)), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.nat(30), chain, (first, rest) => {
        const terms: number[] = [first];
        for (const [sign, value] of rest) {
          if (sign === '*') terms.push((terms.pop() ?? 0) * value);
          else terms.push(sign === '+' ? value : -value);
        }
        const expected = terms.reduce((total, term) => total + term, 0);
        const result = evaluateExpression(
          `${first}${rest.map(([sign, value]) => `${sign}${value}`).join('')}`,
        );
        expect(result.ok && equal(result.value, { numerator: BigInt(expected), denominator: 1n })).toBe(true);
      }),
    );
    expect(evaluateExpression('8/4/2')).toMatchObject({ ok: true });
    expect(score('8/4/2', [8, 4, 2], 1).value).toBe(1);
    expect(score('10-3-2', [10, 3, 2], 5).value).toBe(1);
  });

  it('never throws on any text', () => {
    const piece = fc.constantFrom('1', '22', '+', '-', '*', '/', '(', ')', ' ', 'x', '.', '=');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const result = evaluateExpression(pieces.join(''));
        if (!result.ok) expect(result.reason).not.toBe('');
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['', 'a number is missing'],
    ['1+', 'a number is missing'],
    ['-1', "unexpected '-'"],
    ['2*-1', "unexpected '-'"],
    ['(1+2', 'a bracket is not closed'],
    ['1+2)', 'something follows the expression'],
    ['1 2', 'something follows the expression'],
    ['1+2=3', 'something follows the expression'],
    ['1.5', 'something follows the expression'],
    ['1/(2-2)', 'division by zero'],
    ['()', "unexpected ')'"],
    ['1+1+1+1', 'not each number exactly once'],
  ])('%j: %s', (text, reason) => {
    expect(evaluateExpression(text, 3)).toEqual({ ok: false, reason });
  });

  it('keeps its limits', () => {
    const nested = (depth: number): string => `${'('.repeat(depth)}1${')'.repeat(depth)}`;
    expect(evaluateExpression(nested(DEEPEST_BRACKETS)).ok).toBe(true);
    expect(evaluateExpression(nested(DEEPEST_BRACKETS + 1))).toEqual({
      ok: false,
      reason: 'too many brackets',
    });
    expect(evaluateExpression(`${' '.repeat(LONGEST_EXPRESSION)}1`).ok).toBe(false);
    for (const text of ['('.repeat(1_000_000), '1'.repeat(1_000_000), '1+'.repeat(500_000)]) {
      expect(score(text, [1, 2], 3).value).toBe(0);
    }
  });
});

describe('scoreEquation', () => {
  it('wants every number exactly once', () => {
    expect(score('8/8*12', [12, 8, 8], 12).value).toBe(1);
    expect(score('8/8*12', [12, 8], 12).value).toBe(0);
    expect(score('12', [12, 8], 12).reason).toBe('not each number exactly once');
    expect(score('12+0', [1, 2, 0], 12).value).toBe(0);
  });

  it('computes with fractions', () => {
    expect(score('8/(3-8/3)', [8, 3, 8, 3], 24).value).toBe(1);
    expect(score('1/2', [1, 2], 0.5).value).toBe(1);
  });

  it.each([['[2, 7, 6]'], ['2 7 6'], ['2,7,6'], [['2', '7', '6']]])(
    'reads the numbers from %j',
    (numbers) => {
      expect(score('7*6*2', numbers, '84').value).toBe(1);
    },
  );

  it.each([
    ['no numbers', { check: { target: 3 } }],
    ['a number that is not whole', { check: { numbers: [1.5, 2], target: 3 } }],
    ['no target', { check: { numbers: [1, 2] } }],
    ['a target that is no number', { check: { numbers: [1, 2], target: 'three' } }],
  ])('cannot grade a row with %s', (_name, row) => {
    expect(scoreEquation({ response: '1+2', row }, columns).value).toBeNull();
  });
});
