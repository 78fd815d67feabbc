/** What `train` says at the end of a run. Pure. */
import type { RunDetail } from '../../../contract/calls.ts';
import { formatDuration, formatNumber, renderPairs } from '../table.ts';

const headings = { done: 'Done', stopped: 'Stopped', failed: 'Failed' } as const;

/** Before, after, best, answers, speed, where it is stored, how to look at it and how to go on. */
export function closingSummary(run: RunDetail, status: keyof typeof headings, command: string): string {
  const { summary } = run;
  const lines = [`\n${headings[status]}: ${run.name}`];
  if (run.error !== null && status === 'failed') {
    lines.push(
      `  ${run.error.message}`,
      ...(run.error.advice === undefined ? [] : [`  ${run.error.advice}`]),
    );
  }
  const pairs: [string, string][] = [];
  if (summary !== null) {
    if (summary.before !== null) pairs.push(['Held-out score before', summary.before.toFixed(3)]);
    if (summary.after !== null) pairs.push(['Held-out score after', summary.after.toFixed(3)]);
    if (summary.best !== null)
      pairs.push(['Best', `${summary.best.toFixed(3)} at step ${formatNumber(summary.bestStep)}`]);
    pairs.push([
      'Steps',
      `${formatNumber(summary.steps)} of ${formatNumber(run.steps)} in ${formatDuration(summary.seconds)}`,
    ]);
    if (summary.answers > 0) {
      pairs.push([
        'Answers sampled',
        `${formatNumber(summary.answers)} (${formatNumber(Math.round(summary.generatedTokensPerSecond))} tokens/s)`,
      ]);
    }
  }
  pairs.push(['Stored in', run.directory]);
  pairs.push(['Look at it', `${command} show ${run.id}, ${command} samples ${run.id}, or ${command} start`]);
  if (run.checkpoints.length > 0)
    pairs.push(['Take the model', `${command} export ${run.id} --to hf --out FOLDER`]);
  if (status !== 'done') pairs.push(['Go on', `${command} train --resume ${run.id}`]);
  lines.push(
    renderPairs(pairs)
      .split('\n')
      .map((line) => `  ${line}`)
      .join('\n'),
  );
  return lines.join('\n');
}
