/**
 * Unpacks LZ4: frames, as Feather files hold them by default, and the blocks of Parquet pages. Written for damaged input:
 * every length is checked, where the decoder of hyparquet-compressors can run without end.
 * Formats: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and lz4_Block_format.md.
 */

const MAGIC = 0x184d2204;
const LARGEST_FRAME = 2 ** 31;

class Output {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  readonly #most: number;

  /** @param most bytes that may come out */
  constructor(most: number) {
    this.#most = most;
    this.bytes = new Uint8Array(Math.min(most, 1 << 16));
  }

  room(more: number): void {
    const wanted = this.length + more;
    if (wanted > this.#most) throw new Error('LZ4 data unpacks to more than it says');
    if (wanted <= this.bytes.length) return;
    const larger = new Uint8Array(Math.min(this.#most, Math.max(wanted, 2 * this.bytes.length)));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  append(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Repeats what was written `distance` bytes ago; source and target may overlap. */
  repeat(distance: number, count: number): void {
    if (distance === 0 || distance > this.length) throw new Error('an LZ4 block refers to before its start');
    this.room(count);
    const { bytes } = this;
    let to = this.length;
    for (let from = to - distance; from < this.length - distance + count; from++)
      bytes[to++] = bytes[from] ?? 0;
    this.length = to;
  }
}

function unpackBlock(block: Uint8Array, output: Output): void {
  let at = 0;
  const next = (): number => {
    const byte = block[at++];
    if (byte === undefined) throw new Error('an LZ4 block is cut off');
    return byte;
  };
  const lengthOf = (start: number): number => {
    let length = start;
    if (start !== 15) return length;
    for (let more = 255; more === 255;) {
      more = next();
      length += more;
    }
    return length;
  };
  while (at < block.length) {
    const token = next();
    const literals = lengthOf(token >> 4);
    if (at + literals > block.length) throw new Error('an LZ4 block is cut off');
    output.append(block.subarray(at, at + literals));
    at += literals;
    // The last sequence of a block has no match.
    if (at >= block.length) return;
    const distance = next() | (next() << 8);
    output.repeat(distance, lengthOf(token & 15) + 4);
  }
}

/**
 * The contents of one frame. Checksums are not verified.
 * @throws Error for what is no whole LZ4 frame
 */
export function unpackLz4Frame(frame: Uint8Array): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new Error('not an LZ4 frame');
  const flags = view.getUint8(4);
  const hasContentSize = (flags & 0x08) !== 0;
  const hasBlockChecksums = (flags & 0x10) !== 0;
  const hasDictionary = (flags & 0x01) !== 0;
  if (hasDictionary) throw new Error('LZ4 frames with a dictionary are not supported');
  let at = 7 + (hasContentSize ? 8 : 0);
  const output = new Output(LARGEST_FRAME);
  for (;;) {
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) break;
    const length = size & 0x7fffffff;
    if (at + length > frame.length) throw new Error('an LZ4 frame is cut off');
    const block = frame.subarray(at, at + length);
    // The highest bit marks a block that is stored as it is.
    if (size >>> 31 === 1) output.append(block);
    else unpackBlock(block, output);
    at += length + (hasBlockChecksums ? 4 : 0);
  }
  // A copy of its own: Arrow needs aligned memory.
  return output.bytes.slice(0, output.length);
}

/**
 * The contents of one block of known size.
 * @throws Error for what is no whole block of that size
 */
export function unpackLz4Block(block: Uint8Array, size: number): Uint8Array {
  const output = new Output(size);
  unpackBlock(block, output);
  if (output.length !== size) throw new Error('an LZ4 block unpacks to less than it says');
  return output.bytes.length === size ? output.bytes : output.bytes.slice(0, size);
}

/**
 * Blocks as Hadoop packs them, each behind its sizes (32 bits, big-endian); a single bare block where they do not fit, as
 * some writers of Parquet's old LZ4 codec left it.
 * @throws Error for what is neither
 */
export function unpackHadoopLz4(bytes: Uint8Array, size: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let at = 0;
  let unpacked = 0;
  while (at + 8 <= bytes.length) {
    const whole = view.getUint32(at);
    const packed = view.getUint32(at + 4);
    if (packed === 0 || at + 8 + packed > bytes.length || unpacked + whole > size) break;
    try {
      parts.push(unpackLz4Block(bytes.subarray(at + 8, at + 8 + packed), whole));
    } catch {
      break;
    }
    unpacked += whole;
    at += 8 + packed;
  }
  return at === bytes.length && unpacked === size ? Buffer.concat(parts) : unpackLz4Block(bytes, size);
}
