/** Advantages from a critic: generalized advantage estimation without discount, as PPO uses it. */

export interface GeneralizedAdvantages<A extends Float32Array | Float64Array> {
  readonly advantages: A;
  /** What the critic should have said before each token: advantage + value. */
  readonly returns: A;
}

/**
 * `rewards[t]` is what token t earned (the answer's reward on its last token, less any KL penalty), `values[t]`
 * what the critic said before token t; after the last token the value is 0. λ = 1 is unbiased for any critic;
 * a smaller λ trusts the critic more.
 * Source: Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage Estimation", eq. 16.
 * Throws RangeError when the lists differ in length.
 */
export function generalizedAdvantages(
  rewards: ArrayLike<number>,
  values: ArrayLike<number>,
  lambda: number,
): GeneralizedAdvantages<Float64Array> {
  const into = { advantages: new Float64Array(rewards.length), returns: new Float64Array(rewards.length) };
  fillGeneralizedAdvantages(into, rewards, values, lambda);
  return into;
}

/** The same into given arrays, in one pass: batches have millions of tokens. */
export function fillGeneralizedAdvantages<A extends Float32Array | Float64Array>(
  { advantages, returns }: GeneralizedAdvantages<A>,
  rewards: ArrayLike<number>,
  values: ArrayLike<number>,
  lambda: number,
): void {
  const length = rewards.length;
  for (const list of [values, advantages, returns])
    if (list.length !== length) throw new RangeError(`${length} rewards, ${list.length} values`);
  let ahead = 0;
  let next = 0;
  for (let token = length - 1; token >= 0; token--) {
    const value = values[token]!;
    ahead = rewards[token]! + next - value + lambda * ahead;
    advantages[token] = ahead;
    returns[token] = ahead + value;
    next = value;
  }
}
