/** The program behind `espalier`: binds the command line to this process. Started by launcher.mjs. */
import path from 'node:path';
import process from 'node:process';
import { exitCodes } from './command.ts';
import { runCommandLine } from './command-line.ts';
import { listenForInterrupts } from './interrupts.ts';

// A reader that closes the pipe early (head, less) ends the output, not the work with an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.failed);
    throw error;
  });
}

const interrupts = listenForInterrupts(
  process,
  () => performance.now(),
  () => process.exit(exitCodes.interrupted),
);
// The launcher's channel only tells that the launcher is gone; it must not keep this process alive.
process.channel?.unref();

const code = await runCommandLine(process.argv.slice(2), {
  standard: process.stdout,
  errors: process.stderr,
  interrupts,
  root: path.resolve(import.meta.dirname, '../../..'),
  workingDirectory: process.cwd(),
  environment: process.env,
  now: Date.now,
});
interrupts.dispose();
process.exitCode = code;
