/**
 * Typed values of Parquet and Arrow files → JSON values without loss: what a double cannot hold becomes text with every
 * digit (decimals, whole numbers beyond 2^53, infinities), moments become ISO 8601 text, bytes become base64.
 */
import type { Json } from './row.ts';

export type TimeUnit = 's' | 'ms' | 'us' | 'ns';

const unitsPerSecond: Record<TimeUnit, bigint> = {
  s: 1n,
  ms: 1_000n,
  us: 1_000_000n,
  ns: 1_000_000_000n,
};
const unitDigits: Record<TimeUnit, number> = { s: 0, ms: 3, us: 6, ns: 9 };
const exactLimit = 2n ** 53n;
const secondsPerDay = 86_400n;
/** Days that `Date` can name, either way from 1970. */
const mostDays = 100_000_000n;

/** A whole number: a number where it gives all digits back (always up to ±2^53), else text with all of them. */
export function integerValue(value: bigint): number | string {
  if (value >= -exactLimit && value <= exactLimit) return Number(value);
  const text = value.toString();
  return String(Number(value)) === text ? Number(value) : text;
}

/**
 * A floating-point number. JSON has no word for what is none: NaN counts as missing, as pandas means it, and
 * infinities become the texts `Infinity` and `-Infinity`.
 */
export function floatValue(value: number): number | string | null {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? null : String(value);
}

/** A decimal number as text: the unscaled whole number with `scale` digits behind the point. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return (unscaled * 10n ** BigInt(-scale)).toString();
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** A day as `2024-02-29`, counted from 1970-01-01. */
export function dateText(days: bigint): string {
  if (days > mostDays || days < -mostDays) return `${days} days from 1970-01-01`;
  return new Date(Number(days) * 86_400_000).toISOString().split('T')[0] ?? '';
}

/** A time of day as `13:05:00.123`, with the digits of its unit. */
export function timeText(value: bigint, unit: TimeUnit): string {
  const perSecond = unitsPerSecond[unit];
  const seconds = value / perSecond;
  const parts = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map((part) =>
    part.toString().padStart(2, '0'),
  );
  const digits = unitDigits[unit];
  const fraction = digits === 0 ? '' : `.${(value % perSecond).toString().padStart(digits, '0')}`;
  return parts.join(':') + fraction;
}

/**
 * A moment as `2023-11-14T22:13:20.123456789`, with the digits of its unit.
 * @param value units since 1970-01-01T00:00:00
 * @param utc whether it is a moment of the world (ends in Z) rather than the reading of some clock
 */
export function timestampText(value: bigint, unit: TimeUnit, utc: boolean): string {
  const perDay = unitsPerSecond[unit] * secondsPerDay;
  let days = value / perDay;
  let rest = value % perDay;
  if (rest < 0n) {
    rest += perDay;
    days -= 1n;
  }
  return `${dateText(days)}T${timeText(rest, unit)}${utc ? 'Z' : ''}`;
}

/** A length of time in words that keep the unit, such as `1500 ms`. */
export function durationText(value: bigint, unit: TimeUnit): string {
  return `${value} ${unit}`;
}

/** Bytes that are not text, in base64. */
export function bytesText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** The whole number that big-endian two's complement bytes stand for. */
export function signedBigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}

/** A name for a key of a map: keys of JSON objects are text. */
export function keyText(key: Json): string {
  return typeof key === 'string' ? key : JSON.stringify(key);
}

/** An object from names and values; a name such as `__proto__` is a column like any other. */
export function objectOf(names: readonly string[], values: readonly Json[]): { [name: string]: Json } {
  const made: { [name: string]: Json } = {};
  for (let i = 0; i < names.length; i++) setField(made, names[i] ?? '', values[i] ?? null);
  return made;
}

/** Sets a field of an object, also when its name is `__proto__`. */
export function setField(target: { [name: string]: Json }, name: string, value: Json): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[name] = value;
  }
}
