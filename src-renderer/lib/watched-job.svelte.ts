/** One long piece of work of the host, followed to its end: its progress as state, and a report that is fetched once. */
import type { Job } from '../../src-main/contract/jobs.ts';
import type { ErrorShape } from '../../src-main/contract/events.ts';
import { errorShapeOf } from './call-error.ts';
import { client } from './client.ts';

/** `R`: the report of such a job. */
export class WatchedJob<R> {
  /** Null while none is followed, or none is known by that id. */
  job = $state.raw<Job | null>(null);
  report = $state.raw<R | null>(null);
  error = $state.raw<ErrorShape | null>(null);
  /** From the start until there is a report or an error. */
  working = $state(false);
  readonly #read: (jobId: string) => Promise<R>;
  #id: string | null = null;
  #end: (() => void) | null = null;

  /** @param read fetches the report of a job that is done */
  constructor(read: (jobId: string) => Promise<R>) {
    this.#read = read;
  }

  /** Starts a job by a call and follows it; gives its id, or null when it could not be started. */
  async start(begin: () => Promise<{ jobId: string }>): Promise<string | null> {
    this.close();
    this.working = true;
    this.error = null;
    this.report = null;
    this.job = null;
    try {
      const { jobId } = await begin();
      await this.follow(jobId);
      return jobId;
    } catch (thrown) {
      this.error = errorShapeOf(thrown);
      this.working = false;
      return null;
    }
  }

  /** Follows a job that was started before; its report appears when it is done. */
  async follow(jobId: string): Promise<void> {
    this.close();
    this.#id = jobId;
    this.working = true;
    this.error = null;
    const ends = [
      client.onEvent((event) => {
        if (event.type === 'job' && event.job.id === jobId) void this.#take(event.job);
      }),
      client.onConnection((state) => {
        if (state === 'open') void this.#fetch(jobId);
      }),
    ];
    this.#end = () => {
      for (const end of ends) end();
    };
    await this.#fetch(jobId);
  }

  async cancel(): Promise<void> {
    if (this.#id !== null) await client.call('jobs.cancel', { jobId: this.#id });
  }

  /** Listens no longer. */
  close(): void {
    this.#end?.();
    this.#end = null;
    this.#id = null;
    this.working = false;
  }

  async #fetch(jobId: string): Promise<void> {
    try {
      const jobs = await client.call('jobs.list', {});
      if (jobId !== this.#id) return;
      const found = jobs.find(({ id }) => id === jobId);
      if (found) await this.#take(found);
      else {
        this.working = false;
        this.error = {
          kind: 'user',
          code: 'job-unknown',
          message: 'This result is no longer there.',
          advice: 'Results are kept until Espalier ends. Start it again.',
        };
      }
    } catch (thrown) {
      if (jobId === this.#id) this.error = errorShapeOf(thrown);
    }
  }

  async #take(job: Job): Promise<void> {
    if (job.id !== this.#id) return;
    // Events may overtake the list; what has ended stays ended.
    if (this.job?.id === job.id && this.job.endedAt !== null && job.endedAt === null) return;
    this.job = job;
    if (job.state === 'done') {
      if (this.report !== null) return;
      try {
        const report = await this.#read(job.id);
        if (job.id === this.#id) this.report = report;
      } catch (thrown) {
        if (job.id === this.#id) this.error = errorShapeOf(thrown);
      }
      if (job.id === this.#id) this.working = false;
    } else if (job.state === 'failed' || job.state === 'cancelled') {
      this.error = job.error;
      this.working = false;
    }
  }
}
