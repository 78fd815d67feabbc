/** The optimizer kernel of adamw.wat, assembled and bound to the memory that holds weights, moments and gradients. */
import { adamWBinary } from './adamw-binary.ts';

export interface AdamWRange {
  /** Byte addresses of equally long float32 arrays, and their length in floats (a multiple of 4). */
  readonly weights: number;
  readonly firstMoment: number;
  readonly secondMoment: number;
  readonly gradient: number;
  readonly count: number;
}

export interface AdamWStep {
  /** Number of this update, from 1. */
  readonly step: number;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Factor on the gradient (clipping); 1 for none. */
  readonly gradientScale: number;
}

export interface AdamWKernel {
  /** Σ x² of a float32 array in double precision. */
  sumOfSquares(address: number, count: number): number;
  update(range: AdamWRange, step: AdamWStep): void;
}

/** Binds the kernel to a memory. */
export async function bindAdamW(memory: WebAssembly.Memory): Promise<AdamWKernel> {
  const bytes = Uint8Array.from(Buffer.from(adamWBinary, 'base64'));
  const { instance } = await WebAssembly.instantiate(bytes, { host: { memory } });
  const { sumOfSquares, adamw } = instance.exports;
  if (typeof sumOfSquares !== 'function' || typeof adamw !== 'function')
    throw new Error('internal: adamw.wat lacks an export');
  const sum = sumOfSquares as (address: number, count: number) => number;
  const apply = adamw as (...numbers: number[]) => void;
  return {
    sumOfSquares: sum,
    update(range, { step, learningRate, beta1, beta2, eps, weightDecay, gradientScale }) {
      apply(
        range.weights,
        range.firstMoment,
        range.secondMoment,
        range.gradient,
        range.count,
        gradientScale,
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        1 - learningRate * weightDecay,
        learningRate / (1 - beta1 ** step),
        1 / Math.sqrt(1 - beta2 ** step),
        eps,
      );
    },
  };
}
