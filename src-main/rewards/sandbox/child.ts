/** A sandbox process as its owner sees it, whichever way it was started. */

export interface SandboxChild {
  send(message: unknown): void;
  /** Ends the process at once. */
  kill(): void;
  /** Whatever the process sends, unparsed. */
  onMessage(listener: (message: unknown) => void): void;
  /** Called once when it is gone, also when it could not be started; with the end of what it printed. */
  onExit(listener: (lastWords: string) => void): void;
}

/** Starts one sandbox process. */
export type SpawnSandbox = () => SandboxChild;

/**
 * Options of Node for the process: few objects of its own, and a deep stack for the engine's calls. The main thread has
 * 8 MB of stack on Linux and macOS; on Windows it has less, and the engine is made for that.
 */
export const sandboxNodeOptions: readonly string[] = [
  '--max-old-space-size=256',
  ...(process.platform === 'win32' ? [] : ['--stack-size=3900']),
];

/** Its environment: no keys, no paths, and one time zone, so that dates are computed alike everywhere. */
export function sandboxEnvironment(
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept = ['SystemRoot', 'NODE_COMPILE_CACHE'].flatMap((name) => {
    const value = own[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...(Object.fromEntries(kept) as Record<string, string>), TZ: 'UTC' };
}
