/** Texts with {answer} and column names in braces, filled in from the row of an answer. */
import { columnText, columnValue } from '../datasets/column-path.ts';
import type { RewardItem } from './outcome.ts';

type Part = { readonly text: string } | { readonly column: string };

const known = new WeakMap<readonly string[], readonly (readonly Part[])[]>();

/**
 * Takes texts apart; braces that hold no name, such as those of code, stand for themselves.
 * @param texts a list of the configuration: each list is taken apart once
 */
function partsOf(texts: readonly string[]): readonly (readonly Part[])[] {
  const present = known.get(texts);
  if (present !== undefined) return present;
  const parts = texts.map((text) =>
    text
      .split(/(\{[^{}\n]{1,200}\})/)
      .filter((piece) => piece !== '')
      .map((piece): Part => {
        const name = /^\{([^{}\n]+)\}$/.exec(piece)?.[1]?.trim() ?? '';
        return name === '' ? { text: piece } : { column: name };
      }),
  );
  known.set(texts, parts);
  return parts;
}

/** What a list of texts stands for in one row. */
export type FilledTexts = { readonly texts: readonly string[] } | { readonly problem: string };

/** Fills the texts of a setting; `problem` where a column is missing or a text comes out empty. */
export function fillTexts(
  texts: readonly string[],
  { row, reference }: Pick<RewardItem, 'row' | 'reference'>,
): FilledTexts {
  const filled: string[] = [];
  for (const parts of partsOf(texts)) {
    let text = '';
    for (const part of parts) {
      if ('text' in part) text += part.text;
      else if (part.column === 'answer') text += reference;
      else if (columnValue(row, part.column) === undefined)
        return { problem: `the row has no column “${part.column}”` };
      else text += columnText(row, part.column);
    }
    if (text.trim() === '') {
      const names = parts.flatMap((part) => ('column' in part ? [`{${part.column}}`] : []));
      return { problem: `${names.join(' ') || 'a text'} is empty in this row` };
    }
    filled.push(text);
  }
  return { texts: filled };
}
