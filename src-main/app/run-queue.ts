/**
 * Runs and their order: one trains at a time, the others wait, and nothing is forgotten when the host ends.
 * Each run has a trainer process of its own, which may crash without taking the host with it.
 */
import { mkdirSync } from 'node:fs';
import type { HostEvent, RunRow } from '../contract/calls.ts';
import { toErrorShape, userError } from '../contract/errors.ts';
import type { ErrorShape, TrainerEvent } from '../contract/events.ts';
import type { RunConfig } from '../contract/experiment.ts';
import type { RunChanges } from '../store/run-store.ts';
import type { StoredRun } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import type { JudgeService } from './judge/judge-service.ts';
import { RunRecorder } from './run-recorder.ts';
import type { SpawnTrainer } from './trainer-child.ts';
import {
  runTrainer,
  type TrainerOutcome,
  type TrainerProcess,
  type TrainerTimes,
} from './trainer-process.ts';

/** A second Stop ends the run at once, but not when it is only a double click. */
const doubleClick = 3_000;
/** Unreadable messages of one process that are told; a process that sends only such would flood the log. */
const mostUnreadable = 5;

export interface QueueOptions {
  readonly store: Store;
  readonly spawnTrainer: SpawnTrainer;
  readonly times: TrainerTimes;
  readonly judges: JudgeService;
  readonly now: () => number;
  readonly publish: (event: HostEvent) => void;
  /** Every event of every trainer, as it comes. */
  readonly observe: (runId: string, event: TrainerEvent) => void;
  readonly runDirectory: (runId: string) => string;
  /** The configuration as the trainer needs it: every path absolute. */
  readonly prepareConfig: (config: RunConfig) => RunConfig;
  /** Whether runs that waited when a former host ended are started, or only those enqueued here. */
  readonly startWaiting: boolean;
}

interface ActiveRun {
  readonly runId: string;
  readonly recorder: RunRecorder;
  readonly process: TrainerProcess;
  /** When it was asked to stop; null while it was not. */
  stopAskedAt: number | null;
  /** Set when the database could not be written. */
  storeError: unknown;
}

export class RunQueue {
  readonly #options: QueueOptions;
  #active: ActiveRun | null = null;
  #closed = false;
  /** Runs enqueued by this host. */
  readonly #own = new Set<string>();
  /** Resolves when the present run's process is gone and its end is stored. */
  #settled: Promise<void> = Promise.resolve();

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Marks runs that a former host left in the middle, and starts the first that waits. */
  recover(): void {
    const { store, now } = this.#options;
    for (const runId of [...store.runs.idsWithStatus('running'), ...store.runs.idsWithStatus('stopping')]) {
      const run = store.runs.get(runId);
      store.runs.update(runId, {
        status: 'failed',
        endedAt: now(),
        phase: null,
        error: {
          kind: 'environment',
          code: 'host-ended',
          message: `The application ended while this run was at step ${run.step}.`,
          advice: resumeAdvice(store, runId),
        },
      });
    }
    this.#startNext();
  }

  /** Takes stored runs that wait into the queue, and starts the first when nothing is at work. */
  enqueue(runIds: readonly string[]): void {
    for (const runId of runIds) {
      this.#own.add(runId);
      this.#publishRun(runId);
    }
    this.#startNext();
  }

  /** Puts a stopped or failed run back into the queue; it goes on from its last checkpoint. */
  resume(runId: string): void {
    const { store, now } = this.#options;
    const run = store.runs.get(runId);
    if (run.deletedAt !== null) {
      throw userError('run-deleted', `The run "${run.name}" is deleted.`, { advice: 'Restore it first.' });
    }
    if (run.status === 'done') {
      throw userError('run-done', `The run "${run.name}" is complete: there is nothing left to do.`, {
        advice: 'To train on, start a new experiment with the folder of its checkpoint as the model.',
      });
    }
    if (run.status !== 'stopped' && run.status !== 'failed') {
      throw userError('run-active', `The run "${run.name}" is ${run.status} already.`);
    }
    store.runs.update(runId, { status: 'queued', queuedAt: now(), endedAt: null, error: null });
    this.enqueue([runId]);
  }

  /** Ends a run: one that waits leaves the queue, one at work ends with a checkpoint. A second call ends it at once. */
  stop(runId: string): void {
    const { store, now } = this.#options;
    const run = store.runs.get(runId);
    const active = this.#active;
    if (active !== null && active.runId === runId) {
      if (active.stopAskedAt === null) this.#askToStop(active);
      else if (now() - active.stopAskedAt >= doubleClick) active.process.kill();
      return;
    }
    if (run.status === 'queued') {
      store.runs.update(runId, { status: 'stopped', endedAt: now() });
      this.#publishRun(runId);
      return;
    }
    throw userError('run-not-active', `The run "${run.name}" is ${run.status}: there is nothing to stop.`);
  }

  /** Marks a run as deleted, until it is restored or the next start cleans up. One that waits leaves the queue. */
  delete(runId: string): void {
    const { store, now } = this.#options;
    const run = store.runs.get(runId);
    if (this.#active?.runId === runId) {
      throw userError('run-active', `The run "${run.name}" is at work.`, {
        advice: 'Stop it first; then it can be deleted.',
      });
    }
    const waits = run.status === 'queued';
    store.runs.update(runId, { deletedAt: now(), ...(waits ? { status: 'stopped', endedAt: now() } : {}) });
    this.#publishRun(runId);
  }

