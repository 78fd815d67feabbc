/** Folders in which the user keeps models. */
import { z } from 'zod';
import type { Connection } from './open-database.ts';
import { prepared } from './prepared.ts';

export class ModelFolderStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Absolute paths, in the order in which they were named. */
  list(): string[] {
    const rows = prepared(this.#connection, 'SELECT path FROM model_folders ORDER BY added_at, path').all();
    return rows.map((row) => z.object({ path: z.string() }).parse(row).path);
  }

  /** Adds a folder; one that is there already stays as it is. */
  add(path: string, at: number): void {
    prepared(this.#connection, 'INSERT OR IGNORE INTO model_folders (path, added_at) VALUES (?, ?)').run(
      path,
      at,
    );
  }

  remove(path: string): void {
    prepared(this.#connection, 'DELETE FROM model_folders WHERE path = ?').run(path);
  }
}
