/** Reading numbers out of text, comparing them exactly, and staying fast on hostile answers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finalNumber, lastBoxed, parseWholeNumber } from '../../../src-main/rewards/number-text.ts';
import { scoreNumber } from '../../../src-main/rewards/number.ts';
import {
  add,
  decimal,
  divide,
  equal,
  fromNumber,
  multiply,
  negate,
  whole,
  within,
} from '../../../src-main/rewards/rational.ts';

/** The number found in a text, as `numerator/denominator` in lowest terms, with % where it is a percentage. */
function found(text: string): string {
  const number = finalNumber(text);
  if (number === undefined || number === 'unreadable') return String(number);
  const { numerator, denominator } = number.value;
  let [a, b] = [numerator < 0n ? -numerator : numerator, denominator];
  while (b !== 0n) [a, b] = [b, a % b];
  return `${numerator / a}${denominator === a ? '' : `/${denominator / a}`}${number.percent ? '%' : ''}`;
}

describe('finalNumber', () => {
  it.each([
    ['The answer is 42.', '42'],
    ['so $\\boxed{\\frac{3}{4}}$, not 7', '3/4'],
    ['\\boxed{1} then \\boxed{x = 5}', '5'],
    ['\\boxed{12', '12'],
    ['72 #### 1,234\nand 9', '1234'],
    ['#### \n18', '18'],
    ['\u22125', '-5'],
    ['\u20135', '-5'],
    ['10-3', '3'],
    ['(\u22127)', '-7'],
    ['- 7 apples', '7'],
    ['-\\frac{1}{2}', '-1/2'],
    ['\\dfrac12', '1/2'],
    ['\\frac{-6}{4}', '-3/2'],
    ['1 3/4 cups', '7/4'],
    ['-1 3/4', '-7/4'],
    ['1\\frac{3}{4}', '7/4'],
    ['3/4/2020', '2020'],
    ['50%', '50%'],
    ['50 \\%', '50%'],
    ['12 percent', '12%'],
    ['$1,234.50', '2469/2'],
    ['-$5', '-5'],
    ['$-5', '-5'],
    ['USD5', '5'],
    ['Rs.5', '5'],
    ['5 kg of CO2', '5'],
    ['1,2,5', '5'],
    ['1.5e3', '1500'],
    ['2 \\times 10^{3}', '2000'],
    ['x=.25', '1/4'],
    ['1\u202f234', '1234'],
    ['1{,}234', '1234'],
    ["1'000'000", '1000000'],
    ['_42_ or **-7**', '-7'],
    ['H2O', 'undefined'],
    ['version 1.2.3', 'undefined'],
    ['\\boxed{none} 3', 'undefined'],
    ['', 'undefined'],
    ['5/0', 'unreadable'],
    ['\\boxed{\\frac{1}{0}}', 'unreadable'],
    [`${'9'.repeat(2000)} 5`, '5'],
    ['9'.repeat(2000), 'unreadable'],
    [`7 ${'H2O '.repeat(100)}`, '7'],
  ])('%j gives %s', (text, value) => {
    expect(found(text)).toBe(value);
  });

  it('finds any decimal however it is grouped and whatever stands around it', () => {
    const number = fc.tuple(
      fc.bigInt({ min: 0n, max: 10n ** 24n }),
      fc.integer({ min: 0, max: 999 }),
      fc.boolean(),
    );
    const before = fc.constantFrom(
      '',
      'The answer is ',
      'x = ',
      '12 + 30 = ',
      '\\boxed{',
      '#### ',
      'costs $',
    );
    fc.assert(
      fc.property(number, before, fc.boolean(), ([integer, thousandths, negative], prefix, grouped) => {
        const digits = grouped ? integer.toString().replace(/\B(?=(\d{3})+$)/g, ',') : integer.toString();
        const fraction = thousandths === 0 ? '' : `.${String(thousandths).padStart(3, '0')}`;
        const sign = negative && !prefix.endsWith('$') ? '-' : '';
        const text = `${prefix}${sign}${digits}${fraction}${prefix === '\\boxed{' ? '}' : ''}`;
        const result = finalNumber(text);
        const scaled = (integer * 1000n + BigInt(thousandths)) * (sign === '-' ? -1n : 1n);
        expect(
          typeof result === 'object' && equal(result.value, { numerator: scaled, denominator: 1000n }),
        ).toBe(true);
      }),
    );
  });

  it('never throws and always ends', () => {
    const piece = fc.constantFrom(
      '1',
      '23',
      ',',
      '.',
      '/',
      '-',
      '\\frac{',
      '}',
      '{',
      ' ',
      '%',
      '\\boxed{',
      '####',
      'e',
      'x',
      '\u00a0',
      '$',
      '_',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        finalNumber(pieces.join(''));
        finalNumber(pieces.join('').repeat(20));
      }),
      { numRuns: 300 },
    );
  });
});

describe('lastBoxed', () => {
  it('follows braces', () => {
    expect(lastBoxed('\\boxed{a{b}c} d')).toBe('a{b}c');
    expect(lastBoxed('\\boxed 5')).toBeUndefined();
    expect(lastBoxed('\\boxed{1} \\boxed 5')).toBe('1');
  });
});

