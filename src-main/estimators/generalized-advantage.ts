/** Advantages from a critic: generalized advantage estimation without discount, as PPO uses it. */

export interface GeneralizedAdvantages {
  readonly advantages: Float64Array;
  /** What the critic should have said before each token: advantage + value. */
  readonly returns: Float64Array;
}

/**
 * `rewards[t]` is what token t earned (the answer's reward on its last token, less any KL penalty), `values[t]`
 * what the critic said before token t; after the last token the value is 0. λ = 1 is unbiased for any critic;
 * a smaller λ trusts the critic more.
 */
export function generalizedAdvantages(
  rewards: ArrayLike<number>,
  values: ArrayLike<number>,
  lambda: number,
): GeneralizedAdvantages {
  const length = rewards.length;
  if (values.length !== length) throw new RangeError(`${length} rewards, ${values.length} values`);
  const advantages = new Float64Array(length);
  let ahead = 0;
  for (let token = length - 1; token >= 0; token--) {
    const next = token + 1 < length ? values[token + 1]! : 0;
    ahead = rewards[token]! + next - values[token]! + lambda * ahead;
    advantages[token] = ahead;
  }
  return { advantages, returns: advantages.map((advantage, token) => advantage + values[token]!) };
}
