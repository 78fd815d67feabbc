/**
 * Inverse frequencies of rotary position embeddings: plain, and stretched for longer contexts by position
 * interpolation (`linear`), by the wavelength rule of Llama 3.1 (`llama3`) or by YaRN (arXiv 2309.00071).
 */
import { z } from 'zod';
import type { RopeConfig } from './config.ts';
import { userError } from '../contract/errors.ts';
import { checkFields } from './read-json.ts';

/** The kinds of rotary position embedding that are supported. */
export const ropeTypes = ['default', 'linear', 'llama3', 'yarn'] as const;

const positive = z.number().positive();
const ropeParametersSchema = z.looseObject({
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: positive.nullish(),
  factor: positive.nullish(),
  low_freq_factor: positive.nullish(),
  high_freq_factor: positive.nullish(),
  original_max_position_embeddings: positive.nullish(),
  attention_factor: z.number().min(0).nullish(),
  beta_fast: z.number().min(0).nullish(),
  beta_slow: z.number().min(0).nullish(),
  mscale: z.number().nullish(),
  mscale_all_dim: z.number().nullish(),
  truncate: z.boolean().nullish(),
  partial_rotary_factor: z.number().nullish(),
});
type RopeParameters = z.infer<typeof ropeParametersSchema>;

/** Parameters of the fields that are read; any other is refused, since it may change the numbers. */
const knownFields = new Set(Object.keys(ropeParametersSchema.shape));

/** Every entry: theta^(−2i / headSize). */
function plainFrequencies(headSize: number, theta: number): Float64Array {
  return Float64Array.from({ length: headSize / 2 }, (_, index) => theta ** ((-2 * index) / headSize));
}

/** Llama 3.1: short wavelengths stay, long ones are divided by the factor, those between are interpolated. */
function llama3Frequencies(
  plain: Float64Array,
  factor: number,
  low: number,
  high: number,
  original: number,
): Float64Array {
  return plain.map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength < original / high) return frequency;
    if (wavelength > original / low) return frequency / factor;
    const smooth = (original / wavelength - low) / (high - low);
    return ((1 - smooth) * frequency) / factor + smooth * frequency;
  });
}

/** YaRN: a ramp over the dimensions leads from unchanged (fast) to interpolated (slow) frequencies. */
function yarnFrequencies(
  plain: Float64Array,
  theta: number,
  factor: number,
  original: number,
  options: RopeParameters,
): Float64Array {
  const size = plain.length * 2;
  const dimensionOf = (rotations: number): number =>
    (size * Math.log(original / (rotations * 2 * Math.PI))) / (2 * Math.log(theta));
  // Zero means "not given", as in the reference implementation.
  let low = dimensionOf(options.beta_fast || 32);
  let high = dimensionOf(options.beta_slow || 1);
  if (options.truncate ?? true) {
    low = Math.floor(low);
    high = Math.ceil(high);
  }
  low = Math.max(low, 0);
  high = Math.min(high, size - 1);
  if (low === high) high += 0.001;
  return plain.map((frequency, index) => {
    const interpolated = Math.min(Math.max((index - low) / (high - low), 0), 1);
    return (frequency / factor) * interpolated + frequency * (1 - interpolated);
  });
}

/** Attention factor of YaRN: given, or from the factor, or from the two `mscale` values. */
function yarnScale(factor: number, options: RopeParameters): number {
  if (options.attention_factor != null) return options.attention_factor;
  const scaleOf = (weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  if (options.mscale && options.mscale_all_dim)
    return scaleOf(options.mscale) / scaleOf(options.mscale_all_dim);
  return scaleOf(1);
}

/** Where the parameters were found, and what they build on. */
export interface RopeSource {
  /** The value of `rope_parameters` or `rope_scaling`; null or absent: no scaling. */
  readonly parameters: unknown;
  /** Name of that field, for errors. */
  readonly field: string;
  /** `rope_theta` beside it, used when the parameters hold none. */
  readonly theta: number;
  readonly headSize: number;
  readonly maxPositions: number;
  /** `original_max_position_embeddings` beside it, which wins over the one within. */
  readonly originalPositions: number | undefined;
  /** Path of the configuration, for errors. */
  readonly file: string;
}

/**
 * Rotary position embedding for a configuration. Throws user errors: `model-unsupported` for another kind or an
 * unknown parameter, `model-config-invalid` for a missing or impossible value.
 */
export function ropeConfig(source: RopeSource): RopeConfig {
  const { field, file, headSize, maxPositions } = source;
  const unsupported = (name: string, message: string, advice: string): Error =>
    userError('model-unsupported', message, { where: `${file}, field ${name}`, advice });
  const options = checkFields(source.parameters ?? {}, ropeParametersSchema, `${file}, ${field}`);
  const type = options.rope_type ?? options.type ?? 'default';
  const supported = `Supported kinds of rope: ${ropeTypes.join(', ')}.`;
  // One set of parameters for each kind of layer, as Gemma 3 has it.
  const nested = Object.entries(options).find(
    ([, value]) => typeof value === 'object' && value !== null && !Array.isArray(value),
  );
  if (nested !== undefined && !knownFields.has(nested[0])) {
    throw unsupported(
      `${field}.${nested[0]}`,
      `Rope parameters for each kind of layer ("${nested[0]}") are not supported.`,
      supported,
    );
  }
  const known = ropeTypes.find((name) => name === type);
  if (known === undefined)
    throw unsupported(`${field}.rope_type`, `Rope of the kind "${type}" is not supported.`, supported);
  for (const name of Object.keys(options)) {
    if (!knownFields.has(name)) {
      throw unsupported(
        `${field}.${name}`,
        `The rope parameter "${name}" is not supported.`,
        `Supported parameters: ${[...knownFields].join(', ')}.`,
      );
    }
  }
  if (options.partial_rotary_factor != null && options.partial_rotary_factor !== 1) {
    throw unsupported(
      `${field}.partial_rotary_factor`,
      `Rope on a part of each head (partial_rotary_factor ${options.partial_rotary_factor}) is not supported.`,
      'Supported: partial_rotary_factor 1.',
    );
  }
  const required = (name: string): number => {
    const value = options[name];
    if (typeof value === 'number') return value;
    throw userError('model-config-invalid', `Rope of the kind "${type}" needs "${name}".`, {
      where: `${file}, field ${field}.${name}`,
      advice: 'Take config.json from the original of the model.',
    });
  };
  const theta = options.rope_theta ?? source.theta;
  const plain = plainFrequencies(headSize, theta);
  const original = source.originalPositions ?? options.original_max_position_embeddings ?? maxPositions;
  if (known === 'default') return { inverseFrequencies: plain, scale: 1 };
  if (known === 'linear') {
    const factor = required('factor');
    return { inverseFrequencies: plain.map((frequency) => frequency / factor), scale: 1 };
  }
  if (known === 'llama3') {
    const low = required('low_freq_factor');
    const high = required('high_freq_factor');
    if (high <= low) {
      throw userError(
        'model-config-invalid',
        `"high_freq_factor" (${high}) must be greater than "low_freq_factor" (${low}).`,
        {
          where: `${file}, field ${field}.high_freq_factor`,
          advice: 'Take config.json from the original of the model.',
        },
      );
    }
    return {
      inverseFrequencies: llama3Frequencies(plain, required('factor'), low, high, original),
      scale: 1,
    };
  }
  const factor = options.factor ?? maxPositions / original;
  return {
    inverseFrequencies: yarnFrequencies(plain, theta, factor, original, options),
    scale: yarnScale(factor, options),
  };
}
