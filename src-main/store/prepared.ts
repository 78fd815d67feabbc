/** Statements prepared once for each connection: preparing costs more than running most of them. */
import type { Statement } from 'better-sqlite3';
import type { Connection } from './open-database.ts';

const caches = new WeakMap<Connection, Map<string, Statement<unknown[]>>>();

/** The statement of this fixed SQL text; not for text that is put together from many parts, which would fill the cache. */
export function prepared(connection: Connection, sql: string): Statement<unknown[]> {
  let cache = caches.get(connection);
  if (cache === undefined) {
    cache = new Map();
    caches.set(connection, cache);
  }
  let statement = cache.get(sql);
  if (statement === undefined) {
    statement = connection.prepare<unknown[]>(sql);
    cache.set(sql, statement);
  }
  return statement;
}
