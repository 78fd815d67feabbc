/** The order of a bench's answers: as they came, or by the total or one component. */
import type { GradedAnswer } from '../../src-main/contract/reward-bench.ts';

/** `column`: `total`, a component's name, or empty for the order in which they came. */
export interface BenchOrder {
  readonly column: string;
  readonly direction: 'down' | 'up';
}

/** Reads an order such as `total.down`; anything else is the order in which the answers came. */
export function parseBenchOrder(text: string | undefined): BenchOrder {
  const [, column = '', direction] = /^(.+)\.(down|up)$/.exec(text ?? '') ?? [];
  return { column, direction: direction === 'up' ? 'up' : 'down' };
}

/** The order after a click on a column: best first, then worst first, then as they came. */
export function nextBenchOrder({ column, direction }: BenchOrder, clicked: string): string {
  if (column !== clicked) return `${clicked}.down`;
  return direction === 'down' ? `${clicked}.up` : '';
}

export function valueIn(answer: GradedAnswer, column: string): number | null {
  if (column === 'total') return answer.total;
  return answer.components.find(({ name }) => name === column)?.value ?? null;
}

/** Places of the answers in this order; those without a value come last. */
export function orderedPlaces(
  rows: readonly GradedAnswer[],
  places: readonly number[],
  { column, direction }: BenchOrder,
): number[] {
  if (column === '') return [...places];
  const sign = direction === 'up' ? 1 : -1;
  const valueOf = (place: number): number | null => {
    const row = rows[place];
    return row === undefined ? null : valueIn(row, column);
  };
  return [...places].sort((one, other) => {
    const a = valueOf(one);
    const b = valueOf(other);
    if (a === null || b === null) return Number(a === null) - Number(b === null) || one - other;
    return sign * (a - b) || one - other;
  });
}
