/** `espalier models`: what is on this computer, whether it can be used, and whether it fits. */
import type { ModelEntry } from '../../../contract/model-library.ts';
import { defineCommand, exitCodes } from '../command.ts';
import { reading } from '../open-services.ts';
import { formatBytes, formatNumber, renderTable } from '../table.ts';

/** Parameters as people say them: 135 M. */
function formatParameters(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} B`;
  if (count >= 1e6) return `${formatNumber(Math.round(count / 1e6))} M`;
  return `${formatNumber(Math.round(count / 1e3))} K`;
}

function fit({ memory }: ModelEntry): string {
  if (memory === null) return '–';
  if (memory.trains) return 'trains';
  return memory.samples
    ? `samples only (training takes ${formatBytes(memory.training)})`
    : `too large (sampling takes ${formatBytes(memory.sampling)})`;
}

export const models = defineCommand({
  name: 'models',
  summary: 'the models on this computer',
  about: [
    'Lists the models that ship, those in the data directory (its folder models), in the Hugging Face cache and in folders that were named in the application or with --folder: what each is, whether it can be used here or why not, and whether it fits the memory that is free now. Nothing is asked of the network. The checkpoints of runs are named by their run ("espalier runs").',
    'Fits: an estimate for training all weights with questions and answers of 256 tokens each, 64 answers a step.',
  ],
  positionals: [],
  options: {
    folder: {
      type: 'string',
      value: 'DIR',
      help: 'A further folder: of one model, or of several.',
      multiple: true,
    },
    source: {
      type: 'string',
      value: 'SOURCE',
      help: 'Only models of this source.',
      choices: ['builtin', 'data', 'cache', 'folder'],
    },
  },
  examples: [
    { line: 'espalier models', meaning: 'everything that is found' },
    { line: 'espalier models --folder ~/models --json', meaning: 'with a folder of your own, for a script' },
  ],
  run: (context, { folder, source }) =>
    reading(context, async (services) => {
      const chosen = (['builtin', 'data', 'cache', 'folder'] as const).find((each) => each === source);
      const entries = await services.call('models.list', {
        folders: [...(folder ?? [])],
        ...(chosen === undefined ? {} : { sources: [chosen] }),
      });
      const { output } = context;
      output.value(entries);
      if (entries.length === 0) {
        output.text('No models were found. "espalier fetch NAME" fetches one from the Hugging Face Hub.');
        return exitCodes.done;
      }
      output.text(
        renderTable(
          [
            { title: 'Model', maximum: 50 },
            { title: 'Family' },
            { title: 'Parameters', align: 'right' },
            { title: 'Size', align: 'right' },
            { title: 'Here', maximum: 60 },
            { title: 'Path' },
          ],
          entries.map((entry) => [
            entry.revision === null || entry.revision === 'main'
              ? entry.name
              : `${entry.name} @ ${entry.revision}`,
            entry.card?.family ?? '–',
            entry.card === null ? '–' : formatParameters(entry.card.parameters),
            formatBytes(entry.bytes),
            entry.why ?? fit(entry),
            entry.path,
          ]),
        ),
      );
      return exitCodes.done;
    }),
});
