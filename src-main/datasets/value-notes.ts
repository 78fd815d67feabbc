/** Says once for each column what its values lose, or are changed into, on the way to JSON. */
import type { OnWarning } from './row.ts';

/** What may happen to a value of a typed file. */
export type ValueNote = 'nan' | 'infinity' | 'large-integer' | 'bytes' | 'not-utf8';

const texts: Record<ValueNote, string> = {
  nan: 'holds NaN, which counts as missing',
  infinity: 'holds infinite numbers, which are kept as the texts “Infinity” and “-Infinity”',
  'large-integer': 'holds whole numbers beyond 2^53 that would lose digits; they are kept as text',
  bytes: 'holds bytes, not text; they are shown in base64',
  'not-utf8': 'holds text that is not valid UTF-8; what cannot be read became U+FFFD',
};

/** A function to report notes to: each kind becomes one warning for each column. */
export function noteOnce(
  path: string,
  onWarning: OnWarning | undefined,
): (column: string, what: ValueNote) => void {
  const told = new Set<string>();
  return (column, what) => {
    const key = `${what}:${column}`;
    if (told.has(key)) return;
    told.add(key);
    onWarning?.(`${path}: column “${column}” ${texts[what]}.`);
  };
}
