/**
 * Measurements of the laboratory: one at a time, each in a trainer process of its own. The last one stays known, so that
 * a window that is opened later finds it.
 */
import { sampledPicture } from '../analysis/sampled-picture.ts';
import type { HostEvent } from '../contract/calls.ts';
import { EspalierError, toErrorShape, userError } from '../contract/errors.ts';
import type { ErrorShape, TrainerEvent } from '../contract/events.ts';
import type { Experiment } from '../contract/experiment.ts';
import type { SampledOptions } from '../contract/laboratory.ts';
import type { SampledJob } from '../contract/sampled-job.ts';
import { prepareMeasurement, type Measurement } from './sampled-measurement.ts';
import type { SpawnTrainer } from './trainer-child.ts';
import {
  runTrainer,
  type TrainerOutcome,
  type TrainerProcess,
  type TrainerTimes,
} from './trainer-process.ts';

/** Progress is told to windows at most so often, in milliseconds. */
const tellEvery = 250;
/** Answers of a trial that tells how long a measurement takes, in groups of one question. */
const trialGroups = 3;
/** Trials that are remembered. */
const mostTrials = 50;

export interface LaboratoryJobsOptions {
  readonly spawnTrainer: SpawnTrainer;
  readonly times: TrainerTimes;
  readonly now: () => number;
  readonly newId: () => string;
  readonly modelsDirectory: string;
  readonly publish: (event: HostEvent) => void;
}

/** How long things took in a trial, in seconds. */
interface Pace {
  readonly start: number;
  readonly perAnswer: number;
}

export class LaboratoryJobs {
  readonly #options: LaboratoryJobsOptions;
  #job: SampledJob | null = null;
  #process: TrainerProcess | null = null;
  #trial: TrainerProcess | null = null;
  readonly #paces = new Map<string, Pace>();

  constructor(options: LaboratoryJobsOptions) {
    this.#options = options;
  }

  /** The measurement at work, or the last one. */
  status(): SampledJob | null {
    return this.#job;
  }

