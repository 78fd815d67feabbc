/**
 * Advantages from values estimated at some positions inside an answer (VinePPO, TRePO). A position is a number of
 * tokens already written; the value at the end of an answer is always its own reward.
 */

export interface Anchor {
  /** Tokens already written: 0 up to length − 1. */
  readonly position: number;
  /** Estimated E[reward | the first `position` tokens], such as the mean reward of fresh continuations. */
  readonly value: number;
}

/**
 * One advantage for each token from anchors in ascending order, the first at position 0.
 * `segment`: each token between two anchors gets the whole difference of their values (unbiased).
 * `linear`: values in between lie on straight lines, so the difference is divided by the number of tokens.
 * Throws RangeError for anchors out of order or outside the answer.
 */
export function anchorAdvantages(
  length: number,
  anchors: readonly Anchor[],
  reward: number,
  between: 'segment' | 'linear',
): Float64Array {
  const advantages = new Float64Array(length);
  if (length === 0) return advantages;
  if (anchors[0]?.position !== 0) throw new RangeError('the first anchor must be at position 0');
  anchors.forEach((anchor, index) => {
    const next = anchors[index + 1] ?? { position: length, value: reward };
    const tokens = next.position - anchor.position;
    if (tokens <= 0) throw new RangeError(`anchor ${index} at position ${anchor.position} of ${length}`);
    const difference = next.value - anchor.value;
    advantages.fill(between === 'segment' ? difference : difference / tokens, anchor.position, next.position);
  });
  return advantages;
}

/** A token drawn for a direct estimate: the values after and before it (`token` counts from 1). */
export interface SparseToken {
  readonly token: number;
  readonly before: number;
  readonly after: number;
}

/**
 * Advantages of the drawn tokens only, each weighted by 1 / probability of being drawn, so that the sum over
 * draws has the right expectation; 0 elsewhere.
 */
export function sparseAdvantages(
  length: number,
  drawn: readonly SparseToken[],
  probability: number,
): Float64Array {
  const advantages = new Float64Array(length);
  for (const { token, before, after } of drawn) {
    if (token < 1 || token > length) throw new RangeError(`token ${token} of ${length}`);
    advantages[token - 1] = (after - before) / probability;
  }
  return advantages;
}
