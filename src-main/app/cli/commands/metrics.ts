/** `espalier metrics RUN`: what was measured at each step. */
import type { Series } from '../../../contract/calls.ts';
import { userError } from '../../../contract/errors.ts';
import { nearestName } from '../../../contract/nearest-name.ts';
import { defineCommand, exitCodes } from '../command.ts';
import { findRun, reading } from '../open-services.ts';
import { formatNumber, renderTable } from '../table.ts';

function summaryRow({ name, steps, values }: Series): string[] {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return [name, formatNumber(steps.length), ...[values[0], values.at(-1), lowest, highest].map(formatNumber)];
}

function checkNames(wanted: readonly string[], all: readonly Series[]): void {
  const known = all.map((series) => series.name);
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearestName(unknown, known);
  throw userError(
    'metric-unknown',
    `This run has no metric "${unknown}".${near === undefined ? '' : ` Did you mean ${near}?`}`,
    {
      where: `--name ${unknown}`,
      advice: known.length === 0 ? 'It has no metrics yet.' : `It has: ${known.join(', ')}.`,
    },
  );
}

export const metrics = defineCommand({
  name: 'metrics',
  summary: 'what was measured at each step of a run',
  about: [
    'Without --json a summary of each metric; with --json every value. The names are explained in docs/metrics.md.',
  ],
  positionals: [{ name: 'RUN', help: 'a run by its name, the beginning of it, or "last"' }],
  options: {
    name: { type: 'string', value: 'METRIC', help: 'Only this metric.', multiple: true },
  },
  examples: [
    { line: 'espalier metrics last', meaning: 'a summary' },
    { line: 'espalier metrics last --name rewardMean --json', meaning: 'the reward curve as numbers' },
  ],
  run: (context, { name: names }, [run = '']) =>
    reading(context, async (services) => {
      const { id } = await findRun(services, run);
      const all = await services.call('runs.metrics', { runId: id });
      checkNames(names, all);
      const chosen = names.length === 0 ? all : all.filter((series) => names.includes(series.name));
      context.output.value(chosen);
      context.output.text(
        chosen.length === 0
          ? 'No metrics yet.'
          : renderTable(
              [
                { title: 'Metric' },
                { title: 'Steps', align: 'right' },
                { title: 'First', align: 'right' },
                { title: 'Last', align: 'right' },
                { title: 'Lowest', align: 'right' },
                { title: 'Highest', align: 'right' },
              ],
              chosen.map(summaryRow),
            ),
      );
      return exitCodes.done;
    }),
});
