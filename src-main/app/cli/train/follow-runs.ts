/** Follows runs that were started in this process to their end: lines or progress, Ctrl+C, outcomes. */
import type { RunDetail, RunRow } from '../../../contract/calls.ts';
import type { EndStatus, TrainLine } from '../../../contract/cli-output.ts';
import type { Services } from '../../services.ts';
import { exitCodes, type CommandContext } from '../command.ts';
import { createProgressWriter } from '../progress-bar.ts';
import { closingSummary } from './closing-summary.ts';
import { createRunDisplay, type RunDisplay } from './run-display.ts';
import { runLine } from './run-line.ts';

type EndLine = Extract<TrainLine, { event: 'end' }>;
type RunEnd = EndLine['runs'][number];

const finalStatuses: readonly string[] = ['done', 'stopped', 'failed'] satisfies EndStatus[];

function isFinal(status: string): status is EndStatus {
  return finalStatuses.includes(status);
}

function endOf(run: RunDetail, status: EndStatus): RunEnd {
  return {
    run: run.id,
    name: run.name,
    estimator: run.estimator,
    seed: run.seed,
    status,
    summary: run.summary,
    ...(run.error === null ? {} : { error: run.error }),
  };
}

/** The run that the closing line is about: the best by held-out score, else the first. */
export function leadingRun(ends: readonly RunEnd[]): RunEnd | undefined {
  return ends.reduce<RunEnd | undefined>((best, end) => {
    if (best === undefined) return end;
    return (end.summary?.best ?? Number.NEGATIVE_INFINITY) > (best.summary?.best ?? Number.NEGATIVE_INFINITY)
      ? end
      : best;
  }, undefined);
}

/** failed where one failed, else stopped where one was stopped, else done. */
export function overallStatus(ends: readonly { status: EndStatus }[]): EndStatus {
  if (ends.some((end) => end.status === 'failed')) return 'failed';
  return ends.some((end) => end.status === 'stopped') ? 'stopped' : 'done';
}

/**
 * Waits until every run is at its end; resolves to the exit code. The first interrupt stops all of them with a
 * checkpoint, the second ends the trainer at once.
 * `begin` starts the runs and gives their names: it is called when everything listens, so that no event is missed.
 */
export async function followRuns(
  context: CommandContext,
  services: Services,
  begin: () => Promise<readonly string[]>,
): Promise<number> {
  const { output, interrupts } = context;
  const writer = createProgressWriter(output.errorStream, () => performance.now());
  const displays = new Map<string, RunDisplay>();
  const rows = new Map<string, RunRow>();
  const open = new Set<string>();
  const ends: RunEnd[] = [];
  const { promise: allEnded, resolve: endAll, reject: failAll } = Promise.withResolvers<void>();
  let runIds: readonly string[] = [];

  const place = (id: string): string =>
    runIds.length > 1 ? `[${runIds.indexOf(id) + 1}/${runIds.length}] ` : '';
  const show = (id: string, act: (display: RunDisplay) => void): void => {
    const row = rows.get(id);
    if (output.json || row === undefined) return;
    const display = displays.get(id) ?? createRunDisplay(writer, place(id), row);
    displays.set(id, display);
    act(display);
  };
  const start = (row: RunDetail): void => {
    rows.set(row.id, row);
    output.value({
      event: 'start',
      run: row.id,
      name: row.name,
      estimator: row.estimator,
      seed: row.seed,
      steps: row.steps,
      directory: row.directory,
    } satisfies TrainLine);
  };
  const finish = async (id: string, status: EndStatus): Promise<void> => {
    if (!open.delete(id)) return;
    const run = await services.call('runs.get', { runId: id });
    const end = endOf(run, status);
    ends.push(end);
    if (runIds.length > 1) {
      const { run: name, status: ended, summary, error } = end;
      output.value({
        event: 'run-end',
        run: name,
        status: ended,
        summary,
        ...(error === undefined ? {} : { error }),
      } satisfies TrainLine);
    }
    if (!output.json) {
      writer.end();
      output.text(closingSummary(run, status, 'npx espalier'));
    }
    if (open.size === 0) endAll();
  };

  // What arrives before the names of the runs are known is kept until then.
  let early: (() => void)[] | undefined = [];
  const whenKnown = (act: () => void): void => {
    if (early === undefined) act();
    else early.push(act);
  };
  const unobserve = services.observe((id, event) =>
    whenKnown(() => {
      if (!open.has(id)) return;
      const line = runLine(id, event);
      if (line !== undefined) output.value(line);
      show(id, (display) => display.event(event));
    }),
  );
  const unsubscribe = services.subscribe((event) =>
    whenKnown(() => {
      if (event.type !== 'run' || !open.has(event.run.id)) return;
      const { run } = event;
      rows.set(run.id, run);
      if (isFinal(run.status)) finish(run.id, run.status).catch(failAll);
      else show(run.id, (display) => display.row(run));
    }),
  );

  const stopAll = async (): Promise<void> => {
    output.note('\nStopping with a checkpoint … (Ctrl+C again ends at once)');
    // Waiting runs leave the queue first, so that none of them begins when the one at work has ended.
    const waiting = [...open].filter((id) => rows.get(id)?.status === 'queued');
    for (const id of [...waiting, ...open]) {
      const { status } = await services.call('runs.get', { runId: id });
      if (status === 'queued' || status === 'running') await services.call('runs.stop', { runId: id });
    }
  };
  interrupts.onSecond(() => {
    writer.end();
    for (const id of open) services.kill(id);
    output.note('Ended at once; the last checkpoint is kept.');
  });

  try {
    runIds = await begin();
    for (const id of runIds) {
      open.add(id);
      start(await services.call('runs.get', { runId: id }));
    }
    const kept = early;
    early = undefined;
    for (const act of kept) act();
    void interrupts.first.then(() => stopAll().catch(failAll));
    await allEnded;
  } finally {
    writer.end();
    unobserve();
    unsubscribe();
  }
  const leading = leadingRun(ends);
  if (leading === undefined) throw new Error('internal: no run was followed');
  const status = overallStatus(ends);
  output.value({
    event: 'end',
    run: leading.run,
    status,
    summary: leading.summary,
    ...(leading.error === undefined ? {} : { error: leading.error }),
    runs: runIds.flatMap((id) => ends.filter((end) => end.run === id)),
  } satisfies TrainLine);
  if (status === 'failed') {
    const causes = ends.flatMap((end) => (end.error === undefined ? [] : [end.error]));
    return causes.every((error) => error.kind === 'user') ? exitCodes.usage : exitCodes.failed;
  }
  return status === 'stopped' || interrupts.signal.aborted ? exitCodes.interrupted : exitCodes.done;
}
