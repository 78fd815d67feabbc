/** The built renderer (out/renderer), which every host serves: made when it is missing or older than its sources. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { EspalierError } from '../../contract/errors.ts';
import { runTool } from './run-tool.ts';

const limit = 300_000;

/** Newest modification time below a folder, in milliseconds; 0 where it does not exist. */
export function newestChange(folder: string): number {
  if (!existsSync(folder)) return 0;
  let newest = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.parentPath.includes('node_modules') || !entry.isFile()) continue;
    newest = Math.max(newest, statSync(path.join(entry.parentPath, entry.name)).mtimeMs);
  }
  return newest;
}

/** Whether a built file is there and no source has changed since. Without sources (an installed copy) it need only be there. */
export function isCurrent(built: string, sources: readonly string[]): boolean {
  if (!existsSync(built)) return false;
  const at = statSync(built).mtimeMs;
  return sources.every((source) => newestChange(source) <= at);
}

export interface BuildOptions {
  /** Folder of the installation. */
  readonly root: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly report: (text: string) => void;
  readonly signal?: AbortSignal;
}

async function build(what: string, words: readonly string[], options: BuildOptions): Promise<void> {
  options.report(`Building ${what} (the first time, and after a change; up to a minute) …`);
  const begun = performance.now();
  const result = await runTool(process.execPath, words, {
    directory: options.root,
    environment: options.environment,
    limit,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (options.signal?.aborted === true)
    throw new EspalierError('cancelled', 'cancelled', 'Interrupted while building.');
  if (result.code !== 0) {
    throw new EspalierError('environment', 'build-failed', `Building ${what} failed.\n${result.lastWords}`, {
      where: options.root,
      advice: 'Run "npm ci" in this folder; if it fails again, the text above says why.',
    });
  }
  options.report(`Built in ${((performance.now() - begun) / 1000).toFixed(1)} s.`);
}

/**
 * Makes out/renderer where it is missing or stale; resolves to its folder.
 * @throws EspalierError `build-failed`, with the last words of the build
 */
export async function ensureRenderer(options: BuildOptions): Promise<string> {
  const { root } = options;
  const folder = path.join(root, 'out', 'renderer');
  const sources = [path.join(root, 'src-renderer'), path.join(root, 'src-main', 'contract')];
  if (!isCurrent(path.join(folder, 'index.html'), sources)) {
    const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js');
    await build(
      'the pages',
      [vite, 'build', '--config', path.join('src-renderer', 'vite.config.ts')],
      options,
    );
  }
  return folder;
}

/**
 * Makes everything that the Electron window runs (out/main, out/preload, out/renderer) where it is missing or stale.
 * @throws EspalierError `build-failed`
 */
export async function ensureWindowProgram(options: BuildOptions): Promise<void> {
  const { root } = options;
  const sources = [path.join(root, 'src-renderer'), path.join(root, 'src-main')];
  const built = [
    path.join(root, 'out', 'main', 'index.js'),
    path.join(root, 'out', 'renderer', 'index.html'),
  ];
  if (built.every((file) => isCurrent(file, sources))) return;
  const tool = path.join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
  await build('the window', [tool, 'build'], options);
}
