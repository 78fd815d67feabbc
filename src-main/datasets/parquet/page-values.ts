/**
 * The contents of a data page: levels and values. Values are decoded by hyparquet; levels and indices into dictionaries
 * here, because a damaged run length must not fill the memory.
 */
import type { ColumnMetaData, DecodedArray, PageHeader, SchemaElement } from 'hyparquet/src/types.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { deltaBinaryUnpack, deltaByteArray, deltaLengthByteArray } from 'hyparquet/src/delta.js';
import { byteStreamSplit } from 'hyparquet/src/encoding.js';
import { readPlain } from 'hyparquet/src/plain.js';
import { codecs } from './codecs.ts';

/** Entries of one page beyond which its header is taken for damaged: writers end pages at a megabyte or so. */
const MOST_ENTRIES = 1 << 26;

interface Reader {
  readonly view: DataView;
  offset: number;
}

/** The greatest levels of a column, from its place in the schema. */
export interface MaxLevels {
  readonly definition: number;
  readonly repetition: number;
}

export interface PageContents {
  /** Repetition levels, empty where the column is in no list. */
  readonly repetitions: Uint8Array;
  /** Definition levels, empty where every entry has a value. */
  readonly definitions: Uint8Array;
  /** Values of the entries that have one, or their indices in the dictionary. */
  readonly values: ArrayLike<unknown>;
  readonly indexed: boolean;
  readonly entries: number;
}

const readerOf = (bytes: Uint8Array): Reader => ({
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  offset: 0,
});

/** A size of a header, which damage may have made anything; NaN as an offset would be read as 0, for ever. */
export function checkedSize(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new Error('a size in a page header is no number');
}

/** Bits that numbers up to this one take. */
const bitWidth = (greatest: number): number => 32 - Math.clz32(greatest);

function readVariable(reader: Reader): number {
  let result = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = reader.view.getUint8(reader.offset++);
    result += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return result;
  }
  throw new Error('a length is not a number');
}

/**
 * Runs and bit-packed groups of numbers of one width, until the output is full
 * (https://parquet.apache.org/docs/file-format/data-pages/encodings, "RLE").
 * @throws Error or RangeError when the bytes end before
 */
export function readHybrid(reader: Reader, width: number, output: Uint8Array | Uint32Array): void {
  if (width > 32) throw new Error('numbers in a page are wider than 32 bits');
  const { view } = reader;
  let filled = 0;
  while (filled < output.length) {
    const header = readVariable(reader);
    if (header % 2 === 0) {
      let value = 0;
      for (let byte = 0; byte < width; byte += 8) value += view.getUint8(reader.offset++) * 2 ** byte;
      const end = Math.min(output.length, filled + header / 2);
      output.fill(value, filled, end);
      filled = end;
      continue;
    }
    const count = Math.min(((header - 1) / 2) * 8, output.length - filled);
    const start = reader.offset;
    let bit = 0;
    for (let i = 0; i < count; i++) {
      let value = 0;
      for (let got = 0; got < width;) {
        const taken = Math.min(8 - (bit & 7), width - got);
        const byte = view.getUint8(start + (bit >> 3));
        value += ((byte >> (bit & 7)) & ((1 << taken) - 1)) * 2 ** got;
        got += taken;
        bit += taken;
      }
      output[filled++] = value;
    }
    reader.offset = start + ((header - 1) / 2) * width;
  }
}

const none = new Uint8Array();

/** Levels, with their length before them (as pages of version 1 have it) or given. */
function readLevels(reader: Reader, greatest: number, entries: number, length: number | null): Uint8Array {
  if (greatest === 0) {
    reader.offset += length ?? 0;
    return none;
  }
  if (greatest > 255) throw new Error('the schema is nested too deep');
  let size = length;
  if (size === null) {
    size = reader.view.getUint32(reader.offset, true);
    reader.offset += 4;
  }
  const start = reader.offset;
  const levels = new Uint8Array(entries);
  readHybrid(reader, bitWidth(greatest), levels);
  reader.offset = start + size;
  return levels;
}

