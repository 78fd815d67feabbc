/**
 * The sandbox program: a child process in which users' patterns, schemas, code and functions run, each inside a WebAssembly
 * engine of bounded memory. It has no secrets in its environment, and it ends when its owner does. Started by
 * `child_process.fork`, or as a utility process of Electron.
 */
import { threadMilliseconds } from './machine.ts';
import { serveSandbox } from './serve.ts';

/** What Electron gives to a utility process as `process.parentPort`. */
interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

function isParentPort(value: unknown): value is ParentPort {
  return typeof value === 'object' && value !== null && 'postMessage' in value && 'on' in value;
}

const parentPort: unknown = Reflect.get(process, 'parentPort');
if (isParentPort(parentPort)) {
  const server = serveSandbox((reply) => parentPort.postMessage(reply), threadMilliseconds);
  parentPort.on('message', ({ data }) => void server.receive(data));
} else {
  if (process.send === undefined) {
    throw new Error(
      'The sandbox is started by Espalier and does nothing by itself. Use: npx espalier reward',
    );
  }
  const server = serveSandbox((reply) => process.send?.(reply), threadMilliseconds);
  process.on('message', (message) => void server.receive(message));
  process.on('disconnect', () => process.exit(0));
  // Ctrl+C reaches the whole group of processes; the owner decides what it means, and ends this process by going.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {});
}
