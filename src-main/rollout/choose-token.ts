/** Draws a token from the distribution that the graph gave. */
export interface TokenChoice {
  readonly topP: number;
  readonly topK: number;
}

/** The most probable token; the first of equals. */
export function mostProbable(probabilities: Float32Array): number {
  let best = 0;
  for (let token = 1; token < probabilities.length; token++) {
    if ((probabilities[token] ?? 0) > (probabilities[best] ?? 0)) best = token;
  }
  return best;
}

/** The token at which the cumulative sum (in double precision) passes u, 0 ≤ u < 1. */
export function drawToken(probabilities: Float32Array, u: number): number {
  let sum = 0;
  let last = 0;
  for (let token = 0; token < probabilities.length; token++) {
    const probability = probabilities[token] ?? 0;
    if (probability === 0) continue;
    sum += probability;
    last = token;
    if (sum > u) return token;
  }
  // The sum of a float32 softmax may miss 1 by a few millionths.
  return last;
}

/** Draws among the `topK` most probable tokens (0: all) and, of these, the fewest whose probabilities reach `topP`. */
export function drawRestricted(probabilities: Float32Array, u: number, { topP, topK }: TokenChoice): number {
  const order = Array.from(probabilities.keys())
    .filter((token) => (probabilities[token] ?? 0) > 0)
    .sort((a, b) => (probabilities[b] ?? 0) - (probabilities[a] ?? 0) || a - b);
  const kept: number[] = [];
  let sum = 0;
  for (const token of topK > 0 ? order.slice(0, topK) : order) {
    kept.push(token);
    sum += probabilities[token] ?? 0;
    if (sum >= topP) break;
  }
  let passed = 0;
  for (const token of kept) {
    passed += probabilities[token] ?? 0;
    if (passed > u * sum) return token;
  }
  return kept.at(-1) ?? mostProbable(probabilities);
}
