/** `espalier runs`: what is stored, as a list. */
import { defineCommand, exitCodes } from '../command.ts';
import { reading } from '../open-services.ts';
import { formatMoment, formatNumber, renderTable } from '../table.ts';

export const runs = defineCommand({
  name: 'runs',
  summary: 'the stored runs',
  about: ['Lists the runs of the data directory, newest first. Works beside a running application.'],
  positionals: [],
  options: {
    deleted: { type: 'boolean', help: 'List the deleted runs that can still be restored instead.' },
  },
  examples: [
    { line: 'espalier runs', meaning: 'all runs' },
    { line: 'espalier runs --json | jq -r ".[0].id"', meaning: 'the newest run, for a script' },
  ],
  run: (context, { deleted }) =>
    reading(context, async (services) => {
      const rows = await services.call('runs.list', { deleted });
      const { output } = context;
      output.value(rows);
      if (rows.length === 0) {
        output.text(`No ${deleted ? 'deleted ' : ''}runs in ${context.dataDirectory}.`);
        return exitCodes.done;
      }
      output.text(
        renderTable(
          [
            { title: 'Run' },
            { title: 'Name', maximum: 40 },
            { title: 'Status' },
            { title: 'Method' },
            { title: 'Seed', align: 'right' },
            { title: 'Step', align: 'right' },
            { title: 'Reward', align: 'right' },
            { title: 'Held-out', align: 'right' },
            { title: 'Best', align: 'right' },
            { title: 'Created' },
          ],
          rows.map((run) => [
            run.id,
            run.name,
            run.status,
            run.estimator,
            String(run.seed),
            `${run.step}/${run.steps}`,
            formatNumber(run.reward),
            formatNumber(run.score),
            formatNumber(run.bestScore),
            formatMoment(run.createdAt),
          ]),
        ),
      );
      return exitCodes.done;
    }),
});