describe('parseWholeNumber', () => {
  it.each([
    '127',
    ' 127\n',
    '+127',
    '-1',
    '0127',
    '127.0',
    '1,234.5',
    '.5',
    '127\u00a0',
    `${'0'.repeat(5000)}7`,
  ])('reads %j', (text) => {
    expect(parseWholeNumber(text)).toBeDefined();
  });
  it.each([
    '',
    ' ',
    '127!',
    '127e0',
    '12,34',
    '1,2345',
    '127 127',
    '1.',
    '--1',
    '1/2',
    'NaN',
    '１２',
    '5%',
    '9'.repeat(1001),
  ])('refuses %j', (text) => {
    expect(parseWholeNumber(text)).toBeUndefined();
  });
});

describe('scoreNumber', () => {
  const score = (response: string, reference: string, find: 'whole' | 'last' = 'last', tolerance = 0) =>
    scoreNumber({ response, reference }, { find, mark: '####', tolerance }).value;

  it('compares without rounding', () => {
    expect(score('0.1', '1/10')).toBe(1);
    expect(score('0.30000000000000004', '0.3')).toBe(0);
    expect(score('9007199254740993', '9007199254740992')).toBe(0);
    expect(score('0.3333', '1/3')).toBe(0);
  });

  it('accepts a difference up to the tolerance, relative to the reference', () => {
    expect([score('101', '100', 'last', 0.01), score('101.0001', '100', 'last', 0.01)]).toEqual([1, 0]);
    expect([score('-99', '-100', 'whole', 0.01), score('99', '-100', 'whole', 0.01)]).toEqual([1, 0]);
    expect([score('0', '0', 'last', 0.5), score('0.0001', '0', 'last', 0.5)]).toEqual([1, 0]);
    expect(score('1.0000001', '1', 'last', 1e-7)).toBe(1);
  });

  it('takes a percentage for its number and for its share', () => {
    expect([score('50%', '50'), score('50%', '0.5'), score('0.5', '50%'), score('50%', '50%')]).toEqual([
      1, 1, 1, 1,
    ]);
    expect(score('0.5%', '50%')).toBe(0);
  });

  it('reads references that are whole solutions, and cannot grade without a number', () => {
    expect(score('5', '2 + 3 = 5\n#### 5', 'whole')).toBe(1);
    expect(score('5', 'five')).toBeNull();
    expect(score('5', '')).toBeNull();
    expect(score('', '5')).toBe(0);
  });

  it('is symmetric in how a value is written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -99999, max: 99999 }),
        fc.integer({ min: 1, max: 999 }),
        (top, bottom) => {
          expect(score(`so it is ${top}/${bottom}`, `\\frac{${top}}{${bottom}}`)).toBe(1);
          expect(score(`${top}/${bottom}`, `${top * 3}/${bottom * 3}`)).toBe(1);
          expect(score(`${top}/${bottom}`, `${top + 1}/${bottom}`)).toBe(0);
        },
      ),
    );
  });

  // A rule that is not linear would take minutes on these, far beyond the limit of a test.
  it.each([
    ['digits', '1'.repeat(1_000_000)],
    ['digits and a letter', `${'1'.repeat(1_000_000)}x`],
    ['commas', '1,'.repeat(500_000)],
    ['groups', `1${',111'.repeat(250_000)}`],
    ['points', '1.'.repeat(500_000)],
    ['slashes', `${'1'.repeat(1000)}/`.repeat(1000)],
    ['open boxes', '\\boxed{'.repeat(140_000)],
    ['open fractions', `\\frac{${'1'.repeat(50)}`.repeat(18_000)],
    ['backslashes', `${'\\'.repeat(1_000_000)}1`],
    ['minus signs', `${'-'.repeat(1_000_000)}1`],
    ['names', 'H2O '.repeat(250_000)],
    ['spaces', `1${' '.repeat(1_000_000)}2`],
  ])('takes linear time on a megabyte of %s', (_name, response) => {
    expect(score(response, '127', 'last')).toBe(0);
    expect(score(response, '127', 'whole')).toBe(0);
  });
});

describe('rational arithmetic', () => {
  const number = fc
    .tuple(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }), fc.bigInt({ min: 1n, max: 10n ** 6n }))
    .map(([numerator, denominator]) => ({ numerator, denominator }));

  it('obeys the laws of fractions', () => {
    fc.assert(
      fc.property(number, number, number, (a, b, c) => {
        expect(equal(add(a, b), add(b, a))).toBe(true);
        expect(equal(multiply(a, add(b, c)), add(multiply(a, b), multiply(a, c)))).toBe(true);
        expect(equal(add(a, negate(a)), whole(0n))).toBe(true);
        const quotient = divide(a, b);
        if (b.numerator === 0n) expect(quotient).toBeUndefined();
        else {
          expect(quotient !== undefined && equal(multiply(quotient, b), a)).toBe(true);
          expect((quotient?.denominator ?? 0n) > 0n).toBe(true);
        }
        expect(within(a, a, whole(0n))).toBe(true);
      }),
    );
  });

  it('reads doubles as they print', () => {
    expect(fromNumber(0.1)).toEqual({ numerator: 1n, denominator: 10n });
    expect(fromNumber(-1.5e-7)).toEqual({ numerator: -15n, denominator: 10n ** 8n });
    expect(fromNumber(2e21)).toEqual({ numerator: 2n * 10n ** 21n, denominator: 1n });
    expect(fromNumber(Number.NaN)).toBeUndefined();
    expect(decimal(false, '1'.repeat(1001), '')).toBeUndefined();
  });
});
