/** Reading the JSONL files that commands take as input, row by row, with errors that name file, line and field. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { EspalierError, userError } from '../../contract/errors.ts';
import { parseJson } from '../../datasets/parse-json.ts';
import type { CommandContext } from './command.ts';

/**
 * The text of a file that the user named; `-` reads standard input.
 * @throws EspalierError `file-missing`, `file-unreadable`
 */
export function readTextFile(context: CommandContext, name: string, what: string): string {
  const file = name === '-' ? 0 : path.resolve(context.workingDirectory, name);
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT') {
      throw userError('file-missing', `There is no ${what} at this path.`, {
        where: String(file),
        advice: 'Check the path; relative paths start in the folder where the command runs.',
        cause: error,
      });
    }
    if (code === 'EISDIR') {
      throw userError('file-missing', `This is a folder; the ${what} is a file.`, {
        where: String(file),
        cause: error,
      });
    }
    throw new EspalierError('environment', 'file-unreadable', `The ${what} cannot be read (${code}).`, {
      where: String(file),
      cause: error,
    });
  }
}

/** How a JSON value looks in an error message. */
function brief(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/**
 * Parses JSONL: one row a line, empty lines skipped, lines end at \n alone.
 * Whole numbers beyond 2^53 stay exact, as text.
 * @throws EspalierError `data-json`: a line that is no JSON; `rows-invalid`: another form; `rows-empty`: no row at all.
 */
export function parseRows<S extends z.ZodType>(
  text: string,
  file: string,
  schema: S,
  form: string,
): z.output<S>[] {
  const rows: z.output<S>[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const where = `${file}, line ${index + 1}`;
    const value = parseJson(line, { path: file, firstLine: index + 1 });
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      throw userError('rows-invalid', `This row has another form than is read here: ${brief(value)}`, {
        where,
        advice: `Each line is one row: ${form}.`,
      });
    }
    rows.push(parsed.data);
  }
  if (rows.length === 0) {
    throw userError('rows-empty', 'The file has no rows.', {
      where: file,
      advice: `Each line is one row: ${form}.`,
    });
  }
  return rows;
}