function readValues(
  reader: Reader,
  encoding: string,
  count: number,
  { type, type_length: length }: SchemaElement,
): { values: ArrayLike<unknown>; indexed: boolean } {
  const plain = (values: ArrayLike<unknown>) => ({ values, indexed: false });
  if (type === undefined) throw new Error('a column without a type');
  switch (encoding) {
    case 'PLAIN':
      return plain(readPlain(reader, type, count, length));
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY': {
      const indices = new Uint32Array(count);
      const width = count === 0 ? 0 : reader.view.getUint8(reader.offset++);
      if (width > 0) readHybrid(reader, width, indices);
      return { values: indices, indexed: true };
    }
    case 'RLE': {
      if (type !== 'BOOLEAN') throw new Error('the encoding RLE of a column that is not boolean');
      const bits = new Uint8Array(count);
      reader.offset += 4;
      if (count > 0) readHybrid(reader, 1, bits);
      return plain(bits);
    }
    case 'BYTE_STREAM_SPLIT':
      if (count * (length ?? 8) > 8 * reader.view.byteLength)
        throw new Error('a page is shorter than it says');
      return plain(byteStreamSplit(reader, count, type, length));
    case 'DELTA_BINARY_PACKED': {
      if (count === 0) return plain([]);
      const values = type === 'INT32' ? new Int32Array(count) : new BigInt64Array(count);
      deltaBinaryUnpack(reader, count, values);
      return plain(values);
    }
    case 'DELTA_LENGTH_BYTE_ARRAY':
    case 'DELTA_BYTE_ARRAY': {
      if (count === 0) return plain([]);
      const values = new Array<Uint8Array>(count);
      if (encoding === 'DELTA_BYTE_ARRAY') deltaByteArray(reader, count, values);
      else deltaLengthByteArray(reader, count, values);
      return plain(values);
    }
    default:
      throw new Error(`the encoding ${encoding} is not known`);
  }
}

/**
 * Decodes a data page of either version.
 * @param bytes as they stand in the file
 * @param mostEntries that the column still has
 * @throws Error for damage
 */
export function readPageContents(
  bytes: Uint8Array,
  header: PageHeader,
  { codec }: Pick<ColumnMetaData, 'codec'>,
  element: SchemaElement,
  most: MaxLevels,
  mostEntries: number,
): PageContents {
  const first = header.data_page_header;
  const second = header.data_page_header_v2;
  const facts = first ?? second;
  if (facts === undefined) throw new Error('a page without a description');
  const entries = checkedSize(facts.num_values);
  const pageSize = checkedSize(header.uncompressed_page_size);
  if (entries > Math.min(mostEntries, MOST_ENTRIES)) throw new Error(`a page claims ${entries} entries`);
  let reader = readerOf(second === undefined ? decompressPage(bytes, pageSize, codec, codecs) : bytes);
  const length = (field: number | undefined): number | null =>
    second === undefined ? null : checkedSize(field);
  const repetitions = readLevels(
    reader,
    most.repetition,
    entries,
    length(second?.repetition_levels_byte_length),
  );
  const all = readLevels(reader, most.definition, entries, length(second?.definition_levels_byte_length));
  let values = entries;
  if (all.length > 0) {
    values = 0;
    for (const level of all) if (level === most.definition) values += 1;
  }
  if (second !== undefined) {
    const rest = bytes.subarray(reader.offset);
    const size = checkedSize(pageSize - reader.offset);
    reader = readerOf(
      second.is_compressed === false || rest.length === 0 ? rest : decompressPage(rest, size, codec, codecs),
    );
  }
  return {
    repetitions,
    definitions: values === entries ? none : all,
    ...readValues(reader, facts.encoding, values, element),
    entries,
  };
}

/**
 * Decodes a dictionary page.
 * @throws Error for damage
 */
export function readDictionary(
  bytes: Uint8Array,
  header: PageHeader,
  { codec, type }: Pick<ColumnMetaData, 'codec' | 'type'>,
  element: SchemaElement,
): DecodedArray {
  const page = decompressPage(bytes, checkedSize(header.uncompressed_page_size), codec, codecs);
  const count = checkedSize(header.dictionary_page_header?.num_values);
  // Every value takes at least an eighth of a byte.
  if (count > 8 * page.byteLength) throw new Error(`a dictionary claims ${count} values`);
  return readPlain(readerOf(page), type, count, element.type_length);
}
