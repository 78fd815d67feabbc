/** The measurement of the laboratory on a user's model: asked for when a page opens, then kept up to date by events. */
import type { Experiment } from '../../src-main/contract/experiment.ts';
import type { SampledOptions } from '../../src-main/contract/laboratory.ts';
import type { SampledJob } from '../../src-main/contract/sampled-job.ts';
import { client } from './client.ts';

export class SampledJobState {
  /** The measurement at work, or the last one; null where there was none. */
  job = $state.raw<SampledJob | null>(null);
  /** Counts pushed events: an answer that was asked for before one came may be older than it. */
  #pushed = 0;

  /** Starts listening; returns the function that ends it. */
  open(): () => void {
    const ends = [
      client.onEvent((event) => {
        if (event.type !== 'laboratory') return;
        this.#pushed += 1;
        this.job = event.job;
      }),
      client.onConnection((state) => {
        // Asked once more when the line was lost; the error box of the page says if nothing answers.
        if (state === 'open') void this.refresh().catch(() => undefined);
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  /** Asks the host what there is. */
  async refresh(): Promise<void> {
    const before = this.#pushed;
    const { job } = await client.call('lab.status', {});
    if (before === this.#pushed) this.job = job;
  }

  async start(experiment: Experiment, options: SampledOptions): Promise<void> {
    const before = this.#pushed;
    const job = await client.call('lab.start', { experiment, options });
    if (before === this.#pushed) this.job = job;
  }

  async cancel(): Promise<void> {
    const before = this.#pushed;
    const { job } = await client.call('lab.cancel', {});
    if (before === this.#pushed) this.job = job;
  }
}
