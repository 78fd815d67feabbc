/** Text as it lies in a column of type ANY, so that every JavaScript string comes back exactly. */
import { z } from 'zod';

/** What such a column may hold: TEXT, or UTF-16 bytes. */
export const storedTextSchema = z.union([z.string(), z.instanceof(Uint8Array)]);

/** TEXT where UTF-8 can hold the string; otherwise (lone surrogates) its UTF-16 little-endian bytes. */
export function encodeText(text: string): string | Buffer {
  return text.isWellFormed() ? text : Buffer.from(text, 'utf16le');
}

/** The string that `encodeText` was given. */
export function decodeText(stored: string | Uint8Array): string {
  if (typeof stored === 'string') return stored;
  return Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).toString('utf16le');
}
