/** Runs a measurement or a peer in a process of its own and reads the line of JSON that it prints last. */
import { spawn } from 'node:child_process';
import { EspalierError } from '../../contract/errors.ts';

export type ProcessResult =
  | { readonly ok: true; readonly value: unknown }
  /** `reason`: its last words in one line. `missing`: the program could not be started. */
  | { readonly ok: false; readonly reason: string; readonly missing: boolean };

export interface ProcessSurroundings {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Ends the process, and what it has started itself, at once. */
  readonly signal: AbortSignal;
}

const keptCharacters = 100_000;

/**
 * Waits for the end of a program. A program that fails is a result that says why.
 * @throws EspalierError of kind cancelled when the signal ended it
 */
export async function runProcess(
  program: string,
  words: readonly string[],
  { directory, environment, signal }: ProcessSurroundings,
): Promise<ProcessResult> {
  if (signal.aborted) throw cancelled();
  const windows = process.platform === 'win32';
  // A group of its own: what a peer starts (a conversion) must end with it.
  const child = spawn(program, words, {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    detached: !windows,
  });
  const kill = (): void => {
    if (child.pid === undefined) return;
    try {
      if (windows) child.kill('SIGKILL');
      else process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      // It is gone already.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  };
  let standard = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    standard = (standard + text).slice(-keptCharacters);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-keptCharacters);
  });
  signal.addEventListener('abort', kill);
  process.once('exit', kill);
  try {
    const { promise, resolve } = Promise.withResolvers<ProcessResult>();
    child.once('error', (error) => resolve({ ok: false, reason: error.message, missing: true }));
    child.once('close', (code, ended) => {
      if (code === 0) resolve(lastValue(standard));
      else resolve({ ok: false, reason: lastWords(errors, code, ended), missing: false });
    });
    const result = await promise;
    if (signal.aborted) throw cancelled();
    return result;
  } finally {
    signal.removeEventListener('abort', kill);
    process.removeListener('exit', kill);
  }
}

function cancelled(): EspalierError {
  return new EspalierError('cancelled', 'cancelled', 'The bench was stopped.');
}

/** The last line that is JSON. */
function lastValue(standard: string): ProcessResult {
  for (const line of standard.trimEnd().split('\n').reverse()) {
    if (!line.startsWith('{')) continue;
    try {
      return { ok: true, value: JSON.parse(line) };
    } catch {
      // Not the result: a line that only begins like one.
    }
  }
  return { ok: false, reason: 'it printed no result', missing: false };
}

/** The message of an error: the last line of a Python traceback, the line that names the error of a Node one. */
function lastWords(errors: string, code: number | null, ended: NodeJS.Signals | null): string {
  const lines = errors
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^Node\.js v\d/.test(line));
  const named = lines.find((line) => /^[A-Za-z]*Error( \[[A-Z_]+\])?: /.test(line));
  const how = ended === null ? `exit code ${code}` : `ended by ${ended}`;
  return named ?? lines.at(-1) ?? how;
}
