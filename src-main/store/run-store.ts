/** Runs, their evaluations, checkpoints and log. Times are milliseconds since 1970, given by the caller. */
import { z } from 'zod';
import { userError } from '../contract/errors.ts';
import type { RunConfig } from '../contract/experiment.ts';
import type { Connection } from './open-database.ts';
import { prepared } from './prepared.ts';
import {
  runColumns,
  storedCheckpointSchema,
  storedEvaluationSchema,
  storedLogSchema,
  storedRunMoreSchema,
  storedRunSchema,
  type CheckpointRow,
  type EvaluationRow,
  type LogRow,
  type RunFacts,
  type StoredRun,
  type StoredRunMore,
} from './run-rows.ts';

export interface NewRun {
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly config: RunConfig;
  readonly createdAt: number;
}

/** Fields of a run that change while it lives; those left out stay as they are. */
export interface RunChanges {
  name?: string;
  status?: StoredRun['status'];
  queuedAt?: number;
  startedAt?: number | null;
  endedAt?: number | null;
  step?: number;
  reward?: number | null;
  score?: number | null;
  bestScore?: number | null;
  phase?: StoredRun['phase'];
  sparkline?: readonly number[];
  facts?: RunFacts | null;
  summary?: StoredRunMore['summary'];
  error?: StoredRun['error'];
  deletedAt?: number | null;
}

const changeColumns: { readonly [K in keyof Required<RunChanges>]: { column: string; json: boolean } } = {
  name: { column: 'name', json: false },
  status: { column: 'status', json: false },
  queuedAt: { column: 'queued_at', json: false },
  startedAt: { column: 'started_at', json: false },
  endedAt: { column: 'ended_at', json: false },
  step: { column: 'step', json: false },
  reward: { column: 'reward', json: false },
  score: { column: 'score', json: false },
  bestScore: { column: 'best_score', json: false },
  phase: { column: 'phase', json: false },
  sparkline: { column: 'sparkline', json: true },
  facts: { column: 'facts', json: true },
  summary: { column: 'summary', json: true },
  error: { column: 'error', json: true },
  deletedAt: { column: 'deleted_at', json: false },
};

const keySchema = z.object({ key: z.int() });

export class RunStore {
  readonly #connection: Connection;
  readonly #keys = new Map<string, number>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Adds a run that waits in the queue. */
  insert(run: NewRun): void {
    prepared(
      this.#connection,
      `INSERT INTO runs (id, experiment_id, name, status, estimator, seed, config, created_at, queued_at, steps)
         VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?)`,
    ).run(
      run.id,
      run.experimentId,
      run.name.toWellFormed(),
      run.config.method.estimator,
      run.config.seed,
      JSON.stringify(run.config),
      run.createdAt,
      run.createdAt,
      run.config.budget.steps,
    );
  }

