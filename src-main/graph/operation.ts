/**
 * The operations that graphs are made of. Shape rule, gradient rule and ONNX emission are tables over
 * `OperationKind` (shape-rules.ts, gradient-rules.ts, emission.ts): an operation without an entry in each
 * does not compile.
 */
import type { Shape } from './dimension.ts';

export type ElementType = 'float32' | 'int32' | 'int64' | 'bool';

export type UnaryKind = 'neg' | 'exp' | 'log' | 'sqrt' | 'reciprocal' | 'tanh' | 'sigmoid' | 'erf' | 'silu';
export type BinaryKind = 'add' | 'sub' | 'mul' | 'div' | 'max' | 'min';

/** Attributes of each operation; the inputs are listed beside each. */
export interface OperationAttributes {
  /** Fed at every run. */
  input: { readonly name: string; readonly shape: Shape; readonly type: ElementType };
  /** A weight, or rows [start, end) of one: fed from where the optimizer keeps it. */
  parameter: {
    readonly name: string;
    readonly shape: Shape;
    readonly rows: readonly [number, number] | null;
  };
  /** Several weights that lie one after the other in memory, seen as one matrix [sum of rows, columns]. Inference only. */
  joinedParameter: { readonly names: readonly string[]; readonly shape: Shape };
  scalar: { readonly value: number };

  neg: object;
  exp: object;
  log: object;
  sqrt: object;
  reciprocal: object;
  tanh: object;
  sigmoid: object;
  erf: object;
  /** x · sigmoid(x). */
  silu: object;

  /** (gate, sigmoid(gate), up) → gate · sigmoid(gate) · up. The gradient goes through the sigmoid as well. */
  gatedSilu: object;

  /** Two inputs of shapes that broadcast. */
  add: object;
  sub: object;
  mul: object;
  div: object;
  max: object;
  min: object;
  /** a ≤ b as 0 or 1 in float32. */
  lessOrEqual: object;

  /** Passes its input on and stops the gradient. */
  detach: object;

  /** a [m, k] (or [k, m]), b [k, n] (or [n, k]), optionally c, broadcast to [m, n] and added. */
  gemm: { readonly transposeA: boolean; readonly transposeB: boolean };
  /** Batched product over equal leading axes, times alpha. */
  matmul: { readonly transposeA: boolean; readonly transposeB: boolean; readonly alpha: number };

  transpose: { readonly permutation: readonly number[] };
  reshape: { readonly shape: Shape };
  slice: { readonly axis: number; readonly start: number; readonly end: number };
  concat: { readonly axis: number };

  /** Sum over axes, which stay as 1. */
  reduceSum: { readonly axes: readonly number[] };
  /** Largest over the last axis, which stays as 1. Not differentiable. */
  reduceMax: object;
  /** Over the last axis. */
  softmax: object;

  /** (table [v, d], ids [n] int32) → [n, d]. Its table gradient is rows to be added, not a matrix. */
  embed: object;
  /** (x [n, d], rows [m] int32, inverse [n] int32): picks rows that are all different; inverse[i] is where row i went, m where nowhere. */
  pickRows: object;
  /** (y [m, d], rows [m], inverse [n]): the reverse of pickRows; rows that nothing went to are 0. */
  placeRows: object;

  /** (x [B, H, T, d], positions [B, T] int64, cos [P, d/2], sin [P, d/2]): rotates pairs (i, i + d/2). */
  rope: object;
  /** (scores, weights = softmax(scores), values): weights · values. The gradient goes to scores and values. */
  attend: object;
  /** (x [n, d], inverse root mean square r [n, 1], w [d]): x · r · w. The gradient goes through r as well. */
  rmsNorm: object;
  /** (x [n, d], mean [n, 1], inverse deviation [n, 1], w [d], b [d]). The gradient goes through the statistics as well. */
  layerNorm: object;
  /**
   * (h [m, d], target rows [m, d], targets [m] int32, log-sum-exp [m, 1], then for each vocabulary slice: its rows [v, d],
   * its softmax [m, v], its share of the whole [m, 1]) → log-probability of the targets [m, 1].
   */
  logProbability: { readonly slices: number };
  /**
   * (h [m, d], mean of the vocabulary's rows under the softmax [m, d], log-sum-exp [m, 1], then for each vocabulary slice: its
   * rows [v, d], its softmax [m, v], its share of the whole [m, 1], its own log-sum-exp [m, 1]) → entropies [m, 1].
   */
  entropy: { readonly slices: number };

  /** (x [n, d], w [d]): x / sqrt(mean(x²) + eps) · w in one pass (inference only). */
  fusedRmsNorm: { readonly eps: number };

  /**
   * Attention over a cache that is updated in place (inference only): (q [B, S, H·d], k, v [B, S, K·d], past keys and values
   * [B, K, P, d], last positions [B] int32, longest length [1] int32, cos, sin) → [B, S, H·d]. Where `packed`, q, k and v are
   * one input [B, S, (H + 2K)·d]. Named outputs hold the caches.
   */
  cachedAttention: {
    readonly packed: boolean;
    readonly heads: number;
    readonly keyValueHeads: number;
    readonly scale: number;
    readonly window: number | null;
    readonly rope: boolean;
    readonly presentKey: string;
    readonly presentValue: string;
  };
}

export type OperationKind = keyof OperationAttributes;

/** One operation with its attributes. */
export type Operation = {
  [K in OperationKind]: { readonly kind: K } & OperationAttributes[K];
}[OperationKind];
export type OperationOf<K extends OperationKind> = Extract<Operation, { kind: K }>;
