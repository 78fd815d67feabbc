/** Per-token arrays as compact blobs: 4 bytes an entry, little-endian on every machine. */
import { endianness } from 'node:os';

const swaps = endianness() === 'BE';

/** Bytes of a Float32Array or Int32Array, little-endian; a copy on machines of the other order only. */
export function encodeArray(values: Float32Array | Int32Array): Buffer {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return swaps ? Buffer.from(bytes).swap32() : bytes;
}

/** The 32-bit floats of a blob. */
export function decodeFloats(blob: Uint8Array): Float32Array {
  return new Float32Array(aligned(blob));
}

/** The 32-bit integers of a blob. */
export function decodeInts(blob: Uint8Array): Int32Array {
  return new Int32Array(aligned(blob));
}

function aligned(blob: Uint8Array): ArrayBuffer {
  if (blob.byteLength % 4 !== 0) throw new Error(`internal: a token array of ${blob.byteLength} bytes`);
  const bytes = new Uint8Array(blob.byteLength);
  bytes.set(blob);
  if (swaps) Buffer.from(bytes.buffer).swap32();
  return bytes.buffer;
}
