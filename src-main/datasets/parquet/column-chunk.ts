/**
 * One column of one row group, read page by page: levels and values are handed out entry by entry, so that no more
 * than a page or two of each column is in memory.
 */
import { crc32 } from 'node:zlib';
import type { ColumnMetaData, PageHeader, SchemaTree } from 'hyparquet/src/types.js';
import { parquetHeader } from 'hyparquet/src/column.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js';
import type { Json } from '../row.ts';
import type { LeafValue } from './leaf-values.ts';
import { checkedSize, readDictionary, readPageContents } from './page-values.ts';

/** Reads bytes of a file: exactly so many, or it throws. */
export type ReadBytes = (offset: number, length: number) => Promise<Buffer>;

/** Bytes that are read at once while small pages are walked through. */
const WINDOW_BYTES = 256 * 1024;
/** A page header holds sizes and perhaps the least and greatest value. */
const LONGEST_HEADER = 16 * 1024 * 1024;

interface Page {
  /** Repetition levels, empty where the column is in no list. */
  readonly repetitions: ArrayLike<number>;
  /** Definition levels, empty where every entry has a value. */
  readonly definitions: ArrayLike<number>;
  readonly values: ArrayLike<Json>;
  readonly entries: number;
}

const noPage: Page = { repetitions: [], definitions: [], values: [], entries: 0 };

export class ColumnChunk {
  /** Rows whose entries are all in memory and not yet taken. */
  completeRows = 0;
  readonly #read: ReadBytes;
  readonly #meta: ColumnMetaData;
  readonly #path: readonly SchemaTree[];
  readonly #convert: LeafValue;
  readonly #maxDefinition: number;
  readonly #maxRepetition: number;
  readonly #end: number;
  #position: number;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  #entriesLeft: number;
  #dictionary: Json[] | undefined;
  #page: Page = noPage;
  #next: Page[] = [];
  #entry = 0;
  #value = 0;
  /** Rows of which at least the first entry is in memory. */
  #startedRows = 0;

  /** @param path the schema from its root to this leaf */
  constructor(read: ReadBytes, meta: ColumnMetaData, path: readonly SchemaTree[], convert: LeafValue) {
    this.#read = read;
    this.#meta = meta;
    this.#path = path;
    this.#convert = convert;
    this.#maxDefinition = getMaxDefinitionLevel([...path]);
    this.#maxRepetition = getMaxRepetitionLevel([...path]);
    const data = Number(meta.data_page_offset);
    const dictionary = Number(meta.dictionary_page_offset ?? 0);
    this.#position = dictionary > 0 && dictionary < data ? dictionary : data;
    this.#end = this.#position + Number(meta.total_compressed_size);
    this.#entriesLeft = Number(meta.num_values);
  }

  /** Whether all pages have been read. */
  get finished(): boolean {
    return this.#entriesLeft <= 0;
  }

  /** Definition level of the entry that is next. */
  definition(): number {
    const { definitions } = this.#page;
    return definitions.length === 0 ? this.#maxDefinition : (definitions[this.#entry] ?? 0);
  }

  /** Repetition level of the entry that is next; 0 (a new row) behind the last. */
  repetition(): number {
    const { repetitions } = this.#page;
    return repetitions.length === 0 ? 0 : (repetitions[this.#entry] ?? 0);
  }

  /** Takes the next entry: its value, or null where it has none. */
  take(): Json {
    const page = this.#page;
    const isValue = page.definitions.length === 0 || page.definitions[this.#entry] === this.#maxDefinition;
    const value = isValue ? page.values[this.#value++] : null;
    this.#entry += 1;
    if (this.#entry >= page.entries) this.#turn();
    if (value === undefined) throw new Error('a page has fewer values than it says');
    return value;
  }

  #turn(): void {
    const next = this.#next.shift();
    this.#page = next ?? noPage;
    this.#entry = 0;
    this.#value = 0;
  }

  /** Reads pages until a whole row is in memory, or all are. */
  async fill(): Promise<void> {
    while (this.completeRows === 0 && !this.finished) {
      const page = await this.#readPage();
      // Some writers leave pages without entries.
      if (page === undefined || page.entries === 0) continue;
      let rows = page.entries;
      if (this.#maxRepetition > 0) {
        rows = 0;
        for (let i = 0; i < page.entries; i++) if (page.repetitions[i] === 0) rows += 1;
      }
      this.#startedRows += rows;
      if (this.#page === noPage) this.#page = page;
      else this.#next.push(page);
      // The last row of a page may go on in the next one when it holds a list.
      const open = this.#maxRepetition > 0 && !this.finished ? 1 : 0;
      this.completeRows = Math.max(0, this.#startedRows - open);
    }
  }

  /** To be told when rows have been taken. */
  rowsTaken(rows: number): void {
    this.completeRows -= rows;
    this.#startedRows -= rows;
  }

  async #bytes(length: number): Promise<Buffer> {
    if (this.#position + length > this.#end) throw new Error('a page reaches beyond its column');
    const start = this.#position - this.#windowStart;
    if (start >= 0 && start + length <= this.#window.length)
      return this.#window.subarray(start, start + length);
    const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.#end - this.#position);
    this.#window = await this.#read(this.#position, wanted);
    this.#windowStart = this.#position;
    return this.#window.subarray(0, length);
  }

  async #header(): Promise<PageHeader> {
    for (let length = 1024; ; length *= 4) {
      const most = Math.min(length, this.#end - this.#position);
      const bytes = await this.#bytes(most);
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
      try {
        const header = parquetHeader(reader);
        this.#position += reader.offset;
        return header;
      } catch (error) {
        // A header that reaches beyond what was read: try with more.
        if (most < length || length > LONGEST_HEADER) throw error;
      }
    }
  }

  async #readPage(): Promise<Page | undefined> {
    if (this.#position >= this.#end) throw new Error('the column ends before its last page');
    const header = await this.#header();
    const size = checkedSize(header.compressed_page_size);
    const bytes = await this.#bytes(size);
    this.#position += size;
    if (header.crc !== undefined && crc32(bytes) !== header.crc >>> 0) {
      throw new Error('the checksum of a page is wrong');
    }
    const element = this.#path.at(-1)?.element;
    if (element === undefined) throw new Error('a column without a type');
    if (header.type === 'DICTIONARY_PAGE') {
      this.#dictionary = Array.from(readDictionary(bytes, header, this.#meta, element), this.#convert);
      return undefined;
    }
    if (header.type !== 'DATA_PAGE' && header.type !== 'DATA_PAGE_V2') return undefined;
    const levels = { definition: this.#maxDefinition, repetition: this.#maxRepetition };
    const contents = readPageContents(bytes, header, this.#meta, element, levels, this.#entriesLeft);
    this.#entriesLeft -= contents.entries;
    return { ...contents, values: this.#values(contents.values, contents.indexed) };
  }

  #values(data: ArrayLike<unknown>, indexed: boolean): ArrayLike<Json> {
    const values = new Array<Json>(data.length);
    if (indexed) {
      const dictionary = this.#dictionary;
      if (dictionary === undefined) throw new Error('a page uses a dictionary that the column does not have');
      for (let i = 0; i < values.length; i++) {
        const value = dictionary[Number(data[i])];
        if (value === undefined) throw new Error('a page names a value that the dictionary does not have');
        values[i] = value;
      }
      return values;
    }
    for (let i = 0; i < values.length; i++) values[i] = this.#convert(data[i]);
    return values;
  }
}
