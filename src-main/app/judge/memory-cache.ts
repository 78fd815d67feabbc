/** Kept judgements with those of this process in front, for hosts that may not write the store. */
import type { JudgementCache } from './judge-session.ts';

/** @param write keeps a reply for later processes; null where nothing may be written */
export function memoryCache(
  stored: Pick<JudgementCache, 'get'>,
  write: JudgementCache['put'] | null,
): JudgementCache {
  const own = new Map<string, string>();
  const name = (hash: Uint8Array): string => Buffer.from(hash).toString('base64');
  return {
    get: (hash) => own.get(name(hash)) ?? stored.get(hash),
    put(hash, reply) {
      if (write === null) own.set(name(hash), reply);
      else write(hash, reply);
    },
  };
}