  /** Tells windows of a run whose row was changed elsewhere. */
  changed(runId: string): void {
    this.#publishRun(runId);
  }

  /** Ends a run at work at once, without a checkpoint. */
  kill(runId: string): void {
    if (this.#active?.runId === runId) this.#active.process.kill();
  }

  /** The row of a run as windows see it. */
  row(run: StoredRun): RunRow {
    const { queuedAt: _queuedAt, sparkline, ...row } = run;
    const active = this.#active?.runId === run.id ? this.#active : null;
    return {
      ...row,
      sparkline: [...sparkline],
      phaseDetail: active?.recorder.phaseDetail() ?? null,
      secondsLeft: run.status === 'running' && active !== null ? active.recorder.secondsLeft() : null,
    };
  }

  /** Ends the run at work with a checkpoint and starts no other. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#active !== null && this.#active.stopAskedAt === null) this.#askToStop(this.#active);
    await this.#settled;
  }

  #askToStop(active: ActiveRun): void {
    active.stopAskedAt = this.#options.now();
    active.recorder.flush({ status: 'stopping', phase: 'stopping' });
    active.process.stop();
  }

  #startNext(): void {
    if (this.#closed || this.#active !== null) return;
    const { store, startWaiting } = this.#options;
    const runId = store.runs.idsWithStatus('queued').find((id) => startWaiting || this.#own.has(id));
    if (runId !== undefined) this.#start(runId);
  }

  #start(runId: string): void {
    const { store, now, publish, observe, times } = this.#options;
    const run = store.runs.get(runId);
    try {
      const directory = this.#options.runDirectory(runId);
      mkdirSync(directory, { recursive: true });
      const config = this.#options.prepareConfig(store.runs.more(runId).config);
      const last = store.runs.checkpoints(runId).find((checkpoint) => checkpoint.role === 'last');
      const recorder = new RunRecorder({
        store,
        runId,
        now,
        publish,
        publishRun: (id) => this.#publishRun(id),
        onBroken: (error) => {
          active.storeError = error;
          active.process.kill();
        },
      });
      let unreadable = 0;
      const process = runTrainer(
        this.#options.spawnTrainer,
        { type: 'train', config, runDirectory: directory, resumeFrom: last?.path ?? null },
        {
          onEvent: (event) => {
            recorder.take(event);
            observe(runId, event);
          },
          onUnreadable: (problem) => {
            if (++unreadable <= mostUnreadable)
              recorder.log(
                'error',
                `internal: the trainer sent an event that cannot be read (${problem}); it was left out.`,
              );
          },
        },
        times,
        this.#options.judges.session(),
      );
      const active: ActiveRun = { runId, recorder, process, stopAskedAt: null, storeError: undefined };
      this.#active = active;
      this.#settled = process.finished.then((outcome) => this.#finish(active, outcome));
      recorder.flush({
        status: 'running',
        startedAt: run.startedAt ?? now(),
        endedAt: null,
        error: null,
        phase: 'loading',
      });
    } catch (error) {
      this.#active = null;
      store.runs.update(runId, { status: 'failed', endedAt: now(), phase: null, error: toErrorShape(error) });
      this.#publishRun(runId);
      this.#startNext();
    }
  }

  #finish(active: ActiveRun, outcome: TrainerOutcome): void {
    const { store, now } = this.#options;
    const { runId, recorder } = active;
    this.#active = null;
    const end =
      active.storeError === undefined
        ? endOf(outcome, resumeAdvice(store, runId))
        : storeFailure(active.storeError);
    const changes: RunChanges = { ...end, phase: null, endedAt: now() };
    if (outcome.kind === 'killed')
      recorder.log(
        'warning',
        'The training process was ended by force; steps after the last checkpoint are done again when the run goes on.',
      );
    try {
      if (active.storeError === undefined) recorder.flush(changes);
      else store.runs.update(runId, changes);
    } catch {
      // A full disk: the next start of the host finds the run unfinished and says so.
    }
    this.#publishRun(runId);
    this.#startNext();
  }

  #publishRun(runId: string): void {
    this.#options.publish({ type: 'run', run: this.row(this.#options.store.runs.get(runId)) });
  }
}

function endOf(outcome: TrainerOutcome, advice: string): RunChanges {
  switch (outcome.kind) {
    case 'ended':
      return { status: outcome.status, error: null };
    case 'killed':
      return { status: 'stopped', error: null };
    case 'failed':
      return { status: 'failed', error: { ...outcome.error, advice: outcome.error.advice ?? advice } };
  }
}

function storeFailure(error: unknown): RunChanges {
  const shape: ErrorShape = {
    ...toErrorShape(error),
    kind: 'environment',
    code: 'database-write',
    message: `The results could not be written to the database: ${error instanceof Error ? error.message : String(error)}.`,
    advice: 'Make room on the disk, then resume the run from its last checkpoint.',
  };
  return { status: 'failed', error: shape };
}

function resumeAdvice(store: Store, runId: string): string {
  const last = store.runs.checkpoints(runId).find((checkpoint) => checkpoint.role === 'last');
  return last === undefined
    ? 'It can be resumed; without a checkpoint it begins anew.'
    : `It can be resumed from its checkpoint of step ${last.step}.`;
}
