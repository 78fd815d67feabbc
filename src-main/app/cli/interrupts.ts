/**
 * Ctrl+C and its kin, counted: the first asks to stop cleanly, the second to stop at once. A signal that arrives twice
 * within an instant counts once, for npm passes on what the terminal has already sent to the whole process group.
 */

/** Two signals closer than this, in milliseconds, are one. */
const instant = 250;

export interface Interrupts {
  /** Aborted by the first interrupt. */
  readonly signal: AbortSignal;
  /** Resolves at the first interrupt. */
  readonly first: Promise<void>;
  /** What the second interrupt does; it ends the process by itself where nothing is set. */
  onSecond(action: () => void): void;
  dispose(): void;
}

/** The part of `process` that is listened to. */
export interface SignalSource {
  on(name: NodeJS.Signals | 'disconnect', listener: () => void): unknown;
  removeListener(name: NodeJS.Signals | 'disconnect', listener: () => void): unknown;
}

/** Listens to SIGINT, SIGTERM, SIGHUP and, where a launcher started this process, to the launcher's end. */
export function listenForInterrupts(source: SignalSource, now: () => number, exit: () => void): Interrupts {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  let last = Number.NEGATIVE_INFINITY;
  let second = exit;
  const listener = (): void => {
    const at = now();
    const echo = at - last < instant;
    last = at;
    if (echo) return;
    if (controller.signal.aborted) {
      const action = second;
      // Whatever the second could not end, the third does.
      second = exit;
      action();
      return;
    }
    controller.abort();
    resolve();
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const;
  for (const name of names) source.on(name, listener);
  return {
    signal: controller.signal,
    first: promise,
    onSecond: (action) => {
      second = action;
    },
    dispose: () => {
      for (const name of names) source.removeListener(name, listener);
    },
  };
}
