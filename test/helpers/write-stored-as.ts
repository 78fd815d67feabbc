/** Writes a checkpoint with its weights narrowed to 16 bits, for tests of what reads them. */
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../../src-main/models/checkpoint.ts';
import type { ParameterStore } from '../../src-main/runtime/parameter-store.ts';

/** Upper half of a float32, rounded to nearest. */
function toBf16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Half precision by truncation; weights of the fixtures are neither huge nor denormal. */
function toF16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const exponent = ((bits >>> 23) & 255) - 112;
  const sign = (bits >>> 16) & 0x8000;
  return exponent <= 0 ? sign : sign | (exponent << 10) | ((bits >>> 13) & 0x3ff);
}

export async function writeStoredAs(
  { folder, tensors }: Checkpoint,
  store: ParameterStore,
  type: 'BF16' | 'F16',
  target: string,
): Promise<void> {
  await cp(folder, target, { recursive: true });
  const narrow = type === 'BF16' ? toBf16 : toF16;
  let offset = 0;
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  for (const { name, shape } of tensors.values()) {
    const data = Uint16Array.from(store.weights(store.has(name) ? name : ''), narrow);
    header[name] = { dtype: type, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
    parts.push(new Uint8Array(data.buffer));
  }
  const json = JSON.stringify(header);
  const text = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  await writeFile(join(target, 'model.safetensors'), Buffer.concat([length, text, ...parts]));
}
