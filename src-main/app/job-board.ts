/** Long work of the host beside runs: started, told about at most ten times a second, paused, gone on with, cancelled. */
import { EspalierError, toErrorShape, userError } from '../contract/errors.ts';
import type { Job, JobResult } from '../contract/jobs.ts';
import { Pace } from './pace.ts';

export interface JobReport {
  readonly detail?: string;
  readonly done?: number;
  readonly total?: number | null;
}

export interface JobWork {
  readonly kind: Job['kind'];
  readonly title: string;
  readonly unit: Job['unit'];
  /** Whether doing it again after a pause goes on where it was. */
  readonly canPause: boolean;
  /** Does it; rejects soon after the signal is aborted. */
  run(context: {
    readonly signal: AbortSignal;
    readonly report: (report: JobReport) => void;
  }): Promise<JobResult>;
  /** Takes away what it left when it is cancelled. */
  discard?(): Promise<void>;
}

export interface JobBoardOptions {
  readonly now: () => number;
  readonly newId: () => string;
  readonly publish: (job: Job) => void;
}

/** Jobs that ended are listed up to this many. */
const keptJobs = 50;
const publishEvery = 100;

interface Entry {
  job: Job;
  readonly work: JobWork;
  controller: AbortController;
  /** What an abort is for. */
  wanted: 'pause' | 'cancel' | null;
  readonly pace: Pace;
  publishedAt: number;
  timer: NodeJS.Timeout | null;
  running: Promise<void>;
}

const active: readonly Job['state'][] = ['running', 'paused'];

export class JobBoard {
  readonly #options: JobBoardOptions;
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  constructor(options: JobBoardOptions) {
    this.#options = options;
  }

  /** Starts a job and gives its id. */
  start(work: JobWork): string {
    const id = this.#options.newId();
    const entry: Entry = {
      job: {
        id,
        kind: work.kind,
        title: work.title,
        state: 'running',
        detail: '',
        done: 0,
        total: null,
        unit: work.unit,
        rate: null,
        secondsLeft: null,
        canPause: work.canPause,
        startedAt: this.#options.now(),
        endedAt: null,
        result: null,
        error: null,
      },
      work,
      controller: new AbortController(),
      wanted: null,
      pace: new Pace(),
      publishedAt: Number.NEGATIVE_INFINITY,
      timer: null,
      running: Promise.resolve(),
    };
    this.#entries.set(id, entry);
    this.#forgetOld();
    entry.running = this.#run(entry);
    return id;
  }

  /** Jobs, newest first. */
  list(): Job[] {
    return [...this.#entries.values()].map(({ job }) => job).reverse();
  }

  /** @throws EspalierError `job-unknown` */
  get(id: string): Job {
    return this.#entry(id).job;
  }

  /** Stops a job such that it can go on. @throws EspalierError `job-unknown`, `job-not-pausable` */
  async pause(id: string): Promise<void> {
    const entry = this.#entry(id);
    if (entry.job.state !== 'running') return;
    if (!entry.work.canPause) {
      throw userError('job-not-pausable', 'This cannot be paused, only cancelled.', {
        where: entry.job.title,
      });
    }
    entry.wanted ??= 'pause';
    entry.controller.abort(new EspalierError('cancelled', 'paused', 'It was paused.'));
    await entry.running;
  }

  /** Goes on with a job that was paused or failed. @throws EspalierError `job-unknown` */
  resume(id: string): void {
    const entry = this.#entry(id);
    if (entry.job.state !== 'paused' && !(entry.job.state === 'failed' && entry.work.canPause)) return;
    entry.controller = new AbortController();
    entry.wanted = null;
    entry.pace.reset();
    this.#change(entry, { state: 'running', error: null, endedAt: null, rate: null, secondsLeft: null });
    entry.running = this.#run(entry);
  }

  /** Ends a job and takes away what it left. @throws EspalierError `job-unknown` */
  async cancel(id: string): Promise<void> {
    const entry = this.#entry(id);
    if (entry.job.state === 'running') {
      entry.wanted = 'cancel';
      entry.controller.abort(new EspalierError('cancelled', 'cancelled', 'It was cancelled.'));
      await entry.running;
    } else if (entry.job.state === 'paused' || entry.job.state === 'failed') {
      await entry.work.discard?.();
      this.#change(entry, { state: 'cancelled', endedAt: this.#options.now(), error: null });
    }
  }

  /** Stops everything; what can be paused keeps what it has. */
  async close(): Promise<void> {
    this.#closed = true;
    const entries = [...this.#entries.values()];
    for (const entry of entries) {
      entry.wanted ??= entry.work.canPause ? 'pause' : 'cancel';
      entry.controller.abort(new EspalierError('cancelled', 'closing', 'Espalier is closing.'));
    }
    await Promise.all(entries.map(({ running }) => running));
    for (const { timer } of entries) if (timer !== null) clearTimeout(timer);
  }

  async #run(entry: Entry): Promise<void> {
    // The caller gets the id before the first event.
    await Promise.resolve();
    this.#change(entry, {});
    const { signal } = entry.controller;
    try {
      signal.throwIfAborted();
      const result = await entry.work.run({
        signal,
        report: (report) => {
          if (!signal.aborted) this.#report(entry, report);
        },
      });
      this.#end(entry, { state: 'done', result, secondsLeft: null, detail: '' });
    } catch (error) {
      if (!signal.aborted) {
        this.#end(entry, { state: 'failed', error: toErrorShape(error), secondsLeft: null });
      } else if (entry.wanted === 'pause') {
        this.#change(entry, { state: 'paused', rate: null, secondsLeft: null, detail: '' });
      } else {
        await entry.work.discard?.().catch(() => undefined);
        this.#end(entry, { state: 'cancelled', rate: null, secondsLeft: null, detail: '' });
      }
    }
  }

  #end(entry: Entry, changes: Partial<Job>): void {
    this.#change(entry, { ...changes, endedAt: this.#options.now() });
  }

  #report(entry: Entry, report: JobReport): void {
    const at = this.#options.now();
    const done = report.done ?? entry.job.done;
    const total = report.total === undefined ? entry.job.total : report.total;
    if (report.done !== undefined) entry.pace.mark(done, at);
    const rate = entry.pace.rate();
    const left = entry.pace.secondsLeft(total);
    const detail = report.detail ?? entry.job.detail;
    entry.job = { ...entry.job, done, total, detail, rate, secondsLeft: left };
    const wait = entry.publishedAt + publishEvery - at;
    if (wait <= 0) this.#publish(entry);
    else entry.timer ??= setTimeout(() => this.#publish(entry), wait);
  }

  #change(entry: Entry, changes: Partial<Job>): void {
    entry.job = { ...entry.job, ...changes };
    this.#publish(entry);
  }

  #publish(entry: Entry): void {
    if (entry.timer !== null) clearTimeout(entry.timer);
    entry.timer = null;
    entry.publishedAt = this.#options.now();
    if (!this.#closed) this.#options.publish(entry.job);
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry !== undefined) return entry;
    throw userError('job-unknown', `There is no job "${id}".`, {
      advice: 'Jobs are listed until Espalier ends.',
    });
  }

  #forgetOld(): void {
    const ended = [...this.#entries.values()].filter(({ job }) => !active.includes(job.state));
    for (const { job } of ended.slice(0, Math.max(0, ended.length - keptJobs))) this.#entries.delete(job.id);
  }
}
