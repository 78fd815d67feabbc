/** The Electron window as a child process of `start`. */
import { spawn } from 'node:child_process';

/** A window that ends with an error within this many milliseconds did not open. */
const openingTime = 4_000;
const keptCharacters = 2_000;

export type WindowOutcome =
  | { readonly opened: true; readonly code: number }
  /** It could not open; `problem` is what it said. */
  | { readonly opened: false; readonly problem: string };

export interface WindowOptions {
  readonly binary: string;
  readonly root: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Called once when the window has stayed open for a moment. */
  readonly onOpen: () => void;
}

/** Opens the window and waits until it is closed. Never throws for a window that does not open. */
export function runWindow(options: WindowOptions): Promise<WindowOutcome> {
  return new Promise((resolve) => {
    const child = spawn(options.binary, [options.root], {
      cwd: options.root,
      env: options.environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let words = '';
    let opened = false;
    const open = (): void => {
      if (opened) return;
      opened = true;
      options.onOpen();
    };
    const timer = setTimeout(open, openingTime);
    const stop = (): void => void child.kill('SIGTERM');
    options.signal.addEventListener('abort', stop);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-keptCharacters);
    });
    const end = (code: number | null, problem: string): void => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', stop);
      // A window closed at once by its user ended without an error.
      if (code === 0) open();
      resolve(
        opened || options.signal.aborted ? { opened: true, code: code ?? 1 } : { opened: false, problem },
      );
    };
    child.once('error', (error) => end(null, error.message));
    child.once('close', (code, signal) => {
      const last = words.trim().split('\n').at(-1) ?? '';
      end(code, last === '' ? `it ended with ${signal ?? `code ${code ?? 'none'}`}` : last);
    });
  });
}
