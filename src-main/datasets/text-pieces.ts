/**
 * Bytes → text in pieces of whole lines, strictly decoded: a byte that does not belong is an error with its
 * line, never a replacement character. Encodings: byte-order mark, else UTF-8, else (CSV) a guess.
 */
import { isUtf8 } from 'node:buffer';
import chardet from 'chardet';
import { userError } from '../contract/errors.ts';

/** Text that ends at the end of a line (or of the file). */
export interface TextPiece {
  readonly text: string;
  /** Physical line (from 1) of its first character. */
  readonly firstLine: number;
}

export interface DecodeOptions {
  /** Name of an encoding as the web knows it (`windows-1252`); overrides the guess but not a byte-order mark. */
  readonly encoding?: string;
  /** Whether text that is not UTF-8 may be in an older encoding (CSV); otherwise that is an error. */
  readonly guessEncoding: boolean;
}

/** Longest line: beyond it one string would come near to what the runtime can hold. */
const LONGEST_LINE = 256 * 1024 * 1024;
const SAMPLE_BYTES = 1 << 20;
const NEWLINE = 0x0a;

/** Offset of the first byte that is not part of well-formed UTF-8, or -1. */
export function firstInvalidUtf8(bytes: Uint8Array): number {
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i] ?? 0;
    if (lead < 0x80) {
      i += 1;
      continue;
    }
    const length =
      lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    if (length === 0) return i;
    const second = bytes[i + 1] ?? 0;
    // Overlong forms, surrogates and values above U+10FFFF show in the second byte.
    const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < lowest || second > highest) return i;
    for (let k = 2; k < length; k++) {
      const next = bytes[i + k] ?? 0;
      if (next < 0x80 || next > 0xbf) return i;
    }
    i += length;
  }
  return -1;
}

function hasHighByte(bytes: Uint8Array): boolean {
  return bytes.some((byte) => byte >= 0x80);
}

/** The encoding and how many bytes of byte-order mark to skip. */
function chooseEncoding(
  sample: Buffer,
  whole: boolean,
  options: DecodeOptions,
): { name: string; skip: number } {
  if (sample[0] === 0xef && sample[1] === 0xbb && sample[2] === 0xbf) return { name: 'utf-8', skip: 3 };
  if (sample[0] === 0xff && sample[1] === 0xfe) return { name: 'utf-16le', skip: 2 };
  if (sample[0] === 0xfe && sample[1] === 0xff) return { name: 'utf-16be', skip: 2 };
  if (options.encoding !== undefined) return { name: options.encoding, skip: 0 };
  if (!options.guessEncoding || isUtf8(sample)) return { name: 'utf-8', skip: 0 };
  const invalid = firstInvalidUtf8(sample);
  // A character cut by the end of the sample, or UTF-8 that goes wrong later: UTF-8, and the error will name the line.
  if ((!whole && invalid >= sample.length - 4) || hasHighByte(sample.subarray(0, invalid))) {
    return { name: 'utf-8', skip: 0 };
  }
  const guess = chardet.detect(sample)?.toLowerCase() ?? 'windows-1252';
  try {
    return { name: new TextDecoder(guess).encoding, skip: 0 };
  } catch {
    return { name: 'windows-1252', skip: 0 };
  }
}

function decoderFor(name: string, path: string): TextDecoder {
  try {
    return new TextDecoder(name, { fatal: true, ignoreBOM: true });
  } catch {
    throw userError('data-encoding', `“${name}” is not the name of a text encoding.`, {
      where: path,
      advice: 'Use a name such as utf-8, windows-1252, gb18030 or shift_jis.',
    });
  }
}

function countLines(bytes: Uint8Array, end: number): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1 && at < end; at = bytes.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

function decodeError(
  path: string,
  name: string,
  bytes: Uint8Array,
  firstLine: number,
  offset: number,
): Error {
  const invalid = name === 'utf-8' ? firstInvalidUtf8(bytes) : -1;
  const line =
    invalid === -1 ? '' : `, line ${firstLine + countLines(bytes, invalid)}, byte ${offset + invalid}`;
  const cut =
    invalid >= 0 && invalid >= bytes.length - 3
      ? ' The file seems to end inside a character: an interrupted copy?'
      : '';
  return userError('data-encoding', `This file is not valid ${name.toUpperCase()} text.${cut}`, {
    where: `${path}${line}`,
    advice: 'Save it as UTF-8, or name its encoding.',
  });
}

