/** Assembles adamw.wat and writes adamw-binary.ts; run after a change of the kernel: node src-main/runtime/make-adamw-binary.ts */
import { readFile, writeFile } from 'node:fs/promises';
import wabt from 'wabt';

/** The bytes of the kernel in WebAssembly's binary format. */
export async function assembleAdamW(): Promise<Uint8Array> {
  const toolkit = await wabt();
  const source = await readFile(new URL('./adamw.wat', import.meta.url), 'utf8');
  const module = toolkit.parseWat('adamw.wat', source, { simd: true });
  const bytes = Uint8Array.from(module.toBinary({}).buffer);
  module.destroy();
  return bytes;
}

if (import.meta.main) {
  const text = Buffer.from(await assembleAdamW()).toString('base64');
  const lines = text.match(/.{1,96}/g) ?? [];
  const source = `/** The kernel of adamw.wat, assembled by make-adamw-binary.ts. */\nexport const adamWBinary = [\n${lines.map((line) => `  '${line}',`).join('\n')}\n].join('');\n`;
  await writeFile(new URL('./adamw-binary.ts', import.meta.url), source);
}
