/** `espalier show RUN`: everything about one run. */
import { writeFile } from 'node:fs/promises';
import { runPicture } from '../../../analysis/run-picture.ts';
import type { RunDetail } from '../../../contract/calls.ts';
import { userError } from '../../../contract/errors.ts';
import type { Services } from '../../services.ts';
import { defineCommand, exitCodes } from '../command.ts';
import { findRun, reading } from '../open-services.ts';
import {
  formatBytes,
  formatDuration,
  formatMoment,
  formatNumber,
  renderPairs,
  renderTable,
} from '../table.ts';

const shownLogLines = 10;

function overview(run: RunDetail): string {
  const { facts, summary } = run;
  const pairs: [string, string][] = [
    ['Run', run.id],
    ['Name', run.name],
    ['Status', run.phase === null ? run.status : `${run.status} (${run.phase})`],
    ['Method', run.estimator],
    ['Seed', String(run.seed)],
    ['Step', `${formatNumber(run.step)} of ${formatNumber(run.steps)}`],
    ['Created', formatMoment(run.createdAt)],
    ['Started', formatMoment(run.startedAt)],
    ['Ended', formatMoment(run.endedAt)],
    ['Model', run.config.model.path],
    ['Data', run.config.data.path],
  ];
  if (facts !== null) {
    pairs.push(
      ['Architecture', `${facts.family}, ${formatNumber(facts.parameters)} parameters, on ${facts.device}`],
      [
        'Questions',
        `${formatNumber(facts.trainRows)} for training, ${formatNumber(facts.evaluationRows)} held out, ${formatNumber(facts.droppedRows)} left out`,
      ],
    );
  }
  if (summary !== null) {
    pairs.push(
      [
        'Held-out score',
        `${formatNumber(summary.before)} before, ${formatNumber(summary.after)} after, best ${formatNumber(summary.best)} at step ${formatNumber(summary.bestStep)}`,
      ],
      [
        'Answers sampled',
        `${formatNumber(summary.answers)} (${formatNumber(summary.generatedTokens)} tokens, ${formatNumber(Math.round(summary.generatedTokensPerSecond))} tokens/s)`,
      ],
      ['Time', formatDuration(summary.seconds)],
      ['Peak memory', formatBytes(summary.peakMemory)],
    );
  }
  pairs.push(['Stored in', run.directory]);
  return renderPairs(pairs);
}

function sections(run: RunDetail): string[] {
  const parts = [overview(run)];
  if (run.error !== null) {
    parts.push(
      [
        'Why it failed',
        `  ${run.error.message}`,
        ...(run.error.advice === undefined ? [] : [`  ${run.error.advice}`]),
      ].join('\n'),
    );
  }
  if (run.evaluations.length > 0) {
    const rows = run.evaluations.map((row) => [
      formatNumber(row.step),
      formatNumber(row.score),
      formatNumber(row.count),
      formatDuration(row.seconds),
    ]);
    parts.push(
      `Held-out evaluations\n${renderTable(
        [
          { title: 'Step', align: 'right' },
          { title: 'Score', align: 'right' },
          { title: 'Questions', align: 'right' },
          { title: 'Took', align: 'right' },
        ],
        rows,
      )}`,
    );
  }
  if (run.checkpoints.length > 0) {
    const rows = run.checkpoints.map((row) => [
      row.role,
      formatNumber(row.step),
      formatNumber(row.score),
      row.path,
    ]);
    parts.push(
      `Checkpoints\n${renderTable([{ title: 'Role' }, { title: 'Step', align: 'right' }, { title: 'Score', align: 'right' }, { title: 'Folder', maximum: 400 }], rows)}`,
    );
  }
  if (run.log.length > 0) {
    const lines = run.log
      .slice(-shownLogLines)
      .map((row) => `  ${formatMoment(row.at)}  ${row.level}  ${row.message}`);
    parts.push(['Log', ...lines].join('\n'));
  }
  return parts;
}

async function writePicture(services: Services, run: RunDetail, path: string): Promise<void> {
  const [rewards] = await services.call('runs.metrics', { runId: run.id, names: ['rewardMean'] });
  const svg = runPicture({
    title: run.name,
    rewards: rewards ?? { steps: [], values: [] },
    evaluations: run.evaluations,
  });
  await writeFile(path, svg).catch((error: unknown) => {
    throw userError('picture-not-written', 'The picture could not be written.', {
      where: path,
      advice: 'Choose a folder that exists and may be written to.',
      cause: error,
    });
  });
}

export const show = defineCommand({
  name: 'show',
  summary: 'everything about one run',
  about: [
    'Shows state, settings, held-out scores, checkpoints and log of one run. With --json also its whole configuration.',
  ],
  positionals: [{ name: 'RUN', help: 'a run by its name, the beginning of it, or "last"' }],
  options: {
    picture: { type: 'string', value: 'FILE.svg', help: 'Also writes a picture of the learning curve.' },
  },
  examples: [
    { line: 'espalier show last', meaning: 'the newest run' },
    { line: 'espalier show last --picture curve.svg', meaning: 'its curve as a picture' },
  ],
  run: (context, { picture }, [name = '']) =>
    reading(context, async (services) => {
      const { id } = await findRun(services, name);
      const run = await services.call('runs.get', { runId: id });
      if (picture !== undefined) await writePicture(services, run, picture);
      context.output.value(run);
      context.output.text(sections(run).join('\n\n'));
      if (picture !== undefined) context.output.text(`\nPicture written to ${picture}`);
      return exitCodes.done;
    }),
});
