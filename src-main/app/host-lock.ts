/**
 * One host for each data directory. The lock is a write lock on a small SQLite file: the system releases
 * it when the process ends in whatever way, so it is never stale and a reused process id does no harm.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { EspalierError } from '../contract/errors.ts';

const holderSchema = z.object({ pid: z.int(), startedAt: z.number() });

export interface HostLock {
  release(): void;
}

/**
 * Takes the lock of a data directory, which is made where it does not exist.
 * @throws EspalierError `data-directory-in-use` with the process that holds it; `data-directory` where the folder cannot be used
 */
export function lockDataDirectory(directory: string, now: () => number): HostLock {
  const holderFile = join(directory, 'host.json');
  let connection: Database.Database;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    connection = new Database(join(directory, 'host.lock'), { timeout: 0 });
  } catch (cause) {
    throw new EspalierError(
      'environment',
      'data-directory',
      `The data directory cannot be used: ${cause instanceof Error ? cause.message : String(cause)}.`,
      {
        where: directory,
        advice: 'Check that it is a folder that may be written, or choose another one with --data.',
        cause,
      },
    );
  }
  try {
    connection.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    connection.close();
    const holder = readHolder(holderFile);
    throw new EspalierError(
      'environment',
      'data-directory-in-use',
      `Espalier is already running with this data directory${holder === null ? '' : ` (process ${holder.pid})`}.`,
      {
        where: directory,
        advice: 'Use the running one, end it first, or choose another folder with --data.',
        cause,
      },
    );
  }
  writeFileSync(holderFile, JSON.stringify({ pid: process.pid, startedAt: now() }), { mode: 0o600 });
  return {
    release() {
      if (!connection.open) return;
      rmSync(holderFile, { force: true });
      connection.close();
    },
  };
}

function readHolder(file: string): z.infer<typeof holderSchema> | null {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Only told to the user: the lock itself does not depend on it.
    return null;
  }
}
