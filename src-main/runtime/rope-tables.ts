/** Cosines and sines of rotary position embedding, made to the length that is needed. */
import type { RopeConfig } from '../models/config.ts';

export interface RopeTables {
  /** [length, headSize / 2] each. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly length: number;
  readonly half: number;
}

/** Angle of position p and frequency f is p·f; both are scaled by the attention factor (YaRN). */
export function ropeTables({ inverseFrequencies, scale }: RopeConfig, length: number): RopeTables {
  const half = inverseFrequencies.length;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let position = 0; position < length; position++) {
    for (let index = 0; index < half; index++) {
      // transformers computes the angle in float32; in double the difference is below its rounding.
      const angle = position * (inverseFrequencies[index] ?? 0);
      cos[position * half + index] = Math.cos(angle) * scale;
      sin[position * half + index] = Math.sin(angle) * scale;
    }
  }
  return { cos, sin, length, half };
}
