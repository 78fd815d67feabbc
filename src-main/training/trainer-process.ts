/**
 * The trainer program: a child process that does one command of its host and ends. It is started by
 * `child_process.fork` with `serialization: 'advanced'`, so that typed arrays cross as they are, or as a utility
 * process of Electron. It ends when its host does.
 */
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { toErrorShape } from '../contract/errors.ts';
import { forkSandbox } from '../rewards/sandbox/fork-sandbox.ts';
import { openHostPort } from './host-port.ts';
import { runCommand } from './run-command.ts';
import { serveCommands } from './serve-commands.ts';

const port = openHostPort();

/** The packaged form has both programs in one folder. */
const sandboxProgram = path.join(
  import.meta.dirname,
  import.meta.filename.endsWith('.ts') ? '../rewards/sandbox/program.ts' : 'sandbox.js',
);

/** Ends once everything is sent. */
async function finish(code: number): Promise<void> {
  await port.flush();
  process.exit(code);
}

function crash(error: unknown): void {
  port.send({ type: 'failed', error: toErrorShape(error), summary: null });
  void finish(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
// Ctrl+C in a terminal, and its closing, reach the whole group of processes; the host decides what they mean and sends a
// stop. A host that is gone closes the port.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM']) process.on(signal, () => {});
port.onClosed(() => process.exit(1));

const surroundings = {
  now: () => performance.now(),
  memory: () => process.memoryUsage.rss(),
  // Free memory within the limits of a container, and what this process has taken already.
  availableMemory: () => process.availableMemory() + process.memoryUsage.rss(),
  spawnSandbox: forkSandbox(sandboxProgram),
  pause: () => nextTurn(),
};

const server = serveCommands(
  (event) => port.send(event),
  (command, context) => runCommand(command, { ...surroundings, ...context }),
);
port.onMessage((message) => {
  void server.receive(message).then((state) => {
    if (state === 'over') void finish(0);
  }, crash);
});