  /**
   * Starts a measurement.
   * @param experiment with absolute paths
   * @throws user error `laboratory-busy`, and those of `prepareMeasurement`
   */
  start(experiment: Experiment, options: SampledOptions): SampledJob {
    const { now, newId, spawnTrainer, modelsDirectory, times } = this.#options;
    if (this.#process) {
      throw userError('laboratory-busy', 'A measurement is at work already.', {
        advice: 'Wait for its end, or cancel it.',
      });
    }
    const measurement = prepareMeasurement(experiment, options, modelsDirectory);
    this.#trial?.kill();
    const startedAt = now();
    const job: SampledJob = {
      id: newId(),
      title: experiment.name,
      model: experiment.model.path,
      options,
      status: 'running',
      startedAt,
      endedAt: null,
      detail: 'starting',
      done: 0,
      total: options.questions * options.answers,
      secondsLeft: null,
      report: null,
      error: null,
    };
    this.#job = job;
    let told = 0;
    let firstAt = 0;
    const progress = (event: TrainerEvent): void => {
      const present = this.#job;
      if (present?.id !== job.id || this.#process !== child) return;
      const done = measurement.measured();
      if (event.type === 'projected' && done === 1) firstAt = now();
      const detail = event.type === 'phase' ? (event.detail ?? event.phase) : present.detail;
      const pace = done > 1 ? (now() - firstAt) / (done - 1) / 1000 : null;
      this.#job = { ...present, done, detail, secondsLeft: pace === null ? null : pace * (job.total - done) };
      if (event.type !== 'phase' && now() - told < tellEvery) return;
      told = now();
      this.#tell();
    };
    const child = runTrainer(
      spawnTrainer,
      measurement.command,
      {
        onEvent: (event) => {
          measurement.take(event);
          progress(event);
        },
        onUnreadable: () => undefined,
      },
      times,
    );
    this.#process = child;
    void child.finished.then((outcome) => this.#finish(job.id, measurement, outcome));
    this.#tell();
    return job;
  }

  /** Asks the measurement at work to end after the present answer; a second call ends it at once. */
  cancel(): SampledJob | null {
    if (this.#process && this.#job) {
      if (this.#job.status === 'stopping') this.#process.kill();
      else {
        this.#job = { ...this.#job, status: 'stopping', detail: 'ending', secondsLeft: null };
        this.#process.stop();
      }
      this.#tell();
    }
    return this.#job;
  }

  /**
   * How long a measurement would take, by a trial of a few answers; the same trial is made once.
   * @throws user errors of `prepareMeasurement`; what the trial failed of
   */
  async estimate(experiment: Experiment, options: SampledOptions): Promise<number> {
    // What is wrong with the whole is said before a trial is made.
    prepareMeasurement(experiment, options, this.#options.modelsDirectory);
    const { groupSize } = options;
    const trial = {
      ...options,
      questions: Math.min(2, options.questions),
      answers: Math.min(trialGroups * groupSize, options.answers),
    };
    const key = JSON.stringify([experiment, trial]);
    const pace = this.#paces.get(key) ?? (await this.#tryOut(experiment, trial));
    this.#paces.set(key, pace);
    const [oldest] = this.#paces.keys();
    if (this.#paces.size > mostTrials && oldest !== undefined) this.#paces.delete(oldest);
    return pace.start + pace.perAnswer * options.questions * options.answers;
  }

  /** The last report as a picture. */
  picture(): string {
    const job = this.#job;
    if (!job?.report) {
      throw userError('laboratory-empty', 'There is no measurement to show.', { advice: 'Start one first.' });
    }
    return sampledPicture(job.report, job.title);
  }

  /** Ends what is at work at once. */
  async close(): Promise<void> {
    for (const child of [this.#process, this.#trial]) {
      child?.kill();
      await child?.finished;
    }
  }

  async #tryOut(experiment: Experiment, options: SampledOptions): Promise<Pace> {
    const { now, spawnTrainer, modelsDirectory, times } = this.#options;
    this.#trial?.kill();
    const { command } = prepareMeasurement(experiment, options, modelsDirectory);
    const begun = now();
    /** When each answer was measured. */
    const marks: number[] = [];
    const child = runTrainer(
      spawnTrainer,
      command,
      {
        onEvent: (event) => {
          if (event.type === 'projected') marks.push(now());
        },
        onUnreadable: () => undefined,
      },
      times,
    );
    this.#trial = child;
    const outcome = await child.finished;
    if (this.#trial === child) this.#trial = null;
    if (outcome.kind === 'failed') throw errorOf(outcome.error);
    const [first] = marks;
    const last = marks.at(-1);
    if (outcome.kind === 'killed' || first === undefined || last === undefined) {
      throw new EspalierError('cancelled', 'estimate-cancelled', 'The trial was ended by another one.');
    }
    // With two questions the second one tells: everything is compiled by then, and its sampling is counted too.
    const from = options.questions > 1 ? options.answers - 1 : 0;
    const perAnswer = (last - (marks[from] ?? first)) / Math.max(1, marks.length - 1 - from) / 1000;
    return { start: (first - begun) / 1000, perAnswer };
  }

  #finish(id: string, measurement: Measurement, outcome: TrainerOutcome): void {
    const job = this.#job;
    if (job?.id !== id) return;
    this.#process = null;
    const endedAt = this.#options.now();
    const ended = { ...job, done: measurement.measured(), endedAt, detail: null, secondsLeft: null };
    const cancelled = outcome.kind === 'killed' || (outcome.kind === 'ended' && outcome.status === 'stopped');
    if (outcome.kind === 'failed') {
      this.#job = { ...ended, status: 'failed', error: outcome.error };
    } else {
      try {
        const report = measurement.report();
        const seconds = (endedAt - job.startedAt) / 1000;
        this.#job = {
          ...ended,
          status: cancelled ? 'cancelled' : 'done',
          report: report && { ...report, seconds },
        };
      } catch (error) {
        this.#job = { ...ended, status: cancelled ? 'cancelled' : 'failed', error: toErrorShape(error) };
      }
    }
    this.#tell();
  }

  #tell(): void {
    if (this.#job) this.#options.publish({ type: 'laboratory', job: this.#job });
  }
}

function errorOf(shape: ErrorShape): EspalierError {
  return new EspalierError(shape.kind, shape.code, shape.message, {
    ...(shape.where === undefined ? {} : { where: shape.where }),
    ...(shape.advice === undefined ? {} : { advice: shape.advice }),
  });
}
