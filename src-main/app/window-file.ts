/** Finds the file of the built window that a path of an address means; refuses everything outside its folder. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
};

export interface WindowFile {
  readonly content: Buffer;
  readonly contentType: string;
  /** Its name holds a hash of its content, so it never changes. */
  readonly immutable: boolean;
}

/**
 * The file at `path` (as in a URL, percent-encoded, beginning with a slash) below `directory`; `/` is index.html.
 * Null where there is none, or where the path leads out of the folder, by dots or by a link.
 */
export async function windowFile(directory: string, path: string): Promise<WindowFile | null> {
  const parts = pathParts(path);
  if (parts === null) return null;
  const wanted = parts.length === 0 ? ['index.html'] : parts;
  try {
    const root = await realpath(directory);
    const file = await realpath(join(root, ...wanted));
    if (!file.startsWith(root + sep) || !(await stat(file)).isFile()) return null;
    const contentType = contentTypes[extname(file).toLowerCase()] ?? 'application/octet-stream';
    return { content: await readFile(file), contentType, immutable: wanted[0] === 'assets' };
  } catch {
    // Missing, not readable, a name that the system does not take: no file either way.
    return null;
  }
}

function pathParts(path: string): string[] | null {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return null;
  }
  if (!decoded.startsWith('/') || /[\0\\:]/.test(decoded)) return null;
  const parts = decoded.split('/').filter((part) => part !== '');
  return parts.some((part) => part === '..' || part === '.') ? null : parts;
}
