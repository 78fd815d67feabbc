/**
 * Everything that the page of one run shows: detail, metrics, newest answers, log. Events append to it;
 * bursts of them are gathered for a moment so that charts redraw at most five times a second.
 */
import type { HostEvent, RunDetail, SampleRow, Series } from '../../src-main/contract/calls.ts';
import type { ErrorShape } from '../../src-main/contract/events.ts';
import { errorShapeOf } from './call-error.ts';
import { client } from './client.ts';
import { appendSeries, type SeriesMap } from './series.ts';

const gatherFor = 200;

export class RunData {
  readonly id: string;
  detail = $state.raw<RunDetail | null>(null);
  /** Metric name → its points. The map is replaced when anything in it grows. */
  series = $state.raw<SeriesMap>(new Map());
  newest = $state.raw<{ step: number; rows: readonly SampleRow[] } | null>(null);
  error = $state.raw<ErrorShape | null>(null);
  #waiting: Series[] = [];
  /** Events that came while the stored state was being fetched; they may be newer than it. Null: none is. */
  #held: HostEvent[] | null = null;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  #ends: (() => void)[] = [];

  constructor(id: string) {
    this.id = id;
  }

  /** Starts listening, then fetches what is stored. Returns the function that ends it. */
  open(): () => void {
    this.#ends.push(
      client.onEvent((event) => {
        this.#take(event);
      }),
      client.onConnection((state) => {
        if (state === 'open') void this.refresh();
      }),
    );
    void this.refresh();
    return () => {
      this.#closed = true;
      if (this.#timer !== null) clearTimeout(this.#timer);
      for (const end of this.#ends) end();
    };
  }

  /** Fetches what is stored. Events that come meanwhile are held and applied after it, so none is lost. */
  async refresh(): Promise<void> {
    if (this.#held !== null) {
      this.#again = true;
      return;
    }
    this.#held = [];
    await this.#fetch();
    const held = this.#held;
    this.#held = null;
    for (const event of held) this.#take(event);
    if (this.#again && !this.#closed) {
      this.#again = false;
      await this.refresh();
    }
  }

  async #fetch(): Promise<void> {
    try {
      const [detail, series] = await Promise.all([
        client.call('runs.get', { runId: this.id }),
        client.call('runs.metrics', { runId: this.id }),
      ]);
      if (this.#closed) return;
      this.detail = detail;
      // Points that wait are stored already, so they are in what was fetched.
      this.#waiting = [];
      this.series = appendSeries(new Map(), series);
      this.error = null;
      if (this.newest === null) await this.#fetchNewest();
    } catch (error) {
      if (!this.#closed) this.error = errorShapeOf(error);
    }
  }

  /** The best and worst answers of the last stored step, for a run that is opened later. */
  async #fetchNewest(): Promise<void> {
    const steps = await client.call('samples.steps', { runId: this.id });
    const step = steps.at(-1);
    if (step === undefined || this.newest !== null) return;
    const ask = (sort: 'best' | 'worst') =>
      client.call('samples.list', { runId: this.id, step, sort, limit: 4 });
    const [best, worst] = await Promise.all([ask('best'), ask('worst')]);
    if (this.#closed || this.newest !== null) return;
    const rows = new Map([...best.rows, ...worst.rows.reverse()].map((row) => [row.id, row]));
    this.newest = { step, rows: [...rows.values()] };
  }

  #take(event: HostEvent): void {
    if (this.#held !== null) {
      this.#held.push(event);
      return;
    }
    if (event.type === 'run') {
      if (event.run.id !== this.id || this.detail === null) return;
      const ended = isEnded(event.run.status) && !isEnded(this.detail.status);
      const started = event.run.status === 'running' && this.detail.facts === null;
      this.detail = { ...this.detail, ...event.run };
      // The summary and the facts travel with the detail only.
      if (ended || started) void this.refresh();
      return;
    }
    // What belongs to no run: jobs, datasets, measurements of the laboratory.
    if (event.type === 'job' || event.type === 'datasets' || event.type === 'laboratory') return;
    if (event.runId !== this.id || this.detail === null) return;
    const detail = this.detail;
    switch (event.type) {
      case 'metrics':
        this.#waiting.push(...event.series);
        this.#timer ??= setTimeout(() => {
          this.#flush();
        }, gatherFor);
        break;
      case 'evaluation': {
        const others = detail.evaluations.filter((row) => row.step !== event.evaluation.step);
        this.detail = {
          ...detail,
          evaluations: [...others, event.evaluation].sort((a, b) => a.step - b.step),
        };
        break;
      }
      case 'checkpoint': {
        const others = detail.checkpoints.filter((row) => row.role !== event.checkpoint.role);
        this.detail = { ...detail, checkpoints: [...others, event.checkpoint] };
        break;
      }
      case 'samples':
        this.newest = { step: event.step, rows: event.samples };
        break;
      case 'log':
        this.detail = { ...detail, log: [...detail.log, event.entry] };
        break;
    }
  }

  #flush(): void {
    this.#timer = null;
    this.series = appendSeries(this.series, this.#waiting);
    this.#waiting = [];
  }
}

/** Whether a run with this status does nothing more by itself. */
export function isEnded(status: RunDetail['status']): boolean {
  return status === 'stopped' || status === 'done' || status === 'failed';
}
