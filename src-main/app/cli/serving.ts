/** What `serve` and `start` share: the services with their local server, until the user ends them. */
import { startWebServer } from '../web/server.ts';
import { exitCodes, type CommandContext, type OptionTable } from './command.ts';
import { openServices } from './open-services.ts';
import { openBrowser } from './open-browser.ts';
import { ensureRenderer } from './renderer-build.ts';

/** Options of both commands. */
export const serverOptions = {
  port: {
    type: 'integer',
    value: 'N',
    help: 'Port to listen on.',
    minimum: 0,
    maximum: 65_535,
    fallback: 'any free one',
  },
  host: {
    type: 'string',
    value: 'ADDRESS',
    help: 'Address to listen on. Any other than the default lets other computers connect that know the token, unencrypted.',
    fallback: '127.0.0.1: this computer only',
  },
} as const satisfies OptionTable;

export interface ServingOptions {
  readonly port: number | undefined;
  readonly host: string | undefined;
  readonly open: boolean;
  /** Called with the address as soon as the server answers. */
  readonly onReady: (url: string) => void;
}

/** Builds the pages where needed, serves until Ctrl+C, then ends the run at work with a checkpoint. */
export async function serveUntilInterrupted(
  context: CommandContext,
  options: ServingOptions,
): Promise<number> {
  const { output, interrupts, root, environment } = context;
  const windowDirectory = await ensureRenderer({
    root,
    environment,
    report: (text) => output.note(text),
    signal: interrupts.signal,
  });
  const services = openServices(context, {});
  try {
    const server = await startWebServer({
      services,
      windowDirectory,
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.host === undefined ? {} : { host: options.host }),
    });
    try {
      options.onReady(server.url);
      if (options.open && !interrupts.signal.aborted)
        await openBrowser(server.url, process.platform, environment);
      await interrupts.first;
      output.note('\nStopping; a run at work is saved with a checkpoint … (Ctrl+C again ends at once)');
    } finally {
      await server.close();
    }
  } finally {
    await services.close();
  }
  return exitCodes.interrupted;
}
