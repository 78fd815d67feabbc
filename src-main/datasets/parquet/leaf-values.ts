/** Values of one Parquet column, as hyparquet decodes them from its pages, → JSON values by the types of the schema. */
import { isUtf8 } from 'node:buffer';
import type { SchemaElement } from 'hyparquet/src/types.js';
import { parseFloat16 } from 'hyparquet/src/convert.js';
import type { Json } from '../row.ts';
import type { TimeUnit } from '../typed-values.ts';
import {
  bytesText,
  dateText,
  decimalText,
  floatValue,
  integerValue,
  signedBigEndian,
  timeText,
  timestampText,
} from '../typed-values.ts';
import type { ValueNote } from '../value-notes.ts';

/** Turns one decoded value into JSON. */
export type LeafValue = (value: unknown) => Json;

const units: Record<string, TimeUnit> = { MILLIS: 'ms', MICROS: 'us', NANOS: 'ns' };
/** Julian day of 1970-01-01, from which the old 96-bit timestamps count. */
const julianEpoch = 2_440_588n;
const nanosPerDay = 86_400_000_000_000n;

function asBigInt(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(value);
  throw new Error('a whole number was expected');
}

function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error('bytes were expected');
}

/** Decodes text; the values of a page share one memory, whose `Buffer` is made once. */
function textDecoder(note: (what: ValueNote) => void): LeafValue {
  let memory: ArrayBufferLike | undefined;
  let buffer: Buffer = Buffer.alloc(0);
  return (value) => {
    const bytes = asBytes(value);
    if (bytes.buffer !== memory) {
      memory = bytes.buffer;
      buffer = Buffer.from(memory);
    }
    const text = buffer.toString('utf8', bytes.byteOffset, bytes.byteOffset + bytes.length);
    if (text.includes('\uFFFD') && !isUtf8(bytes)) note('not-utf8');
    return text;
  };
}

function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [0, 8, 12, 16, 20].map((start, i, all) => hex.slice(start, all[i + 1])).join('-');
}

/** A calendar length: months, days and milliseconds, each a little-endian 32-bit number. */
function intervalText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return `${view.getUint32(0, true)} months ${view.getUint32(4, true)} days ${view.getUint32(8, true)} ms`;
}

function integers(unsignedBits: number, note: (what: ValueNote) => void): LeafValue {
  return (value) => {
    if (typeof value === 'number') return unsignedBits === 32 && value < 0 ? value + 2 ** 32 : value;
    const exact = asBigInt(value);
    const result = integerValue(unsignedBits === 64 ? BigInt.asUintN(64, exact) : exact);
    if (typeof result === 'string') note('large-integer');
    return result;
  };
}

function floats(note: (what: ValueNote) => void): (value: number) => Json {
  return (value) => {
    if (Number.isFinite(value)) return value;
    note(Number.isNaN(value) ? 'nan' : 'infinity');
    return floatValue(value);
  };
}

/**
 * The converter of a column.
 * @param note told of every value that JSON cannot hold as it is
 */
export function leafValue(element: SchemaElement, note: (what: ValueNote) => void): LeafValue {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (logical?.type === 'DECIMAL' || converted === 'DECIMAL') {
    const scale = element.scale ?? (logical?.type === 'DECIMAL' ? logical.scale : 0);
    return (value) =>
      decimalText(value instanceof Uint8Array ? signedBigEndian(value) : asBigInt(value), scale);
  }
  if (logical?.type === 'DATE' || converted === 'DATE') return (value) => dateText(asBigInt(value));
  if (logical?.type === 'TIMESTAMP') {
    const unit = units[logical.unit] ?? 'ms';
    return (value) => timestampText(asBigInt(value), unit, logical.isAdjustedToUTC);
  }
  if (converted === 'TIMESTAMP_MILLIS' || converted === 'TIMESTAMP_MICROS') {
    const unit = converted === 'TIMESTAMP_MILLIS' ? 'ms' : 'us';
    return (value) => timestampText(asBigInt(value), unit, true);
  }
  if (logical?.type === 'TIME') {
    const unit = units[logical.unit] ?? 'ms';
    return (value) => timeText(asBigInt(value), unit);
  }
  if (converted === 'TIME_MILLIS' || converted === 'TIME_MICROS') {
    const unit = converted === 'TIME_MILLIS' ? 'ms' : 'us';
    return (value) => timeText(asBigInt(value), unit);
  }
  switch (type) {
    case 'BOOLEAN':
      return (value) => value === true || value === 1;
    case 'INT32':
    case 'INT64': {
      const unsigned =
        converted?.startsWith('UINT') === true || (logical?.type === 'INTEGER' && !logical.isSigned);
      return integers(unsigned ? (type === 'INT32' ? 32 : 64) : 0, note);
    }
    case 'INT96':
      return (value) => {
        const raw = asBigInt(value);
        const nanos = BigInt.asUintN(64, raw) + ((raw >> 64n) - julianEpoch) * nanosPerDay;
        return timestampText(nanos, 'ns', false);
      };
    case 'FLOAT':
    case 'DOUBLE': {
      const convert = floats(note);
      return (value) => convert(Number(value));
    }
    default:
      break;
  }
  if (logical?.type === 'FLOAT16') {
    const convert = floats(note);
    return (value) => convert(parseFloat16(asBytes(value)) ?? NaN);
  }
  if (logical?.type === 'UUID') return (value) => uuidText(asBytes(value));
  if (converted === 'INTERVAL') return (value) => intervalText(asBytes(value));
  const isText =
    ['UTF8', 'ENUM', 'JSON'].includes(converted ?? '') ||
    ['STRING', 'ENUM', 'JSON'].includes(logical?.type ?? '');
  if (isText) return textDecoder(note);
  return (value) => {
    note('bytes');
    return bytesText(asBytes(value));
  };
}

/** The kind of a column in words. */
export function leafKind(element: SchemaElement): string {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (logical?.type === 'NULL') return 'empty';
  if (logical?.type === 'DECIMAL' || converted === 'DECIMAL') return 'number as text';
  if (['DATE', 'TIMESTAMP', 'TIME'].includes(logical?.type ?? '') || /^(?:DATE|TIME)/.test(converted ?? ''))
    return 'time';
  if (type === 'INT96') return 'time';
  if (type === 'BOOLEAN') return 'yes/no';
  if (type === 'INT32' || type === 'INT64' || type === 'FLOAT' || type === 'DOUBLE') return 'number';
  return logical?.type === 'FLOAT16' ? 'number' : 'text';
}
