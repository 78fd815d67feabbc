/** Exact fractions of whole numbers: enough arithmetic to compare answers without rounding. */

/** A fraction; the denominator is above 0 and the two need not be in lowest terms. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Numbers with more digits than this are not read: comparing them would cost more than an answer is worth. */
export const MOST_DIGITS = 1000;

/** A whole number as a fraction. */
export function whole(value: bigint): Rational {
  return { numerator: value, denominator: 1n };
}

/**
 * A decimal number from its digits.
 * @param integer digits before the point (may be empty), leading zeros allowed
 * @param fraction digits behind the point (may be empty), trailing zeros allowed
 * @param exponent power of ten, within ±999
 * @returns undefined when more than MOST_DIGITS digits count
 */
export function decimal(
  negative: boolean,
  integer: string,
  fraction: string,
  exponent = 0,
): Rational | undefined {
  let from = 0;
  while (from < integer.length && integer.charCodeAt(from) === 0x30) from++;
  let to = fraction.length;
  while (to > 0 && fraction.charCodeAt(to - 1) === 0x30) to--;
  if (integer.length - from + to > MOST_DIGITS || Math.abs(exponent) >= MOST_DIGITS) return undefined;
  const digits = BigInt(`0${integer.slice(from)}${fraction.slice(0, to)}`);
  const power = exponent - to;
  const numerator = power > 0 ? digits * 10n ** BigInt(power) : digits;
  return {
    numerator: negative ? -numerator : numerator,
    denominator: power < 0 ? 10n ** BigInt(-power) : 1n,
  };
}

/** Exactly the decimal number that JavaScript prints for a finite double (0.1 is 1/10). */
export function fromNumber(value: number): Rational | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  if (match === null) return undefined;
  return decimal(match[1] === '-', match[2] ?? '', match[3] ?? '', Number(match[4] ?? 0));
}

export function add(a: Rational, b: Rational): Rational {
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}

export function negate(a: Rational): Rational {
  return { numerator: -a.numerator, denominator: a.denominator };
}

export function multiply(a: Rational, b: Rational): Rational {
  return { numerator: a.numerator * b.numerator, denominator: a.denominator * b.denominator };
}

/** a ÷ b, or undefined when b is 0. */
export function divide(a: Rational, b: Rational): Rational | undefined {
  if (b.numerator === 0n) return undefined;
  const sign = b.numerator < 0n ? -1n : 1n;
  return { numerator: a.numerator * b.denominator * sign, denominator: a.denominator * b.numerator * sign };
}

export function equal(a: Rational, b: Rational): boolean {
  return a.numerator * b.denominator === b.numerator * a.denominator;
}

/** Whether |a − wanted| ≤ tolerance · |wanted|. */
export function within(a: Rational, wanted: Rational, tolerance: Rational): boolean {
  const difference = add(a, negate(wanted));
  const size = (value: Rational): Rational => (value.numerator < 0n ? negate(value) : value);
  const limit = multiply(tolerance, size(wanted));
  const gap = size(difference);
  return gap.numerator * limit.denominator <= limit.numerator * gap.denominator;
}
