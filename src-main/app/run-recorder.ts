/**
 * Stores what one trainer process tells, and publishes it. Events are gathered for a tenth of a second, then
 * written in one transaction; windows are told after it, so what they see is stored, at most ten times a second.
 */
import type { HostEvent, SampleRow, Series } from '../contract/calls.ts';
import type { RunSummary, Sample, TrainerEvent } from '../contract/events.ts';
import type { CheckpointRow, EvaluationRow, LogRow } from '../store/run-rows.ts';
import type { RunChanges } from '../store/run-store.ts';
import type { Store } from '../store/store.ts';
import { Sparkline } from './sparkline.ts';
import { TimeLeft } from './time-left.ts';

/** Metric that stands for the reward of a run in lists. */
const rewardMetric = 'rewardMean';
const flushInterval = 100;
/** Responses that are held before they are written without waiting for the interval. */
const mostHeld = 4_096;
/** Answers of a step that are pushed: the best and the worst. */
const pushedBest = 6;
const pushedWorst = 6;
/** Log lines pushed at once; all of them are stored. */
const mostPushedLines = 50;

export interface RecorderOptions {
  readonly store: Store;
  readonly runId: string;
  readonly now: () => number;
  readonly publish: (event: HostEvent) => void;
  /** Called after every change of the run's row. */
  readonly publishRun: (runId: string) => void;
  /** The database could not be written: nothing more is taken. */
  readonly onBroken: (error: unknown) => void;
}

interface Received {
  readonly event: TrainerEvent;
  readonly at: number;
}

/** What one flush has to tell. */
interface News {
  readonly series: Map<string, Series>;
  readonly evaluations: EvaluationRow[];
  readonly checkpoints: CheckpointRow[];
  readonly log: LogRow[];
  samples: { step: number; ids: number[] } | null;
}

