/** `espalier start`: the application in a window where that is possible, else in the browser. */
import { toErrorShape } from '../../../contract/errors.ts';
import { defineCommand, exitCodes, type CommandContext } from '../command.ts';
import { fetchElectron, windowAdvice } from '../electron-binary.ts';
import { hasDisplay } from '../open-browser.ts';
import { ensureWindowProgram } from '../renderer-build.ts';
import { runTool } from '../run-tool.ts';
import { serverOptions, serveUntilInterrupted } from '../serving.ts';
import { runWindow } from '../window.ts';

/** Tries to open the window; resolves to the exit code when it was closed, or to why there is none. */
async function tryWindow(
  context: CommandContext,
): Promise<{ code: number } | { reason: string; advice: string | null }> {
  const { output, interrupts, root, environment, dataDirectory } = context;
  const report = (text: string): void => output.note(text);
  if (!hasDisplay(process.platform, environment)) {
    return { reason: 'there is no display', advice: null };
  }
  const electron = await fetchElectron({
    root,
    dataDirectory,
    environment,
    report,
    now: context.now,
    signal: interrupts.signal,
    fetch,
    runTool,
  });
  if (interrupts.signal.aborted) return { code: exitCodes.interrupted };
  if (electron.binary === undefined) {
    return {
      reason: `Electron is not here (${electron.problem})`,
      advice: `For a window of its own: ${windowAdvice}.`,
    };
  }
  await ensureWindowProgram({ root, environment, report, signal: interrupts.signal });
  const outcome = await runWindow({
    binary: electron.binary,
    root,
    environment: { ...environment, ESPALIER_HOME: dataDirectory },
    signal: interrupts.signal,
    onOpen: () => {
      output.value({ url: null, window: true });
      output.text('Espalier is open in its window.');
    },
  });
  if (!outcome.opened) return { reason: `the window did not open (${outcome.problem})`, advice: null };
  if (interrupts.signal.aborted) return { code: exitCodes.interrupted };
  return { code: outcome.code === 0 ? exitCodes.done : exitCodes.failed };
}

export const start = defineCommand({
  name: 'start',
  summary: 'the application: a window, else the browser',
  about: [
    "Opens the application. Where Electron's program and a display are there it opens a window; where only the program is missing it tries once to fetch it. Otherwise it serves the application on this computer, opens the browser and prints the address. The pages are built first where needed.",
  ],
  positionals: [],
  options: {
    browser: { type: 'boolean', help: 'Use the browser; do not look for a window.' },
    ...serverOptions,
    'no-open': { type: 'boolean', help: 'Do not open a browser; only print the address.' },
  },
  examples: [
    { line: 'npm start', meaning: 'the same, in the folder of Espalier' },
    { line: 'espalier start --browser', meaning: 'in the browser, without a look for the window' },
  ],
  exits: { 130: 'ended by Ctrl+C' },
  run: async (context, { browser, port, host, 'no-open': closed }) => {
    const { output } = context;
    if (!browser) {
      // Whatever is wrong with the window, the browser still works.
      const outcome = await tryWindow(context).catch((error: unknown) => {
        const shape = toErrorShape(error);
        if (shape.kind === 'cancelled') throw error;
        return { reason: shape.message, advice: shape.advice ?? null };
      });
      if ('code' in outcome) return outcome.code;
      output.note(`No window: ${outcome.reason}. Going on in the browser.`);
      if (outcome.advice !== null) output.note(outcome.advice);
    }
    return serveUntilInterrupted(context, {
      port,
      host,
      open: !closed,
      onReady: (url) => {
        output.value({ url, window: false });
        output.text(`\nEspalier is at ${url}\n`);
        output.note('Open this address in a browser on this computer. Ctrl+C ends it.');
      },
    });
  },
});
