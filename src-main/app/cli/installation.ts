/** What is known of this installation. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

/** Version of this installation, from its package.json. */
export function installedVersion(root: string): string {
  const text = readFileSync(path.join(root, 'package.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
