/**
 * Checks the metadata of an Arrow message before it is given to the library, which follows any length that a damaged
 * file claims until the memory is full. Layout: FlatBuffers (https://flatbuffers.dev/internals) by the schemas
 * Message.fbs and Schema.fbs of Arrow.
 */

/** What a message says of itself. */
export interface MessageFacts {
  /** Bytes of the body behind the metadata. */
  readonly bodyLength: number;
}

const SCHEMA = 1;
const DICTIONARY_BATCH = 2;
const RECORD_BATCH = 3;
const DEEPEST = 64;
/** Tables of one message, each counted as often as it is referred to. */
const MOST_TABLES = 1_000_000;
/** Rows of one batch: marks of missing values take memory for each. */
const MOST_ROWS = 1 << 28;

class Checker {
  readonly view: DataView;
  #tables = 0;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Position of a field of a table, or null where it is absent. */
  field(table: number, index: number): number | null {
    const vtable = table - this.view.getInt32(table, true);
    const place = 4 + 2 * index;
    if (place >= this.view.getUint16(vtable, true)) return null;
    const offset = this.view.getUint16(vtable + place, true);
    return offset === 0 ? null : table + offset;
  }

  /** The table that a field refers to. */
  table(table: number, index: number): number | null {
    const position = this.field(table, index);
    return position === null ? null : this.follow(position);
  }

  follow(position: number): number {
    this.#tables += 1;
    if (this.#tables > MOST_TABLES) throw new Error('the description of a batch is endless');
    const target = position + this.view.getUint32(position, true);
    // Reads its first number, which throws where the table is not in the message.
    this.view.getInt32(target, true);
    return target;
  }

  /** Start and length of a vector, all of which lies in the message. */
  vector(table: number, index: number, size: number): { start: number; length: number } {
    const position = this.field(table, index);
    if (position === null) return { start: 0, length: 0 };
    const at = position + this.view.getUint32(position, true);
    const length = this.view.getUint32(at, true);
    if (at + 4 + length * size > this.view.byteLength)
      throw new Error('a list that is longer than its message');
    return { start: at + 4, length };
  }

  tables(table: number, index: number, check: (inner: number) => void): void {
    const { start, length } = this.vector(table, index, 4);
    for (let i = 0; i < length; i++) check(this.follow(start + 4 * i));
  }

  long(table: number, index: number): bigint {
    const position = this.field(table, index);
    return position === null ? 0n : this.view.getBigInt64(position, true);
  }
}

/** Every list of a schema or of a field in it. */
function checkField(checker: Checker, field: number, depth: number): void {
  if (depth > DEEPEST) throw new Error('columns are nested too deep');
  const type = checker.table(field, 3);
  // Only a union has a list here; a fixed number in the same place is never longer than the message.
  const typeField = checker.field(field, 2);
  const isUnion = typeField !== null && checker.view.getUint8(typeField) === 14;
  if (type !== null && isUnion) checker.vector(type, 1, 4);
  const dictionary = checker.table(field, 4);
  if (dictionary !== null) checker.table(dictionary, 1);
  checker.tables(field, 5, (child) => checkField(checker, child, depth + 1));
  checker.tables(field, 6, () => undefined);
}

function checkRecordBatch(checker: Checker, batch: number): void {
  const length = checker.long(batch, 0);
  const nodes = checker.vector(batch, 1, 16);
  checker.vector(batch, 2, 16);
  checker.table(batch, 3);
  checker.vector(batch, 4, 8);
  if (length < 0n || length > BigInt(MOST_ROWS)) throw new Error(`a batch claims ${length} rows`);
  for (let i = 0; i < nodes.length; i++) {
    const rows = checker.view.getBigInt64(nodes.start + 16 * i, true);
    const missing = checker.view.getBigInt64(nodes.start + 16 * i + 8, true);
    // Elements of lists may be many more than rows.
    if (rows < 0n || rows > 2n ** 40n || missing > rows) throw new Error(`a column claims ${rows} rows`);
  }
}

/**
 * Checks that every list of a message lies inside it.
 * @param metadata the FlatBuffer
 * @throws Error or RangeError for damage
 */
export function checkMessage(metadata: Uint8Array): MessageFacts {
  const checker = new Checker(metadata);
  const message = checker.follow(0);
  const typeField = checker.field(message, 1);
  const type = typeField === null ? 0 : checker.view.getUint8(typeField);
  const header = checker.table(message, 2);
  checker.tables(message, 4, () => undefined);
  if (header === null) throw new Error('a message without content');
  if (type === SCHEMA) {
    checker.tables(header, 1, (field) => checkField(checker, field, 0));
    checker.tables(header, 2, () => undefined);
    checker.vector(header, 3, 8);
  } else if (type === RECORD_BATCH) checkRecordBatch(checker, header);
  else if (type === DICTIONARY_BATCH) {
    const data = checker.table(header, 1);
    if (data === null) throw new Error('a dictionary without content');
    checkRecordBatch(checker, data);
  } else throw new Error(`a message of the unknown kind ${type}`);
  const bodyLength = checker.long(message, 3);
  if (bodyLength < 0n || bodyLength > 2n ** 40n) throw new Error(`a batch claims ${bodyLength} bytes`);
  return { bodyLength: Number(bodyLength) };
}
