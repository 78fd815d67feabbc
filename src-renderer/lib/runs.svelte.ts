/** Every run that is stored, kept up to date by the host's events and fetched again after a lost connection. */
import type { RunRow } from '../../src-main/contract/calls.ts';
import type { ErrorShape } from '../../src-main/contract/events.ts';
import { errorShapeOf } from './call-error.ts';
import { client } from './client.ts';
import { notices } from './notices.svelte.ts';

class Runs {
  rows = $state.raw<readonly RunRow[]>([]);
  loaded = $state(false);
  error = $state.raw<ErrorShape | null>(null);

  /** Runs that are not deleted, newest first. */
  readonly kept = $derived(this.rows.filter((run) => run.deletedAt === null));
  readonly active = $derived(
    this.kept.filter((run) => run.status === 'running' || run.status === 'stopping'),
  );
  readonly queued = $derived(this.kept.filter((run) => run.status === 'queued'));
  readonly failed = $derived(this.kept.filter((run) => run.status === 'failed'));

  /** Rows that were pushed while the list was being fetched; they may be newer than it. */
  #held: RunRow[] = [];
  #fetching = 0;

  start(): void {
    client.onEvent((event) => {
      if (event.type !== 'run') return;
      if (this.#fetching > 0) this.#held.push(event.run);
      this.#put(event.run);
    });
    client.onConnection((state) => {
      if (state === 'open') void this.refresh();
    });
    void this.refresh();
  }

  async refresh(): Promise<void> {
    this.#fetching += 1;
    try {
      this.rows = newestFirst(await client.call('runs.list', { deleted: false }));
      for (const run of this.#held) this.#put(run);
      this.error = null;
    } catch (error) {
      this.error = errorShapeOf(error);
    } finally {
      this.#fetching -= 1;
      if (this.#fetching === 0) this.#held = [];
      this.loaded = true;
    }
  }

  find(id: string): RunRow | undefined {
    return this.rows.find((run) => run.id === id);
  }

  /** Removes a run from every list; the notice offers to put it back. */
  async delete(run: RunRow): Promise<void> {
    await client.call('runs.delete', { runId: run.id });
    this.rows = this.rows.filter((other) => other.id !== run.id);
    notices.show(`Deleted “${run.name}”.`, { label: 'Undo', run: () => this.restore(run.id) });
  }

  async restore(id: string): Promise<void> {
    await client.call('runs.restore', { runId: id });
    await this.refresh();
  }

  #put(run: RunRow): void {
    const others = this.rows.filter((other) => other.id !== run.id);
    this.rows = run.deletedAt === null ? newestFirst([run, ...others]) : others;
  }
}

function newestFirst(rows: readonly RunRow[]): RunRow[] {
  return [...rows].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
}

export const runs = new Runs();
