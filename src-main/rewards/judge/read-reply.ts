/** What every reply of a judge is read with: thoughts are taken off, and JSON is found wherever it stands. */
import { z } from 'zod';

/** A reply is read up to this length; judgements are a few sentences. */
const longestReply = 65_536;
/** Places at which a JSON object is looked for, from the end. */
const mostPlaces = 64;

export type ReadJudgement<T> =
  | { readonly verdict: T; readonly reason: string }
  /** Why it could not be read, as a clause. */
  | { readonly unreadable: string };

/**
 * The part of a reply that is meant to be read: behind what a thinking model thought (`<think>…</think>`).
 * @returns null where the judge did not come to an end of its thoughts, or said nothing
 */
export function spokenPart(reply: string): string | null {
  const text = reply.slice(-longestReply);
  const end = text.lastIndexOf('</think>');
  const spoken = end === -1 ? text : text.slice(end + '</think>'.length);
  return spoken.includes('<think>') || spoken.trim() === '' ? null : spoken.trim();
}

const objectSchema = z.record(z.string(), z.unknown());

/** The last JSON object in a text that has one of these fields (whatever their case), with lower-case names. */
export function lastObjectWith(text: string, fields: readonly string[]): Record<string, unknown> | null {
  let start = text.length;
  for (let tried = 0; tried < mostPlaces && start > 0; tried++) {
    start = text.lastIndexOf('{', start - 1);
    if (start === -1) return null;
    const object = objectAt(text, start);
    if (object !== null && fields.some((field) => Object.hasOwn(object, field))) return object;
  }
  return null;
}

function objectAt(text: string, start: number): Record<string, unknown> | null {
  const end = endOfObject(text, start);
  if (end === -1) return null;
  try {
    const parsed = objectSchema.safeParse(JSON.parse(text.slice(start, end)));
    if (!parsed.success) return null;
    return Object.fromEntries(Object.entries(parsed.data).map(([key, value]) => [key.toLowerCase(), value]));
  } catch {
    // Braces in prose; what is labelled is looked for next.
    return null;
  }
}

/** Behind the brace that closes the one at `start`; -1 where none does. */
function endOfObject(text: string, start: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character === '\\') at++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return at + 1;
  }
  return -1;
}

const longestReason = 400;

/** The reason that a judgement gives, on one line; for text without a field for it, the text itself. */
export function reasonOf(object: Record<string, unknown> | null, text: string): string {
  const given =
    object?.['reason'] ?? object?.['explanation'] ?? object?.['reasoning'] ?? object?.['rationale'];
  const words = typeof given === 'string' && given.trim() !== '' ? given : object === null ? text : '';
  const line = words.replace(/\s+/g, ' ').trim().toWellFormed();
  return line.length <= longestReason ? line : `${line.slice(0, longestReason - 1).toWellFormed()}…`;
}
