/** Columns of an Arrow record batch → JSON values, read from their buffers: the library's own values lose digits. */
import { isUtf8 } from 'node:buffer';
import type { Data } from 'apache-arrow';
import { DataType, Precision, TimeUnit, Type } from 'apache-arrow';
import { parseFloat16 } from 'hyparquet/src/convert.js';
import type { Json } from '../row.ts';
import type { TimeUnit as Unit } from '../typed-values.ts';
import {
  bytesText,
  dateText,
  decimalText,
  durationText,
  floatValue,
  integerValue,
  keyText,
  setField,
  timeText,
  timestampText,
} from '../typed-values.ts';
import type { ValueNote } from '../value-notes.ts';

/** The value of a column at a row of its batch. */
export type ColumnReader = (row: number) => Json;

type Note = (what: ValueNote) => void;

/** Rows of a column without any values beyond which it is taken for damaged. */
const MOST_EMPTY_ROWS = 1 << 24;

/** A type of Arrow that is not read. */
export class UnknownArrowType extends Error {}

const units: Record<TimeUnit, Unit> = {
  [TimeUnit.SECOND]: 's',
  [TimeUnit.MILLISECOND]: 'ms',
  [TimeUnit.MICROSECOND]: 'us',
  [TimeUnit.NANOSECOND]: 'ns',
};

type Numbers = ArrayLike<number | bigint>;

/** The buffer of numbers of a column; the library types it loosely. */
function numbersOf(data: Data): Numbers {
  const values: unknown = data.values;
  if (ArrayBuffer.isView(values) && !(values instanceof DataView)) return values as unknown as Numbers;
  throw new Error('a column without values');
}

/** Where the values of each row begin and end; the library types it loosely. */
function offsetsOf(data: Data): Numbers {
  const offsets: unknown = data.valueOffsets;
  if (ArrayBuffer.isView(offsets) && !(offsets instanceof DataView)) return offsets as unknown as Numbers;
  throw new Error('a column without offsets');
}

function typeOf(data: Data): DataType {
  const type: unknown = data.type;
  if (!(type instanceof DataType)) throw new Error('a column without a type');
  return type as DataType;
}

function bytesOf(data: Data): Uint8Array {
  const values: unknown = data.values;
  if (ArrayBuffer.isView(values)) return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return new Uint8Array();
}

const whole = (numbers: Numbers, row: number): bigint => BigInt(numbers[row] ?? 0);

function childOf(data: Data, index: number): Data {
  const child = data.children[index];
  if (child === undefined) throw new Error('a nested column without content');
  return child;
}

/** Where the elements of each row begin and end among so many; damaged offsets must not be followed. */
function rangeReader(data: Data, elements: number): (row: number) => readonly [number, number] {
  const type = typeOf(data);
  if (DataType.isFixedSizeList(type)) {
    const { listSize } = type;
    return (row) => checkedRange(row * listSize, (row + 1) * listSize, elements);
  }
  const offsets = offsetsOf(data);
  return (row) => checkedRange(Number(offsets[row]), Number(offsets[row + 1]), elements);
}

function checkedRange(start: number, end: number, elements: number): readonly [number, number] {
  if (!(start >= 0 && start <= end && end <= elements)) throw new Error('an offset that points nowhere');
  return [start, end];
}

function floatReader(data: Data, half: boolean, note: Note): ColumnReader {
  const numbers = numbersOf(data);
  const bytes = half ? bytesOf(data) : undefined;
  return (row) => {
    const value =
      bytes === undefined
        ? Number(numbers[row])
        : (parseFloat16(bytes.subarray(2 * row, 2 * row + 2)) ?? NaN);
    if (Number.isFinite(value)) return value;
    note(Number.isNaN(value) ? 'nan' : 'infinity');
    return floatValue(value);
  };
}

