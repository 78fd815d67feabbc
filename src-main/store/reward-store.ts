/** Rewards that the user keeps: a name and what an experiment holds under `reward`. Times are milliseconds since 1970. */
import { z } from 'zod';
import { userError } from '../contract/errors.ts';
import { rewardSchema } from '../contract/reward.ts';
import type { RewardConfig } from '../contract/reward.ts';
import type { KeptReward } from '../contract/reward-bench.ts';
import { jsonColumn } from './json-column.ts';
import type { Connection } from './open-database.ts';
import { prepared } from './prepared.ts';

const rowSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    reward: jsonColumn(rewardSchema),
    changed_at: z.number(),
    deleted_at: z.number().nullable(),
  })
  .transform(({ changed_at: changedAt, deleted_at: deletedAt, ...row }): KeptReward => ({
    ...row,
    changedAt,
    deletedAt,
  }));

export class RewardStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** By name; deleted ones only where they are asked for. */
  list(deleted: boolean): KeptReward[] {
    return prepared(
      this.#connection,
      `SELECT * FROM rewards WHERE deleted_at IS ${deleted ? 'NOT NULL' : 'NULL'} ORDER BY name, id`,
    )
      .all()
      .map((row) => rowSchema.parse(row));
  }

  /** @throws EspalierError `reward-unknown` */
  get(id: string): KeptReward {
    const row = prepared(this.#connection, 'SELECT * FROM rewards WHERE id = ?').get(id);
    if (row === undefined) {
      throw userError('reward-unknown', `There is no reward "${id}".`, {
        advice: 'It may have been removed; the list shows what there is.',
      });
    }
    return rowSchema.parse(row);
  }

  /** Writes a reward, in place of the one with this id where there is one. */
  put(id: string, name: string, reward: RewardConfig, changedAt: number): void {
    prepared(
      this.#connection,
      `INSERT INTO rewards (id, name, reward, changed_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, reward = excluded.reward, changed_at = excluded.changed_at`,
    ).run(id, name, JSON.stringify(reward), changedAt);
  }

  /** @throws EspalierError `reward-unknown` */
  setDeleted(id: string, deletedAt: number | null): void {
    this.get(id);
    prepared(this.#connection, 'UPDATE rewards SET deleted_at = ? WHERE id = ?').run(deletedAt, id);
  }

  /** Removes for good what was deleted. */
  purgeDeleted(): void {
    prepared(this.#connection, 'DELETE FROM rewards WHERE deleted_at IS NOT NULL').run();
  }
}
