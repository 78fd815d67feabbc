/** Runs a program of the installation (a build, a download) to its end, with a time limit and its last words. */
import { spawn } from 'node:child_process';

export interface ToolResult {
  /** Exit code; null where it was ended by a signal or the time limit. */
  readonly code: number | null;
  readonly timedOut: boolean;
  /** The last few kilobytes that it wrote. */
  readonly lastWords: string;
}

export interface ToolOptions {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds. */
  readonly limit: number;
  readonly signal?: AbortSignal;
}

const keptCharacters = 4_000;

/** Starts the program and waits for it. Does not throw for a program that fails: its result says so. */
export function runTool(
  program: string,
  words: readonly string[],
  options: ToolOptions,
): Promise<ToolResult> {
  return new Promise((resolve) => {
    const child = spawn(program, words, {
      cwd: options.directory,
      env: options.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    let lastWords = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, options.limit);
    const stop = (): void => void child.kill();
    options.signal?.addEventListener('abort', stop);
    const keep = (chunk: Buffer): void => {
      lastWords = (lastWords + chunk.toString('utf8')).slice(-keptCharacters);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const end = (code: number | null, extra = ''): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', stop);
      resolve({ code, timedOut, lastWords: (lastWords + extra).trim() });
    };
    child.once('error', (error) => end(null, error.message));
    child.once('close', (code) => end(code));
  });
}
