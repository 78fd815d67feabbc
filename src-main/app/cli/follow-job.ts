/** Waits for a job of the services with a progress bar; Ctrl+C cancels it. */
import { EspalierError } from '../../contract/errors.ts';
import type { Job } from '../../contract/jobs.ts';
import type { Services } from '../services.ts';
import type { CommandContext } from './command.ts';
import { createProgressWriter } from './progress-bar.ts';

/**
 * Resolves when the job is done.
 * @throws EspalierError what it failed with; of kind cancelled when it was interrupted
 */
export async function followJob(
  { output, interrupts, now }: CommandContext,
  services: Services,
  start: () => Promise<{ jobId: string }>,
): Promise<string> {
  const writer = createProgressWriter(output.errorStream, now);
  const ended = Promise.withResolvers<Job>();
  let wanted: string | null = null;
  const last = new Map<string, Job>();
  const see = (job: Job): void => {
    last.set(job.id, job);
    if (job.id !== wanted) return;
    if (job.state !== 'running') return ended.resolve(job);
    writer.update({
      title: job.detail === '' ? job.title : job.detail,
      share: job.total === null || job.total === 0 ? 0 : Math.min(1, job.done / job.total),
      facts: [],
      secondsLeft: job.secondsLeft,
    });
  };
  const unsubscribe = services.subscribe((event) => {
    if (event.type === 'job') see(event.job);
  });
  const cancel = (): void => {
    if (wanted !== null) void services.call('jobs.cancel', { jobId: wanted });
  };
  try {
    const { jobId } = await start();
    wanted = jobId;
    interrupts.signal.addEventListener('abort', cancel, { once: true });
    if (interrupts.signal.aborted) cancel();
    const seen = last.get(jobId);
    if (seen !== undefined) see(seen);
    const job = await ended.promise;
    if (job.error !== null) {
      const { kind, code, message, where, advice } = job.error;
      throw new EspalierError(kind, code, message, {
        ...(where === undefined ? {} : { where }),
        ...(advice === undefined ? {} : { advice }),
      });
    }
    if (job.state !== 'done') throw new EspalierError('cancelled', 'cancelled', 'It was stopped.');
    return jobId;
  } finally {
    interrupts.signal.removeEventListener('abort', cancel);
    unsubscribe();
    writer.end();
  }
}
