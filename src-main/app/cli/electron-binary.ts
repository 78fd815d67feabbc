/**
 * Electron's program, which is no part of its npm package: found where it lies, fetched once where it is missing. The
 * outcome of the attempt is kept in the data directory, so that later starts do not wait for it again.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { ToolOptions, ToolResult } from './run-tool.ts';

/** How to get the window by hand. */
export const windowAdvice = 'run "npx install-electron" in the folder of Espalier, then "npm start" again';

const manifestSchema = z.object({ version: z.string() });
const attemptSchema = z.object({ version: z.string(), at: z.number(), problem: z.string() });

/** Milliseconds for the first answer of the download server, and for the whole download. */
const answerLimit = 5_000;
const downloadLimit = 180_000;
const reportEvery = 5_000;

function electronFolder(root: string): string {
  return path.join(root, 'node_modules', 'electron');
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Version of the Electron package, or undefined where it is not installed. */
export function electronVersion(root: string): string | undefined {
  const text = readText(path.join(electronFolder(root), 'package.json'));
  return text === undefined ? undefined : manifestSchema.parse(JSON.parse(text)).version;
}

/** Path of Electron's program, or undefined where it has not been downloaded. Does not import Electron, which would try to. */
export function electronBinary(root: string): string | undefined {
  const folder = electronFolder(root);
  const name = readText(path.join(folder, 'path.txt'))?.trim();
  if (name === undefined || name === '') return undefined;
  const binary = path.join(folder, 'dist', name);
  return existsSync(binary) ? binary : undefined;
}

export interface FetchElectron {
  readonly root: string;
  readonly dataDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly report: (text: string) => void;
  readonly now: () => number;
  readonly signal?: AbortSignal;
  /** Asks the download server for an answer. */
  readonly fetch: (url: string, options: { method: string; signal: AbortSignal }) => Promise<unknown>;
  readonly runTool: (program: string, words: readonly string[], options: ToolOptions) => Promise<ToolResult>;
}

export type ElectronOutcome =
  | { readonly binary: string }
  /** `remembered`: an earlier attempt failed and this one was not made. */
  | { readonly binary: undefined; readonly problem: string; readonly remembered: boolean };

function memoryFile(dataDirectory: string): string {
  return path.join(dataDirectory, 'electron-download.json');
}

function earlierProblem(dataDirectory: string, version: string): string | undefined {
  const text = readText(memoryFile(dataDirectory));
  if (text === undefined) return undefined;
  try {
    const attempt = attemptSchema.parse(JSON.parse(text));
    return attempt.version === version ? attempt.problem : undefined;
  } catch {
    return undefined;
  }
}

/** Why the download server does not answer, or undefined where it does. Proxies and mirrors are left to the download itself. */
async function unreachable(options: FetchElectron): Promise<string | undefined> {
  const names = [
    'ELECTRON_MIRROR',
    'npm_config_electron_mirror',
    'HTTPS_PROXY',
    'https_proxy',
    'ELECTRON_GET_USE_PROXY',
  ];
  if (names.some((name) => (options.environment[name] ?? '') !== '')) return undefined;
  try {
    await options.fetch('https://github.com/electron/electron/releases', {
      method: 'HEAD',
      signal: AbortSignal.timeout(answerLimit),
    });
    return undefined;
  } catch {
    return 'github.com, from where Electron comes, did not answer';
  }
}

async function download(options: FetchElectron): Promise<string | undefined> {
  const problem = await unreachable(options);
  if (problem !== undefined) return problem;
  const begun = performance.now();
  const timer = setInterval(() => {
    options.report(`  … ${Math.round((performance.now() - begun) / 1000)} s`);
  }, reportEvery);
  try {
    const result = await options.runTool(
      process.execPath,
      [path.join(electronFolder(options.root), 'install.js')],
      {
        directory: options.root,
        environment: options.environment,
        limit: downloadLimit,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
    );
    if (result.timedOut) return `the download took more than ${downloadLimit / 60_000} minutes`;
    if (result.code !== 0) return `the download failed: ${result.lastWords.split('\n')[0] ?? ''}`;
    return electronBinary(options.root) === undefined ? 'the download left no program behind' : undefined;
  } finally {
    clearInterval(timer);
  }
}

/**
 * Electron's program, downloaded where it is missing: one attempt for each version of the package, with a time limit.
 * Never throws for a download that fails: the outcome says why. An attempt that was interrupted is not kept.
 */
export async function fetchElectron(options: FetchElectron): Promise<ElectronOutcome> {
  const present = electronBinary(options.root);
  if (present !== undefined) return { binary: present };
  const version = electronVersion(options.root);
  if (version === undefined) {
    return { binary: undefined, problem: 'the package electron is not installed', remembered: true };
  }
  const earlier = earlierProblem(options.dataDirectory, version);
  if (earlier !== undefined) return { binary: undefined, problem: earlier, remembered: true };
  options.report(`Fetching Electron ${version} for the window (about 110 MB, once; --browser skips it) …`);
  const problem = await download(options);
  const binary = electronBinary(options.root);
  if (binary !== undefined) return { binary };
  const reason = problem ?? 'the download left no program behind';
  if (options.signal?.aborted !== true) {
    mkdirSync(options.dataDirectory, { recursive: true });
    const attempt = { version, at: options.now(), problem: reason };
    writeFileSync(memoryFile(options.dataDirectory), `${JSON.stringify(attempt)}\n`);
  }
  return { binary: undefined, problem: reason, remembered: false };
}
