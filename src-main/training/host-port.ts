/** The line from the trainer program to its host, whichever way it was started. */
import type { TrainerEvent } from '../contract/events.ts';

export interface HostPort {
  /** Sends an event; events arrive in the order of sending. */
  send(event: TrainerEvent): void;
  /** Resolves when everything sent so far is handed to the system. */
  flush(): Promise<void>;
  onMessage(listener: (message: unknown) => void): void;
  /** Called when the host is gone, where the system would not end this process by itself. */
  onClosed(listener: () => void): void;
}

/** What Electron gives to a utility process as `process.parentPort`. Electron itself ends such a process with the application. */
interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

function isParentPort(value: unknown): value is ParentPort {
  return typeof value === 'object' && value !== null && 'postMessage' in value && 'on' in value;
}

/**
 * Opens the line.
 * @throws Error when the program was started by hand, without a host
 */
export function openHostPort(): HostPort {
  const parentPort: unknown = Reflect.get(process, 'parentPort');
  if (isParentPort(parentPort)) return electronPort(parentPort);
  if (process.send === undefined) {
    throw new Error(
      'The trainer is started by Espalier and does nothing by itself. Use: npx espalier train EXPERIMENT.json',
    );
  }
  return forkedPort();
}

function forkedPort(): HostPort {
  let waiting = 0;
  let quiet: (() => void)[] = [];
  const sent = (): void => {
    waiting--;
    if (waiting > 0) return;
    for (const resolve of quiet) resolve();
    quiet = [];
  };
  return {
    send(event) {
      if (!process.connected) return;
      waiting++;
      // The callback comes when the message is written, or with an error when the host is gone.
      process.send?.(event, undefined, undefined, sent);
    },
    flush: () =>
      waiting === 0 || !process.connected ? Promise.resolve() : new Promise((resolve) => quiet.push(resolve)),
    onMessage: (listener) => void process.on('message', listener),
    onClosed: (listener) => void process.on('disconnect', listener),
  };
}

function electronPort(port: ParentPort): HostPort {
  return {
    send: (event) => port.postMessage(event),
    // Messages are handed over in the same turn; one more turn lets the pipe take them before the process ends.
    flush: () => new Promise((resolve) => setTimeout(resolve, 50)),
    onMessage: (listener) => port.on('message', ({ data }) => listener(data)),
    onClosed: () => {},
  };
}
