/** What judges replied, by the hash of the question, so that nothing is asked twice. */
import { z } from 'zod';
import type { Connection } from './open-database.ts';
import { prepared } from './prepared.ts';

export interface JudgeCacheSize {
  readonly replies: number;
  /** Bytes of the replies in UTF-8. */
  readonly bytes: number;
  /** When the oldest was kept, in milliseconds since 1970; null where there is none. */
  readonly oldest: number | null;
}

const replySchema = z.object({ reply: z.string() });
const sizeSchema = z.object({ replies: z.int(), bytes: z.int(), oldest: z.number().nullable() });

export class JudgeCache {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The reply to the question with this hash. */
  get(hash: Uint8Array): string | undefined {
    const row = prepared(this.#connection, 'SELECT reply FROM judge_cache WHERE hash = ?').get(hash);
    return row === undefined ? undefined : replySchema.parse(row).reply;
  }

  /** Keeps a reply; a second one to the same question takes the place of the first. */
  put(hash: Uint8Array, reply: string, at: number): void {
    const text = reply.toWellFormed();
    prepared(
      this.#connection,
      'INSERT OR REPLACE INTO judge_cache (hash, reply, created_at, bytes) VALUES (?, ?, ?, ?)',
    ).run(hash, text, at, Buffer.byteLength(text));
  }

  size(): JudgeCacheSize {
    return sizeSchema.parse(
      prepared(
        this.#connection,
        'SELECT count(*) AS replies, coalesce(sum(bytes), 0) AS bytes, min(created_at) AS oldest FROM judge_cache',
      ).get(),
    );
  }

  /** Forgets replies that were kept before this time (milliseconds since 1970), or all; returns how many. */
  clear(before: number = Number.MAX_VALUE): number {
    return prepared(this.#connection, 'DELETE FROM judge_cache WHERE created_at < ?').run(before).changes;
  }
}
