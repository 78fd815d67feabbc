/** Python's `'…' % values`, which jinja2 also offers as the filter `format`. */
import { repr, toText } from './print.ts';
import { checkLength, failure, numeric, unsupportedFeature } from './values.ts';
import type { Value } from './values.ts';

function padded(text: string, flags: string, width: number, numberLike: boolean): string {
  checkLength(width);
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0') || !numberLike) return text.padStart(width);
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}

/** Fills the codes of `format` with `values`, in order. */
export function percentFormat(format: string, values: readonly Value[]): string {
  let next = 0;
  const text = format.replace(
    /%([-+0 #]*)(\d*)(?:\.(\d+))?([\s\S]?)/g,
    (all, flags: string, width: string, digits: string | undefined, code: string) => {
      if (code === '%') return '%';
      if (!/^[srdifx]$/.test(code) || /[# ]/.test(flags))
        throw unsupportedFeature(`The format code "${all}"`);
      if (next >= values.length) throw failure('not enough arguments for format string');
      const value = values[next++] ?? null;
      if (code === 's' || code === 'r') {
        const string = code === 's' ? toText(value) : repr(value);
        return padded(
          digits === undefined ? string : Array.from(string).slice(0, Number(digits)).join(''),
          flags,
          Number(width),
          false,
        );
      }
      const number = numeric(value);
      if (number === null) throw failure(`%${code} format: a real number is required, not a text`);
      const plus = flags.includes('+') && number >= 0 ? '+' : '';
      if (code === 'f') {
        const float = Number(number);
        if (Math.abs(float) >= 1e21 || !Number.isFinite(float))
          throw unsupportedFeature(`The format code "${all}" for such a number`);
        return padded(plus + float.toFixed(Number(digits ?? 6)), flags, Number(width), true);
      }
      if (digits !== undefined || (code === 'x' && typeof number !== 'bigint'))
        throw unsupportedFeature(`The format code "${all}"`);
      const whole = typeof number === 'bigint' ? number : BigInt(Math.trunc(number));
      return padded(plus + whole.toString(code === 'x' ? 16 : 10), flags, Number(width), true);
    },
  );
  if (next < values.length) throw failure('not all arguments converted during string formatting');
  return text;
}
