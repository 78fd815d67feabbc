/** Ranks with ties, and Spearman's rank correlation. */

/** Rank of each value from 1 (smallest); equal values share the mean of their ranks. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, index) => index).sort(
    (a, b) => values[a]! - values[b]!,
  );
  const result = new Float64Array(values.length);
  for (let first = 0; first < order.length;) {
    let end = first + 1;
    while (end < order.length && values[order[end]!] === values[order[first]!]) end++;
    for (let place = first; place < end; place++) result[order[place]!] = (first + 1 + end) / 2;
    first = end;
  }
  return result;
}

/**
 * Spearman's ρ: the correlation of the ranks. Null where there are fewer than two pairs or one list does not vary.
 * Source: Spearman, "The Proof and Measurement of Association between Two Things" (1904), with mean ranks for ties.
 */
export function rankCorrelation(first: ArrayLike<number>, second: ArrayLike<number>): number | null {
  if (first.length !== second.length) throw new RangeError(`${first.length} and ${second.length} values`);
  const a = ranks(first);
  const b = ranks(second);
  const middle = (a.length + 1) / 2;
  let [product, squareA, squareB] = [0, 0, 0];
  for (let index = 0; index < a.length; index++) {
    const x = a[index]! - middle;
    const y = b[index]! - middle;
    product += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return squareA === 0 || squareB === 0 ? null : product / Math.sqrt(squareA * squareB);
}