/** Where the bytes of each row lie: behind offsets, in slots of one width, or in views of 16 bytes. */
function slices(data: Data): (row: number) => Uint8Array {
  const bytes = bytesOf(data);
  const type = typeOf(data);
  if (DataType.isFixedSizeBinary(type)) {
    const width = type.byteWidth;
    return (row) => bytes.subarray(row * width, (row + 1) * width);
  }
  if (DataType.isUtf8View(type) || DataType.isBinaryView(type)) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return (row) => {
      const at = 16 * row;
      const length = view.getInt32(at, true);
      if (length <= 12) return bytes.subarray(at + 4, at + 4 + length);
      const start = view.getInt32(at + 12, true);
      const buffer = data.variadicBuffers[view.getInt32(at + 8, true)];
      if (buffer === undefined) throw new Error('a view of bytes that are not there');
      return buffer.subarray(start, start + length);
    };
  }
  const range = rangeReader(data, bytes.length);
  return (row) => bytes.subarray(...range(row));
}

function textReader(data: Data, note: Note): ColumnReader {
  const slice = slices(data);
  return (row) => {
    const bytes = slice(row);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    if (text.includes('\uFFFD') && !isUtf8(bytes)) note('not-utf8');
    return text;
  };
}

function decimalReader(data: Data, scale: number): ColumnReader {
  const bytes = bytesOf(data);
  const width = data.length === 0 ? 16 : Math.floor(bytes.length / data.length);
  const size = [4, 8, 16, 32].findLast((one) => one <= width) ?? 16;
  return (row) => {
    const hex = Buffer.from(bytes.subarray(row * size, (row + 1) * size))
      .reverse()
      .toString('hex');
    return decimalText(BigInt.asIntN(size * 8, BigInt(`0x${hex}`)), scale);
  };
}

function listReader(data: Data, note: Note): ColumnReader {
  const child = childOf(data, 0);
  const element = columnReader(child, note);
  const range = rangeReader(data, child.length);
  return (row) => {
    const [start, end] = range(row);
    const values: Json[] = [];
    for (let i = start; i < end; i++) values.push(element(i));
    return values;
  };
}

function mapReader(data: Data, note: Note): ColumnReader {
  const pairs = childOf(data, 0);
  const key = columnReader(childOf(pairs, 0), note);
  const value = columnReader(childOf(pairs, 1), note);
  const range = rangeReader(data, pairs.length);
  return (row) => {
    const made: { [name: string]: Json } = {};
    const [start, end] = range(row);
    for (let i = start; i < end; i++) {
      setField(made, keyText(key(i)), value(i));
    }
    return made;
  };
}

function dictionaryReader(data: Data, note: Note): ColumnReader {
  const indices = numbersOf(data);
  const values: Json[] = [];
  const chunks = (data.dictionary?.data ?? []) as readonly Data[];
  for (const chunk of chunks) {
    const read = columnReader(chunk, note);
    for (let i = 0; i < chunk.length; i++) values.push(read(i));
  }
  return (row) => {
    const value = values[Number(indices[row])];
    if (value === undefined) throw new Error('a value that the dictionary does not have');
    return value;
  };
}

function valueReader(data: Data, note: Note): ColumnReader {
  const type = typeOf(data);
  if (DataType.isNull(type)) return () => null;
  if (DataType.isDictionary(type)) return dictionaryReader(data, note);
  if (DataType.isInt(type)) {
    const numbers = numbersOf(data);
    return (row) => {
      const value = numbers[row] ?? 0;
      if (typeof value === 'number') return value;
      const result = integerValue(value);
      if (typeof result === 'string') note('large-integer');
      return result;
    };
  }
  if (DataType.isFloat(type)) return floatReader(data, type.precision === Precision.HALF, note);
  if (DataType.isBool(type)) {
    const bytes = bytesOf(data);
    return (row) => ((bytes[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
  }
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type)) {
    return textReader(data, note);
  }
  if (DataType.isDecimal(type)) return decimalReader(data, type.scale);
  if (DataType.isDate(type)) {
    const numbers = numbersOf(data);
    const perDay = numbers instanceof Int32Array ? 1n : 86_400_000n;
    return (row) => dateText(whole(numbers, row) / perDay);
  }
  if (DataType.isTime(type)) {
    const numbers = numbersOf(data);
    return (row) => timeText(whole(numbers, row), units[type.unit]);
  }
  if (DataType.isTimestamp(type)) {
    const numbers = numbersOf(data);
    const utc = typeof type.timezone === 'string' && type.timezone !== '';
    return (row) => timestampText(whole(numbers, row), units[type.unit], utc);
  }
  if (DataType.isDuration(type)) {
    const numbers = numbersOf(data);
    return (row) => durationText(whole(numbers, row), units[type.unit]);
  }
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type)) {
    return listReader(data, note);
  }
  if (DataType.isMap(type)) return mapReader(data, note);
  if (DataType.isStruct(type)) {
    const names = type.children.map((field) => field.name);
    const readers = data.children.map((child) => columnReader(child, note));
    return (row) => {
      const made: { [name: string]: Json } = {};
      for (let i = 0; i < readers.length; i++) setField(made, names[i] ?? '', readers[i]?.(row) ?? null);
      return made;
    };
  }
  if (
    DataType.isBinary(type) ||
    DataType.isLargeBinary(type) ||
    DataType.isBinaryView(type) ||
    DataType.isFixedSizeBinary(type)
  ) {
    const slice = slices(data);
    return (row) => {
      note('bytes');
      return bytesText(slice(row));
    };
  }
  throw new UnknownArrowType(Type[type.typeId]);
}