/** Refuses zero bytes, which no text has; they are left behind by crashes, or mean UTF-16 without a mark. */
function checked(text: string, firstLine: number, path: string): TextPiece {
  const zero = text.indexOf('\0');
  if (zero !== -1) {
    const line = firstLine + text.slice(0, zero).split('\n').length - 1;
    throw userError('data-nul-bytes', 'This file has zero bytes in its text.', {
      where: `${path}, line ${line}`,
      advice:
        'They are often left by a crash while writing: cut the file there. If it is UTF-16, save it as UTF-8.',
    });
  }
  return { text, firstLine };
}

function tooLong(path: string, line: number): Error {
  return userError('data-line-too-long', 'A line of this file is longer than 256 MB.', {
    where: `${path}, line ${line}`,
    advice: 'Write the data as JSON lines, one row a line.',
  });
}

/**
 * Decodes a stream of bytes.
 * @throws EspalierError `data-encoding`, `data-nul-bytes` or `data-line-too-long`, with the line
 */
export async function* textPieces(
  chunks: AsyncIterable<Buffer>,
  path: string,
  options: DecodeOptions,
): AsyncGenerator<TextPiece> {
  const source = chunks[Symbol.asyncIterator]();
  try {
    const start: Buffer[] = [];
    let startBytes = 0;
    let whole = false;
    while (startBytes < SAMPLE_BYTES && !whole) {
      const next = await source.next();
      if (next.done === true) whole = true;
      else {
        // The source reuses its memory.
        start.push(Buffer.from(next.value));
        startBytes += next.value.length;
      }
    }
    const sample = Buffer.concat(start);
    const { name, skip } = chooseEncoding(sample, whole, options);
    const decoder = decoderFor(name, path);
    const rest = { [Symbol.asyncIterator]: () => source };
    const pieces = name.startsWith('utf-16')
      ? utf16Pieces(sample.subarray(skip), rest, decoder, path)
      : linePieces(sample.subarray(skip), rest, decoder, path, skip);
    yield* pieces;
  } finally {
    await source.return?.(undefined);
  }
}

/** For encodings in which byte 0x0A is always a line feed (all that are read except UTF-16). */
async function* linePieces(
  first: Buffer,
  rest: AsyncIterable<Buffer>,
  decoder: TextDecoder,
  path: string,
  skip: number,
): AsyncGenerator<TextPiece> {
  // What is not decoded yet stands at the start of one buffer that is used again and again.
  let buffer: Buffer = Buffer.alloc(0);
  let held = 0;
  let line = 1;
  let offset = skip;
  const decode = (bytes: Buffer): TextPiece => {
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch {
      throw decodeError(path, decoder.encoding, bytes, line, offset);
    }
    const piece = checked(text, line, path);
    line += countLines(bytes, bytes.length);
    offset += bytes.length;
    return piece;
  };
  const take = function* (chunk: Buffer): Generator<TextPiece> {
    if (held + chunk.length > buffer.length) {
      const larger = Buffer.allocUnsafeSlow(2 * (held + chunk.length));
      buffer.copy(larger, 0, 0, held);
      buffer = larger;
    }
    chunk.copy(buffer, held);
    const last = chunk.lastIndexOf(NEWLINE);
    const filled = held + chunk.length;
    const end = last === -1 ? 0 : held + last + 1;
    if (end > 0) {
      yield decode(buffer.subarray(0, end));
      buffer.copy(buffer, 0, end, filled);
    }
    held = filled - end;
    if (held > LONGEST_LINE) throw tooLong(path, line);
  };
  yield* take(first);
  for await (const chunk of rest) yield* take(chunk);
  if (held > 0) yield decode(buffer.subarray(0, held));
}

async function* utf16Pieces(
  first: Buffer,
  rest: AsyncIterable<Buffer>,
  decoder: TextDecoder,
  path: string,
): AsyncGenerator<TextPiece> {
  let held = '';
  let line = 1;
  const decode = (chunk: Buffer | undefined): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw decodeError(path, decoder.encoding, new Uint8Array(), line, 0);
    }
  };
  const take = function* (text: string): Generator<TextPiece> {
    held += text;
    const end = held.lastIndexOf('\n') + 1;
    if (end > 0) {
      const piece = checked(held.slice(0, end), line, path);
      line += piece.text.split('\n').length - 1;
      held = held.slice(end);
      yield piece;
    }
    if (held.length > LONGEST_LINE) throw tooLong(path, line);
  };
  yield* take(decode(first));
  for await (const chunk of rest) yield* take(decode(chunk));
  yield* take(decode(undefined));
  if (held !== '') yield checked(held, line, path);
}
