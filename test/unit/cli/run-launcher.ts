/** Runs the real launcher with the Node that runs the tests, in a data directory of its own. */
import { spawn } from 'node:child_process';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../../..');
export const launcher = path.join(root, 'src-main', 'app', 'cli', 'launcher.mjs');

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly standard: string;
  readonly errors: string;
}

/** Starts `node launcher.mjs words…` and waits for its end. */
export function runLauncher(
  words: readonly string[],
  options: { directory?: string; environment?: Record<string, string>; launcher?: string } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [options.launcher ?? launcher, ...words], {
      cwd: options.directory ?? root,
      env: { ...process.env, NO_COLOR: '1', ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let standard = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (standard += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, standard, errors }));
  });
}
