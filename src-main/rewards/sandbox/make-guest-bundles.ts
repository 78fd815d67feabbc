/**
 * Bundles the code that runs inside QuickJS and writes guest-bundles.ts; run after a change of anything in guest/ or of a
 * built-in verifier: node src-main/rewards/sandbox/make-guest-bundles.ts
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { build } from 'vite';

/** Bundles and their entries in guest/. */
const entries = {
  tools: 'tools.ts',
  realm: 'user-realm.ts',
  pattern: 'pattern.ts',
  jsonSchema: 'json-schema.ts',
  verifier: 'verifier.ts',
} as const;

/** One file of guest/ with all that it needs, as an expression whose value is the object of its exports. */
async function bundle(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    root: import.meta.dirname,
    build: {
      write: false,
      minify: true,
      target: 'es2023',
      lib: { entry: join(import.meta.dirname, 'guest', entry), formats: ['iife'], name: 'guest' },
    },
  });
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((part) =>
    'output' in part ? part.output : [],
  );
  const [chunk, another] = outputs;
  if (chunk?.type !== 'chunk' || another !== undefined)
    throw new Error(`internal: ${entry} gave no single file`);
  return `(()=>{${chunk.code.trim()};return guest})()`;
}

/** The source of guest-bundles.ts. */
export async function guestBundlesSource(): Promise<string> {
  const parts: string[] = [];
  for (const [name, entry] of Object.entries(entries))
    parts.push(`${name}: ${JSON.stringify(await bundle(entry))},`);
  const source = `/** The bundles of guest/, made by make-guest-bundles.ts. The license of ajv and its parts: MIT. */\nexport const guestBundles = {\n${parts.join('\n')}\n} as const;\n`;
  const target = join(import.meta.dirname, 'guest-bundles.ts');
  return format(source, { ...(await resolveConfig(target)), filepath: target });
}

if (import.meta.main)
  await writeFile(join(import.meta.dirname, 'guest-bundles.ts'), await guestBundlesSource());
