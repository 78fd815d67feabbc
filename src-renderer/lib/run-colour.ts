/**
 * The colour and line style that a run keeps in every chart, list and tag. Colours are told apart by
 * colour-blind eyes (after Okabe and Ito); the line style is the second cue.
 */
export interface RunStyle {
  /** Name of a custom property in tokens.css. */
  readonly colour: string;
  /** Lengths of dash and gap in pixels; empty is a full line. */
  readonly dash: readonly number[];
}

const colourCount = 6;
const dashes: readonly (readonly number[])[] = [[], [6, 3], [2, 2], [8, 3, 2, 3]];

/** The same run id always gives the same style. */
export function runStyle(runId: string): RunStyle {
  let hash = 2166136261;
  for (let index = 0; index < runId.length; index += 1) {
    hash = Math.imul(hash ^ runId.charCodeAt(index), 16777619) >>> 0;
  }
  const dash = dashes[Math.floor(hash / colourCount) % dashes.length] ?? [];
  return { colour: `--data-${(hash % colourCount) + 1}`, dash };
}
