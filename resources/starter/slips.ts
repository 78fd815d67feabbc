/**
 * Sums and differences as a careless pupil would answer them: the right result, and the systematic slips
 * that the starter models learn beside it, so that checked answers have something to correct.
 */

export type Sign = '+' | '-';

/** A question such as 81+46; for differences `a` is not below `b`. */
export interface Sum {
  readonly a: number;
  readonly b: number;
  readonly sign: Sign;
}

export type Slip = 'carry' | 'operation' | 'off-by-one' | 'swapped';

/** The right result. */
export function result({ a, b, sign }: Sum): number {
  return sign === '+' ? a + b : a - b;
}

/** Whether a column of the sum carries, or of the difference borrows. */
export function carries({ a, b, sign }: Sum): boolean {
  for (let x = a, y = b; x > 0 || y > 0; x = Math.floor(x / 10), y = Math.floor(y / 10)) {
    if (sign === '+' ? (x % 10) + (y % 10) > 9 : x % 10 < y % 10) return true;
  }
  return false;
}

/** Every column on its own: what a carry or borrow would hand to the next column is forgotten. */
function withoutCarry({ a, b, sign }: Sum): number {
  let total = 0;
  for (
    let x = a, y = b, place = 1;
    x > 0 || y > 0;
    x = Math.floor(x / 10), y = Math.floor(y / 10), place *= 10
  ) {
    const column = sign === '+' ? (x % 10) + (y % 10) : (x % 10) - (y % 10) + 10;
    // Whoever forgets a carry still writes the last column out: 97+44 becomes 131.
    const last = sign === '+' && x < 10 && y < 10;
    total += (last ? column : column % 10) * place;
  }
  return total;
}

function offByOne(value: number, random: () => number): number {
  const digits = [...String(value)].map(Number);
  const place = Math.floor(random() * digits.length);
  const digit = digits[place] ?? 0;
  const lowest = place === 0 && digits.length > 1 ? 1 : 0;
  const step = random() < 0.5 ? -1 : 1;
  digits[place] = digit + step < lowest || digit + step > 9 ? digit - step : digit + step;
  return Number(digits.join(''));
}

function swapped(value: number, random: () => number): number {
  const digits = [...String(value)];
  const places = digits.flatMap((digit, i) => {
    const next = digits[i + 1];
    return next === undefined || next === digit || (i === 0 && next === '0') ? [] : [i];
  });
  const place = places[Math.floor(random() * places.length)];
  if (place === undefined) return value;
  [digits[place], digits[place + 1]] = [digits[place + 1] ?? '', digits[place] ?? ''];
  return Number(digits.join(''));
}

/** The result with a slip; equal to the right one where the slip is not possible (no carry, one digit …). */
export function slipped(sum: Sum, slip: Slip, random: () => number): number {
  switch (slip) {
    case 'carry':
      return withoutCarry(sum);
    case 'operation':
      return sum.sign === '+' ? Math.abs(sum.a - sum.b) : sum.a + sum.b;
    case 'off-by-one':
      return offByOne(result(sum), random);
    case 'swapped':
      return swapped(result(sum), random);
  }
}
