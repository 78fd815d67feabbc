/** Lines of plain text → rows with the one column `text`; blank lines are skipped. */
import type { Row } from './row.ts';
import type { TextPiece } from './text-pieces.ts';

/** Reads rows in batches, one batch for each piece of text. */
export async function* readTextLines(pieces: AsyncIterable<TextPiece>): AsyncGenerator<Row[]> {
  for await (const { text } of pieces) {
    const rows = text
      .split(/\r\n|\n|\r/)
      .filter((line) => line.trim() !== '')
      .map((line): Row => ({ text: line }));
    if (rows.length > 0) yield rows;
  }
}
