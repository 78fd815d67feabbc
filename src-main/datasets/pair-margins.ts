/** Rows → by how much the better answer of each should lead, through a template such as `{margin}`. */
import { userError } from '../contract/errors.ts';
import { checkColumns, columnsOf, fillTemplate, parseTemplate } from './map-rows.ts';
import type { PromptRow } from './row.ts';

/**
 * The margin of each row, in order; 0 where the template is left out or a row's text is empty.
 * @param path the file, for errors
 * @throws user errors `data-template`, `data-column`, `data-margin`
 */
export function pairMargins(
  rows: readonly PromptRow[],
  template: string | undefined,
  path: string,
): { readonly values: number[]; readonly warnings: string[] } {
  if (template === undefined) return { values: rows.map(() => 0), warnings: [] };
  const parts = parseTemplate(template, 'data.margin');
  const warnings = checkColumns(rows, columnsOf(parts), 'margin', path);
  const values = rows.map(({ row, index }) => {
    const text = fillTemplate(parts, row).trim();
    const value = text === '' ? 0 : Number(text);
    if (Number.isFinite(value)) return value;
    throw userError('data-margin', `“${text.slice(0, 40)}” in row ${index + 1} is no number.`, {
      where: `${path}, data.margin`,
      advice: 'A margin is a number such as 0.5; leave the column empty where there is none.',
    });
  });
  return { values, warnings };
}
