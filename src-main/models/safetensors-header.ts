/**
 * Reads the header of a safetensors file: eight bytes with its length, then JSON with type, shape and place of each
 * tensor. The header comes from a stranger, so every claim in it is checked before anything is read or allocated.
 */
import { z } from 'zod';
import { userError } from '../contract/errors.ts';

/** Bytes of one element of each type of the format. */
const elementBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
  C64: 8,
} as const;
export type SafetensorsType = keyof typeof elementBytes;

/** One tensor of a file; `offset` counts from the beginning of the file. */
export interface HeaderEntry {
  readonly name: string;
  readonly type: SafetensorsType;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly byteLength: number;
}

/** Largest header that is read: the limit of the reference implementation. */
export const HEADER_LIMIT = 100_000_000;

const size = z.int().min(0);
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(size).max(64),
  data_offsets: z.tuple([size, size]),
});

function damaged(file: string, what: string, cause?: unknown): Error {
  return userError('weights-damaged', `The weights file is damaged: ${what}.`, {
    where: file,
    advice: 'Download or copy the file again.',
    cause,
  });
}

/**
 * Length in bytes of the JSON header, from the first bytes of a file of `fileSize` bytes. Throws a user error
 * `weights-damaged` when the file is too short, the header too long, or the file something else.
 */
export function headerLength(start: Uint8Array, fileSize: number, file: string): number {
  const text = new TextDecoder('latin1').decode(start.subarray(0, 24));
  if (text.startsWith('version https://git-lfs')) {
    throw userError(
      'weights-damaged',
      'The weights file is only a pointer of Git LFS; its content was not downloaded.',
      {
        where: file,
        advice: 'Run "git lfs pull" in the model folder.',
      },
    );
  }
  if (fileSize < 8 || start.byteLength < 8) throw damaged(file, `it is only ${fileSize} bytes long`);
  const length = new DataView(start.buffer, start.byteOffset, start.byteLength).getBigUint64(0, true);
  if (length > BigInt(HEADER_LIMIT)) {
    throw damaged(
      file,
      `its header claims ${length} bytes, and at most ${HEADER_LIMIT} are allowed (is it a safetensors file?)`,
    );
  }
  if (8 + Number(length) > fileSize) {
    throw damaged(
      file,
      `its header should be ${length} bytes long, but the file ends after ${fileSize}; it is cut off`,
    );
  }
  return Number(length);
}

/** A key that occurs twice in the outermost object of valid JSON, which `JSON.parse` would hide. */
function duplicateKey(json: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  let keyNext = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '"') {
      const start = at;
      at++;
      while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
      if (depth === 1 && keyNext) {
        const key = String(JSON.parse(json.slice(start, at + 1)));
        if (seen.has(key)) return key;
        seen.add(key);
        keyNext = false;
      }
    } else if (character === '{' || character === '[') {
      depth++;
      keyNext = depth === 1;
    } else if (character === '}' || character === ']') depth--;
    else if (character === ',' && depth === 1) keyNext = true;
  }
  return undefined;
}

/**
 * The tensors of a file of `fileSize` bytes, in the order of their place, from the bytes of its JSON header (without
 * the eight length bytes). Guarantees that each lies within the file, that none overlap, that no byte is left over, and
 * that each has as many bytes as its shape needs. Throws a user error `weights-damaged` otherwise.
 */
export function parseHeader(header: Uint8Array, fileSize: number, file: string): HeaderEntry[] {
  let json: string;
  let value: unknown;
  try {
    json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
    value = JSON.parse(json);
  } catch (error) {
    throw damaged(file, 'its header is not valid JSON', error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw damaged(file, 'its header is not a JSON object');
  const twice = duplicateKey(json);
  if (twice !== undefined) throw damaged(file, `its header holds "${twice}" twice`);
  const dataStart = 8 + header.byteLength;
  const entries: HeaderEntry[] = [];
  for (const [name, claim] of Object.entries(value)) {
    if (name === '__metadata__') continue;
    const result = entrySchema.safeParse(claim);
    if (!result.success)
      throw damaged(
        file,
        `the header entry of "${name}" is not as expected (${result.error.issues[0]?.message})`,
      );
    const { dtype, shape, data_offsets: offsets } = result.data;
    if (!Object.hasOwn(elementBytes, dtype)) {
      throw userError(
        'model-unsupported',
        `The tensor "${name}" has the type ${dtype}, which is not supported.`,
        {
          where: file,
          advice: 'Supported: F32, F16 and BF16. Use the original of the model.',
        },
      );
    }
    // Checked to be a key in the line above.
    const type = dtype as SafetensorsType;
    const [begin, end] = offsets;
    const bytes = shape.reduce((product, length) => product * length, 1) * elementBytes[type];
    if (end < begin || dataStart + end > fileSize) {
      throw damaged(
        file,
        `the tensor "${name}" should lie at bytes ${dataStart + begin} to ${dataStart + end}, but the file has ${fileSize}; it may be cut off`,
      );
    }
    if (bytes !== end - begin) {
      throw damaged(
        file,
        `the tensor "${name}" of shape [${shape.join(', ')}] in ${type} needs ${bytes} bytes, but has ${end - begin}`,
      );
    }
    entries.push({ name, type, shape, offset: dataStart + begin, byteLength: bytes });
  }
  entries.sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  let next = dataStart;
  for (const [index, { name, offset, byteLength }] of entries.entries()) {
    if (offset < next) throw damaged(file, `the tensors "${entries[index - 1]?.name}" and "${name}" overlap`);
    if (offset > next)
      throw damaged(file, `${offset - next} bytes before the tensor "${name}" belong to none`);
    next = offset + byteLength;
  }
  if (next !== fileSize) throw damaged(file, `${fileSize - next} bytes at its end belong to no tensor`);
  return entries;
}
