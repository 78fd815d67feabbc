/** Reads the JSON body of a request, up to a limit. */
import type { IncomingMessage } from 'node:http';
import { userError } from '../../contract/errors.ts';

/** Large enough for any experiment file; nothing else is sent to the host. */
export const bodyLimit = 4 * 1024 * 1024;

/**
 * The parsed body; an empty one is `{}`.
 * @throws user errors `body-type` (no JSON by its header), `body-too-large`, `body-not-json`
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    // Also what keeps simple cross-site forms out.
    throw userError('body-type', 'The body of a call is JSON.', {
      advice: 'Send the header content-type: application/json.',
    });
  }
  if (Number(request.headers['content-length'] ?? 0) > bodyLimit) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) throw new Error('internal: the body came as text');
    size += chunk.length;
    if (size > bodyLimit) throw tooLarge();
    chunks.push(chunk);
  }
  if (size === 0) return {};
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (cause) {
    throw userError(
      'body-not-json',
      `The body of the call is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}.`,
      { cause },
    );
  }
}

function tooLarge(): Error {
  return userError('body-too-large', `The body of a call is larger than ${bodyLimit / 2 ** 20} MB.`);
}