export class RunRecorder {
  readonly #options: RecorderOptions;
  readonly #key: number;
  #held: Received[] = [];
  #heldSamples = 0;
  #timer: NodeJS.Timeout | undefined;
  #broken = false;
  #sparkline = new Sparkline();
  #timeLeft = new TimeLeft();
  #bestScore: number | null = null;
  #steps = 0;
  /** Step whose evaluation answers are replaced when they come again after a resumption. */
  #resumedAt: number | null = null;
  #phaseDetail: string | null = null;
  #summary: RunSummary | null = null;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#key = options.store.runs.key(options.runId);
    this.#steps = options.store.runs.get(options.runId).steps;
  }

  /** Takes an event; it is stored within a tenth of a second. */
  take(event: TrainerEvent): void {
    if (this.#broken) return;
    this.#held.push({ event, at: this.#options.now() });
    if (event.type === 'samples') this.#heldSamples += event.samples.length;
    if (this.#heldSamples >= mostHeld) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), flushInterval);
  }

  /** A line in the run's log from the host itself. */
  log(level: LogRow['level'], message: string): void {
    this.take({ type: 'log', level, message });
  }

  /** What the present phase waits for, in words; null where nothing is waited for. Not stored: it is true only now. */
  phaseDetail(): string | null {
    return this.#phaseDetail;
  }

  /** Seconds that the run still takes; null while nothing is known. */
  secondsLeft(): number | null {
    return this.#timeLeft.seconds(this.#steps, this.#options.now());
  }

  /** The summary of the last event, once there is one. */
  summary(): RunSummary | null {
    return this.#summary;
  }

  /** Writes everything that is held, together with further changes of the run, in one transaction. */
  flush(changes: RunChanges = {}): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = this.#held;
    this.#held = [];
    this.#heldSamples = 0;
    if (this.#broken || (held.length === 0 && Object.keys(changes).length === 0)) return;
    const { store, runId, publishRun, onBroken } = this.#options;
    const news: News = { series: new Map(), evaluations: [], checkpoints: [], log: [], samples: null };
    try {
      store.transaction(() => {
        const merged: RunChanges = {};
        for (const { event, at } of held) Object.assign(merged, this.#store(event, at, news));
        store.runs.update(runId, { ...merged, ...changes });
      });
    } catch (error) {
      this.#broken = true;
      onBroken(error);
      return;
    }
    this.#publish(news);
    publishRun(runId);
  }

  /** Stores one event; returns what it changes in the run's row. */
  #store(event: TrainerEvent, at: number, news: News): RunChanges {
    const { store, runId } = this.#options;
    switch (event.type) {
      case 'phase':
        this.#phaseDetail =
          event.phase === 'waiting' || event.phase === 'grading' ? (event.detail ?? null) : null;
        return { phase: event.phase };
      case 'ready':
        return this.#ready(event);
      case 'step':
        return this.#step(event, at, news);
      case 'samples': {
        const again =
          event.step === this.#resumedAt && event.samples.some((sample) => sample.split === 'evaluation');
        if (again) {
          store.samples.dropEvaluation(this.#key, event.step);
          this.#resumedAt = null;
        }
        const ids = store.samples.insert(this.#key, event.step, event.samples);
        news.samples = { step: event.step, ids: pickPushed(event.samples, ids) };
        return {};
      }
      case 'evaluation': {
        const { type: _type, ...evaluation } = event;
        const row = { ...evaluation, at };
        store.runs.putEvaluation(runId, row);
        news.evaluations.push(row);
        this.#bestScore = Math.max(this.#bestScore ?? event.score, event.score);
        return { score: event.score, bestScore: this.#bestScore };
      }
      case 'checkpoint': {
        const { type: _type, ...checkpoint } = event;
        const row = { ...checkpoint, at };
        store.runs.putCheckpoint(runId, row);
        news.checkpoints.push(row);
        return {};
      }
      case 'log': {
        const row = { at, level: event.level, message: event.message };
        store.runs.addLog(runId, row);
        news.log.push(row);
        return {};
      }
      case 'end':
      case 'failed':
        this.#summary = event.summary;
        return { summary: event.summary };
      // Answers of jobs without a run; a trainer that trains does not send them.
      case 'generated':
      case 'scored':
      case 'model-score':
      case 'lab-question':
      case 'projected':
      case 'graded':
      case 'grade-seconds':
      case 'printed':
      case 'tokenized':
      case 'job-end':
      // Answered by the host, and not stored.
      case 'judge-request':
        return {};
    }
  }

  #ready(event: Extract<TrainerEvent, { type: 'ready' }>): RunChanges {
    const { store, runId } = this.#options;
    store.dropAfter(runId, event.fromStep);
    this.#resumedAt = event.fromStep;
    this.#timeLeft = new TimeLeft();
    this.#sparkline = new Sparkline();
    const rewards = store.metrics.series(this.#key, [rewardMetric])[0]?.values ?? [];
    for (const value of rewards) this.#sparkline.add(value);
    const scores = store.runs.evaluations(runId).map((row) => row.score);
    this.#bestScore = scores.length === 0 ? null : Math.max(...scores);
    return {
      step: event.fromStep,
      reward: rewards.at(-1) ?? null,
      score: scores.at(-1) ?? null,
      bestScore: this.#bestScore,
      sparkline: this.#sparkline.values(),
      facts: {
        family: event.model.family,
        parameters: event.model.parameters,
        modelHash: event.model.hash,
        trainRows: event.data.trainRows,
        evaluationRows: event.data.evaluationRows,
        droppedRows: event.data.droppedRows,
        dataHash: event.data.hash,
        estimatedMemory: event.estimatedMemory,
        device: event.device,
      },
    };
  }

  #step(event: Extract<TrainerEvent, { type: 'step' }>, at: number, news: News): RunChanges {
    this.#options.store.metrics.put(this.#key, event.step, event.metrics, at);
    this.#timeLeft.mark(event.step, at);
    for (const [name, value] of Object.entries(event.metrics)) {
      const series = news.series.get(name) ?? { name, steps: [], values: [] };
      series.steps.push(event.step);
      series.values.push(value);
      news.series.set(name, series);
    }
    const reward = event.metrics[rewardMetric];
    if (reward === undefined) return { step: event.step };
    this.#sparkline.add(reward);
    return { step: event.step, reward, sparkline: this.#sparkline.values() };
  }

  #publish(news: News): void {
    const { store, runId, publish } = this.#options;
    if (news.series.size > 0) publish({ type: 'metrics', runId, series: [...news.series.values()] });
    for (const evaluation of news.evaluations) publish({ type: 'evaluation', runId, evaluation });
    for (const checkpoint of news.checkpoints) publish({ type: 'checkpoint', runId, checkpoint });
    if (news.samples !== null) {
      const samples: SampleRow[] = store.samples.rows(news.samples.ids);
      publish({ type: 'samples', runId, step: news.samples.step, samples });
    }
    for (const entry of news.log.slice(-mostPushedLines)) publish({ type: 'log', runId, entry });
  }
}

/** Ids of the best answers of a step, then the worst; answers that were not graded come after graded ones. */
function pickPushed(samples: readonly Sample[], ids: readonly number[]): number[] {
  const order = samples
    .map((sample, index) => ({ id: ids[index], reward: sample.reward.total ?? Number.NEGATIVE_INFINITY }))
    .sort((a, b) => b.reward - a.reward)
    .flatMap(({ id }) => (id === undefined ? [] : [id]));
  return order.length <= pushedBest + pushedWorst
    ? order
    : [...order.slice(0, pushedBest), ...order.slice(-pushedWorst)];
}
