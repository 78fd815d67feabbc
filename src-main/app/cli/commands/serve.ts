/** `espalier serve`: the local server, for a browser here or on another computer. */
import { defineCommand } from '../command.ts';
import { serverOptions, serveUntilInterrupted } from '../serving.ts';

export const serve = defineCommand({
  name: 'serve',
  summary: 'the application as a local server',
  about: [
    'Serves the application to a browser and opens one. The address holds a token; whoever has it can use the application, so treat it like a password. Ctrl+C ends the server; a run at work is saved with a checkpoint.',
    'From another computer, keep the default address and use an SSH tunnel: ssh -L 8080:127.0.0.1:8080 WORKSTATION, with espalier serve --port 8080 --no-open there.',
  ],
  positionals: [],
  options: { ...serverOptions, 'no-open': { type: 'boolean', help: 'Do not open a browser.' } },
  examples: [
    { line: 'espalier serve', meaning: 'here, in the browser' },
    { line: 'espalier serve --port 8080 --no-open', meaning: 'on a workstation without a screen' },
    { line: 'espalier serve --json --no-open', meaning: 'for a script: prints {"url": …} once ready' },
  ],
  exits: { 130: 'ended by Ctrl+C' },
  run: (context, { port, host, 'no-open': closed }) =>
    serveUntilInterrupted(context, {
      port,
      host,
      open: !closed,
      onReady: (url) => {
        context.output.value({ url });
        context.output.text(`Espalier is at ${url}`);
        context.output.note('Ctrl+C ends it.');
      },
    }),
});