  /** The number that other tables know the run by. @throws EspalierError `run-unknown` */
  key(id: string): number {
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    const row = prepared(this.#connection, 'SELECT key FROM runs WHERE id = ? AND purging = 0').get(id);
    if (row === undefined) {
      throw userError('run-unknown', `There is no run "${id}".`, {
        advice: 'The list of runs shows the ones that are stored.',
      });
    }
    const { key } = keySchema.parse(row);
    this.#keys.set(id, key);
    return key;
  }

  /** Changes some fields of a run. */
  update(id: string, changes: RunChanges): void {
    const columns: string[] = [];
    const values: unknown[] = [];
    for (const [name, { column, json }] of Object.entries(changeColumns)) {
      const value: unknown = Object.getOwnPropertyDescriptor(changes, name)?.value;
      if (value === undefined) continue;
      columns.push(`${column} = ?`);
      values.push(
        json && value !== null
          ? JSON.stringify(value)
          : typeof value === 'string'
            ? value.toWellFormed()
            : value,
      );
    }
    if (columns.length === 0) return;
    prepared(this.#connection, `UPDATE runs SET ${columns.join(', ')} WHERE key = ?`).run(
      ...values,
      this.key(id),
    );
  }

  /** One run. @throws EspalierError `run-unknown` */
  get(id: string): StoredRun {
    return storedRunSchema.parse(
      prepared(this.#connection, `SELECT ${runColumns} FROM runs WHERE key = ?`).get(this.key(id)),
    );
  }

  /** The large fields of one run. @throws EspalierError `run-unknown` */
  more(id: string): StoredRunMore {
    return storedRunMoreSchema.parse(
      prepared(this.#connection, 'SELECT config, facts, summary FROM runs WHERE key = ?').get(this.key(id)),
    );
  }

  /** Runs, newest first: those in use, or those that are deleted and can still be restored. */
  list(deleted: boolean): StoredRun[] {
    const rows = prepared(
      this.#connection,
      `SELECT ${runColumns} FROM runs WHERE purging = 0 AND deleted_at IS ${deleted ? 'NOT ' : ''}NULL ORDER BY key DESC`,
    ).all();
    return rows.map((row) => storedRunSchema.parse(row));
  }

  /** Ids of runs in a state, those that have waited longest first; deleted runs are left out. */
  idsWithStatus(status: StoredRun['status']): string[] {
    const rows = prepared(
      this.#connection,
      'SELECT id FROM runs WHERE status = ? AND deleted_at IS NULL AND purging = 0 ORDER BY queued_at, key',
    ).all(status);
    return rows.map((row) => z.object({ id: z.string() }).parse(row).id);
  }

  /** Stores an evaluation; a second one at the same step takes the place of the first. */
  putEvaluation(id: string, row: EvaluationRow): void {
    prepared(
      this.#connection,
      'INSERT OR REPLACE INTO evaluations (run, step, score, components, count, seconds, at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).run(this.key(id), row.step, row.score, JSON.stringify(row.components), row.count, row.seconds, row.at);
  }

  /** Evaluations in step order. */
  evaluations(id: string): EvaluationRow[] {
    const rows = prepared(
      this.#connection,
      'SELECT step, score, components, count, seconds, at FROM evaluations WHERE run = ? ORDER BY step',
    ).all(this.key(id));
    return rows.map((row) => storedEvaluationSchema.parse(row));
  }

  /** Notes where the best or the last checkpoint lies; there is one of each. */
  putCheckpoint(id: string, row: CheckpointRow): void {
    prepared(
      this.#connection,
      'INSERT OR REPLACE INTO checkpoints (run, role, step, path, score, at) VALUES (?, ?, ?, ?, ?, ?)',
    ).run(this.key(id), row.role, row.step, row.path, row.score, row.at);
  }

  /** The checkpoints of a run, the best first. */
  checkpoints(id: string): CheckpointRow[] {
    const rows = prepared(
      this.#connection,
      'SELECT step, role, path, score, at FROM checkpoints WHERE run = ? ORDER BY role',
    ).all(this.key(id));
    return rows.map((row) => storedCheckpointSchema.parse(row));
  }

  /** Adds a line to the log of a run. */
  addLog(id: string, row: LogRow): void {
    prepared(this.#connection, 'INSERT INTO log (run, at, level, message) VALUES (?, ?, ?, ?)').run(
      this.key(id),
      row.at,
      row.level,
      row.message.toWellFormed(),
    );
  }

  /** The last `limit` lines of the log, oldest first. */
  log(id: string, limit: number): LogRow[] {
    const rows = prepared(
      this.#connection,
      'SELECT at, level, message FROM (SELECT * FROM log WHERE run = ? ORDER BY id DESC LIMIT ?) ORDER BY id',
    ).all(this.key(id), limit);
    return rows.map((row) => storedLogSchema.parse(row));
  }

  /** Removes evaluations and checkpoints of later steps, which a resumed run does again. */
  dropAfter(id: string, step: number): void {
    const key = this.key(id);
    prepared(this.#connection, 'DELETE FROM evaluations WHERE run = ? AND step > ?').run(key, step);
    prepared(this.#connection, 'DELETE FROM checkpoints WHERE run = ? AND step > ?').run(key, step);
  }

  /** Marks every deleted run for good: it is no longer listed and `Store.purgeSome` removes it. Returns their ids. */
  markDeletedForPurge(): string[] {
    const rows = prepared(
      this.#connection,
      'UPDATE runs SET purging = 1 WHERE deleted_at IS NOT NULL RETURNING id',
    ).all();
    const ids = rows.map((row) => z.object({ id: z.string() }).parse(row).id);
    for (const id of ids) this.#keys.delete(id);
    return ids;
  }

  /** Forgets what it remembers of stored rows, after a transaction was rolled back. */
  forget(): void {
    this.#keys.clear();
  }
}