/** For how many rows a column has memory; a damaged length must not be followed. */
function rowsInMemory(data: Data): number {
  const type = typeOf(data);
  if (DataType.isNull(type)) return MOST_EMPTY_ROWS;
  const bitmap: unknown = data.nullBitmap;
  const marked = ArrayBuffer.isView(bitmap) ? 8 * bitmap.byteLength : 0;
  // Values that are all missing need no memory but the marks that say so.
  if (data.nullCount >= data.length) return marked;
  return Math.min(valuesInMemory(data, type), data.nullCount > 0 ? marked : Infinity);
}

function valuesInMemory(data: Data, type: DataType): number {
  const bytes = bytesOf(data).length;
  if (DataType.isBool(type)) return 8 * bytes;
  if (DataType.isUtf8View(type) || DataType.isBinaryView(type)) return Math.floor(bytes / 16);
  if (DataType.isFixedSizeBinary(type)) return Math.floor(bytes / Math.max(1, type.byteWidth));
  if (DataType.isFixedSizeList(type)) return Math.floor(childOf(data, 0).length / Math.max(1, type.listSize));
  if (DataType.isStruct(type)) return Math.min(...data.children.map((child) => child.length));
  const hasOffsets =
    DataType.isUtf8(type) ||
    DataType.isLargeUtf8(type) ||
    DataType.isBinary(type) ||
    DataType.isLargeBinary(type) ||
    DataType.isList(type) ||
    DataType.isLargeList(type) ||
    DataType.isMap(type);
  return hasOffsets ? offsetsOf(data).length - 1 : numbersOf(data).length;
}

/**
 * Reads the values of a column of a batch.
 * @param note told of every value that JSON cannot hold as it is
 * @throws UnknownArrowType for unions and intervals
 */
export function columnReader(data: Data, note: Note): ColumnReader {
  const rows = data.length;
  if (rowsInMemory(data) < rows) throw new Error(`a column claims ${rows} rows and has fewer`);
  if (data.nullCount >= rows) return () => null;
  const read = valueReader(data, note);
  if (data.nullCount === 0) return read;
  return (row) => (data.getValid(row) ? read(row) : null);
}

/** The kind of a column in words. */
export function arrowKind(type: DataType): string {
  if (DataType.isDictionary(type)) {
    const values: DataType = type.dictionary as DataType;
    return arrowKind(values);
  }
  if (DataType.isInt(type) || DataType.isFloat(type)) return 'number';
  if (DataType.isDecimal(type)) return 'number as text';
  if (DataType.isBool(type)) return 'yes/no';
  if (DataType.isNull(type)) return 'empty';
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type)) return 'list';
  if (DataType.isStruct(type) || DataType.isMap(type)) return 'object';
  if (DataType.isDate(type) || DataType.isTime(type) || DataType.isTimestamp(type)) return 'time';
  return 'text';
}
