/**
 * The vocabulary that architectures are written in. One description of a model serves two implementations: layers that
 * can be differentiated (training-layers.ts) and layers that go on from a key-value cache (decoding-layers.ts).
 * `V` is a value of the implementation: one hidden vector for each token.
 */
export interface Layers<V> {
  /** Rows of an embedding table for the tokens. */
  embed(table: string): V;
  /** Adds rows of a table of learned positions. */
  addPositions(x: V, table: string): V;
  rmsNorm(x: V, weight: string): V;
  layerNorm(x: V, weight: string, bias: string): V;
  /** x · Wᵀ (+ bias) (+ residual), with W [out, in]; or x · W with W [in, out] where `transposed`. */
  linear(x: V, weight: string, options?: LinearOptions<V>): V;
  /** Several linear maps of the same input; their weights (and biases) lie one after the other. */
  linears(x: V, weights: readonly string[], biases: readonly string[] | null): V[];
  /** Cuts vectors into parts of these widths. */
  split(x: V, widths: readonly number[]): V[];
  /** RMS norm of each head by itself (Qwen3). */
  headNorm(x: V, weight: string): V;
  /** Causal attention with rotary positions where the model has them; `window` tokens back, or all. */
  attention(q: V, k: V, v: V, layer: number, window: number | null): V;
  /** gate · sigmoid(gate) · up. */
  gatedSilu(gate: V, up: V): V;
  gelu(x: V, form: 'tanh' | 'exact'): V;
}

export interface LinearOptions<V> {
  readonly bias?: string | null;
  readonly residual?: V;
  readonly transposed?: boolean;
}

/** Names of the tensors around the blocks. */
export interface NetworkEnds {
  readonly embedding: string;
  /** The matrix that gives logits: the embedding itself where they are tied. */
  readonly head: string;
}
