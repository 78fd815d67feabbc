/** The JSON of an answer: bare, or as the only code fence that it consists of. */

/** Brackets nested deeper than this are not read: readers differ in what they can take. */
export const DEEPEST_JSON = 500;

const FENCE = /^```(?:json|JSON|Json)?[ \t]*\r?\n?/;

/** The text in which JSON is looked for: trimmed, and without the code fence around all of it where one may be. */
export function jsonText(response: string, fenced: boolean): string {
  const text = response.trim();
  if (!fenced || !text.startsWith('```')) return text;
  const body = text.replace(FENCE, '');
  return body.endsWith('```') ? body.slice(0, -3).trim() : text;
}

/** What an answer's JSON is. */
export type ParsedJson =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

/** Parses it; the reason in words when it is none. */
export function parseAnswerJson(text: string): ParsedJson {
  if (text === '') return { ok: false, reason: 'empty answer' };
  if (text.length > 2 * DEEPEST_JSON && tooDeep(text)) return { ok: false, reason: 'nested too deeply' };
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch {
    return { ok: false, reason: 'no JSON' };
  }
}

function tooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x22) inString = !inString;
    else if (inString) {
      if (unit === 0x5c) i += 1;
    } else if (unit === 0x5b || unit === 0x7b) {
      depth += 1;
      if (depth > DEEPEST_JSON) return true;
    } else if (unit === 0x5d || unit === 0x7d) depth -= 1;
  }
  return false;
}
