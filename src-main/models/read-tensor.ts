/** Reads weights out of safetensors files into memory that the caller owns, a bounded piece at a time. */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { userError } from '../contract/errors.ts';
import type { StoredTensor } from './checkpoint.ts';

/** Bytes that are held at once beside the target. */
const PIECE = 4 * 1024 * 1024;

/** A range of a file. */
interface ByteRange {
  readonly name: string;
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
}

/** Fills `target` from a position of a file. Throws a user error `weights-damaged` where the file ends before. */
async function readFully(
  handle: FileHandle,
  target: Uint8Array,
  position: number,
  range: ByteRange,
): Promise<void> {
  let done = 0;
  while (done < target.byteLength) {
    const { bytesRead } = await handle.read(target, done, target.byteLength - done, position + done);
    if (bytesRead === 0) {
      throw userError(
        'weights-damaged',
        `The file ended in the middle of the tensor "${range.name}"; it has changed since it was opened.`,
        {
          where: range.file,
          advice: 'Leave model files alone while a run uses them, then start again.',
        },
      );
    }
    done += bytesRead;
  }
}

/** All 65,536 values of float16, since a look-up is much faster than arithmetic on the bits. */
let halfValues: Float32Array | undefined;

function float16Values(): Float32Array {
  halfValues ??= Float32Array.from({ length: 65_536 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
  return halfValues;
}

/**
 * Reads one weight into `target` (as many elements as its shape has), widened to float32. Copies at most 4 MB at a
 * time and never the whole file. Throws a user error `weights-damaged` when the file became shorter.
 */
export async function readTensor(tensor: StoredTensor, target: Float32Array): Promise<void> {
  const width = tensor.type === 'F32' ? 4 : 2;
  const count = tensor.byteLength / width;
  if (target.length !== count) {
    throw new RangeError(`"${tensor.name}" has ${count} elements, but the target has ${target.length}`);
  }
  if (count === 0) return;
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  const piece = new Uint8Array(Math.min(PIECE, tensor.byteLength));
  await using handle = await open(tensor.file, 'r');
  for (let start = 0; start < tensor.byteLength; start += piece.byteLength) {
    const bytes = piece.subarray(0, Math.min(piece.byteLength, tensor.byteLength - start));
    await readFully(handle, bytes, tensor.offset + start, tensor);
    const first = start / width;
    // Safetensors is little-endian, as is every processor that ONNX Runtime for Node supports.
    if (tensor.type === 'F32') bits.set(new Uint32Array(bytes.buffer, 0, bytes.byteLength / 4), first);
    else {
      const halves = new Uint16Array(bytes.buffer, 0, bytes.byteLength / 2);
      if (tensor.type === 'BF16')
        for (let i = 0; i < halves.length; i++) bits[first + i] = (halves[i] ?? 0) << 16;
      else {
        const values = float16Values();
        for (let i = 0; i < halves.length; i++) target[first + i] = values[halves[i] ?? 0] ?? 0;
      }
    }
  }
}

/** Whether two ranges of files hold the same bytes. */
export async function sameContent(a: ByteRange, b: ByteRange): Promise<boolean> {
  if (a.byteLength !== b.byteLength) return false;
  await using first = await open(a.file, 'r');
  await using second = await open(b.file, 'r');
  const pieces = [
    Buffer.alloc(Math.min(PIECE, a.byteLength)),
    Buffer.alloc(Math.min(PIECE, a.byteLength)),
  ] as const;
  for (let start = 0; start < a.byteLength; start += PIECE) {
    const length = Math.min(PIECE, a.byteLength - start);
    const [left, right] = [pieces[0].subarray(0, length), pieces[1].subarray(0, length)];
    await readFully(first, left, a.offset + start, a);
    await readFully(second, right, b.offset + start, b);
    if (!left.equals(right)) return false;
  }
  return true;
}
