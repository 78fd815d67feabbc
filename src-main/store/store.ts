/**
 * Everything that is kept: one SQLite file, written by the host alone. Statements are synchronous;
 * `transaction` makes a batch of them all or nothing.
 */
import { z } from 'zod';
import { DatasetStore } from './dataset-store.ts';
import { JudgeCache } from './judge-cache.ts';
import { MetricStore } from './metric-store.ts';
import { ModelFolderStore } from './model-folder-store.ts';
import { openDatabase, type Connection } from './open-database.ts';
import { RewardStore } from './reward-store.ts';
import { RunStore } from './run-store.ts';
import { SampleStore } from './sample-store.ts';

/** Responses removed at once while deleted runs are cleaned up; a few milliseconds of work. */
const purgeSlice = 2_000;

export class Store {
  readonly runs: RunStore;
  readonly metrics: MetricStore;
  readonly samples: SampleStore;
  readonly datasets: DatasetStore;
  readonly modelFolders: ModelFolderStore;
  readonly rewards: RewardStore;
  readonly judgements: JudgeCache;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.runs = new RunStore(connection);
    this.metrics = new MetricStore(connection);
    this.samples = new SampleStore(connection);
    this.datasets = new DatasetStore(connection);
    this.modelFolders = new ModelFolderStore(connection);
    this.rewards = new RewardStore(connection);
    this.judgements = new JudgeCache(connection);
  }

  /** Runs `work` in one transaction; when it throws, nothing of it stays. `work` must not await. */
  transaction<T>(work: () => T): T {
    try {
      return this.#connection.transaction(work).immediate();
    } catch (error) {
      // What was remembered of rows that are now rolled back is wrong.
      this.runs.forget();
      this.metrics.forget();
      throw error;
    }
  }

  /** Forgets all results of a run after `step`: a resumed run does these steps again. */
  dropAfter(runId: string, step: number): void {
    const key = this.runs.key(runId);
    this.transaction(() => {
      this.runs.dropAfter(runId, step);
      this.metrics.dropAfter(key, step);
      this.samples.dropAfter(key, step);
    });
  }

  /** Removes a slice of what belongs to runs marked for purging; false once nothing is left. */
  purgeSome(): boolean {
    const row = this.#connection.prepare('SELECT key FROM runs WHERE purging = 1 LIMIT 1').get();
    if (row === undefined) return false;
    const { key } = z.object({ key: z.int() }).parse(row);
    this.transaction(() => {
      const slice = 'SELECT id FROM samples WHERE run = ? LIMIT ?';
      this.#connection.prepare(`DELETE FROM answer_search WHERE rowid IN (${slice})`).run(key, purgeSlice);
      this.#connection.prepare(`DELETE FROM sample_anchors WHERE sample IN (${slice})`).run(key, purgeSlice);
      this.#connection.prepare(`DELETE FROM sample_tokens WHERE sample IN (${slice})`).run(key, purgeSlice);
      const { changes } = this.#connection
        .prepare(`DELETE FROM samples WHERE id IN (${slice})`)
        .run(key, purgeSlice);
      if (changes > 0) return;
      this.#connection
        .prepare('DELETE FROM prompt_search WHERE rowid IN (SELECT id FROM prompts WHERE run = ?)')
        .run(key);
      for (const table of ['prompts', 'steps', 'evaluations', 'checkpoints', 'log']) {
        this.#connection.prepare(`DELETE FROM ${table} WHERE run = ?`).run(key);
      }
      this.#connection.prepare('DELETE FROM runs WHERE key = ?').run(key);
    });
    return true;
  }

  close(): void {
    this.#connection.close();
  }
}

/** Opens the store at `path` (see `openDatabase` for the errors). */
export function openStore(path: string, options: { readOnly?: boolean } = {}): Store {
  return new Store(openDatabase(path, options));
}
