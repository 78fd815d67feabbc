/** The known name that a mistyped one most likely means; for error messages about fields, options and commands. */

/** Edits (insert, delete, replace, swap of neighbours) that turn one text into the other. */
export function editDistance(left: string, right: string): number {
  const rows = left.length + 1;
  const columns = right.length + 1;
  const table = new Uint32Array(rows * columns);
  const at = (row: number, column: number): number => table[row * columns + column] ?? 0;
  for (let row = 0; row < rows; row++) table[row * columns] = row;
  for (let column = 0; column < columns; column++) table[column] = column;
  for (let row = 1; row < rows; row++) {
    for (let column = 1; column < columns; column++) {
      const same = left[row - 1] === right[column - 1];
      let best = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) best = Math.min(best, at(row - 2, column - 2) + 1);
      table[row * columns + column] = best;
    }
  }
  return at(rows - 1, columns - 1);
}

/**
 * The name nearest to `wrong`, or undefined where none is near enough to be meant: at most a third of the longer
 * name differs (case and - _ do not count), or one begins with the other.
 */
export function nearestName(wrong: string, known: readonly string[]): string | undefined {
  const simple = (text: string): string => text.toLowerCase().replaceAll(/[-_ ]/g, '');
  const target = simple(wrong);
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const candidate = simple(name);
    const shared = target.length >= 3 && (candidate.startsWith(target) || target.startsWith(candidate));
    const distance = shared ? 0.5 : editDistance(target, candidate);
    const limit = Math.max(1, Math.floor(Math.max(target.length, candidate.length) / 3));
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}
