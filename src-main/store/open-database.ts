/** Opens the SQLite file: checks that it is one, brings it to the present version, sets its modes. */
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { EspalierError, userError } from '../contract/errors.ts';
import { migrations } from './migrations.ts';

export type Connection = Database.Database;

/** How long a statement waits for another process that holds the file, in milliseconds. */
const busyTimeout = 5_000;

/**
 * Opens the database at `path` and migrates it, each version in one transaction of its own.
 * With `readOnly` nothing is created or changed: a missing file reads as an empty database.
 *
 * @throws EspalierError `database-newer`: written by a later version; the file is left as it is.
 * @throws EspalierError `database-unreadable`: not a SQLite file, damaged, or no permission.
 * @throws EspalierError `database-older`: with `readOnly`, when the file needs a migration first.
 */
export function openDatabase(path: string, options: { readOnly?: boolean } = {}): Connection {
  const readOnly = options.readOnly === true;
  const absent = readOnly && !existsSync(path);
  const connection = connect(absent ? ':memory:' : path, readOnly && !absent);
  try {
    prepareSchema(connection, path, readOnly && !absent);
    return connection;
  } catch (error) {
    connection.close();
    throw describeOpenError(error, path);
  }
}

function connect(path: string, readonly: boolean): Connection {
  try {
    return new Database(path, { readonly, timeout: busyTimeout });
  } catch (error) {
    throw describeOpenError(error, path);
  }
}

function prepareSchema(connection: Connection, path: string, readOnly: boolean): void {
  const version = schemaVersion(connection);
  if (version > migrations.length) {
    throw userError(
      'database-newer',
      `The database was written by a newer version of Espalier (format ${version}, known up to ${migrations.length}).`,
      {
        where: path,
        advice: 'Update Espalier, or choose another data directory with --data. The file was not changed.',
      },
    );
  }
  if (readOnly) {
    if (version < migrations.length) {
      throw userError(
        'database-older',
        `The database has an older format (${version} instead of ${migrations.length}).`,
        {
          where: path,
          advice: 'Start Espalier once; it brings the file up to date.',
        },
      );
    }
    return;
  }
  connection.pragma('journal_mode = WAL');
  connection.pragma('synchronous = NORMAL');
  connection.pragma('foreign_keys = ON');
  // Room for the pages that a long list touches; the file is also memory-mapped for reading.
  connection.pragma('cache_size = -65536');
  connection.pragma('mmap_size = 268435456');
  for (let next = version; next < migrations.length; next++) migrate(connection, next);
}

function migrate(connection: Connection, from: number): void {
  const sql = migrations[from];
  if (sql === undefined) throw new Error(`internal: there is no migration ${from + 1}`);
  connection
    .transaction(() => {
      // Another process may have migrated between the first look and this lock.
      if (schemaVersion(connection) !== from) return;
      connection.exec(sql);
      connection.pragma(`user_version = ${from + 1}`);
    })
    .immediate();
}

/** The format number that is written in the file; 0 for a new one. */
export function schemaVersion(connection: Connection): number {
  return z.int().parse(connection.pragma('user_version', { simple: true }));
}

function describeOpenError(error: unknown, path: string): unknown {
  if (error instanceof EspalierError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (
    error instanceof Database.SqliteError ||
    (error instanceof TypeError && message.includes('directory'))
  ) {
    return new EspalierError(
      'environment',
      'database-unreadable',
      `The database cannot be opened: ${message}.`,
      {
        where: path,
        advice:
          'Check that the folder exists and may be written, or choose another one with --data. A damaged file can be moved away; a new one is then made.',
        cause: error,
      },
    );
  }
  return error;
}
