/**
 * The peers: scripts of test/peers in a Python of the user, each set up as test/peers/README.md found best. What they
 * print is parsed here into the same terms as Espalier's own measurements.
 */
import { z } from 'zod';
import type { PresetName } from './presets.ts';

/** One set-up of one peer. */
export interface Peer {
  readonly name: string;
  readonly script: 'peer_train_step.py' | 'peer_generate.py' | 'peer_grpo.py' | 'peer_data.py';
  /** Words after those that every run gets: preset, folder, threads. */
  readonly words: readonly string[];
  /** Whether it writes the inputs of this measurement beside the weights: it must run before the others. */
  readonly writesInputs?: true;
  /** Absent where it reads the weights of the preset. */
  readonly needsWeights?: false;
  /** Whether it runs only when the fastest set-ups are asked for: other precision, or compiled. */
  readonly extra?: true;
}

const trainStep = (name: string, ...words: string[]): Peer => ({
  name,
  script: 'peer_train_step.py',
  words,
});
const generate = (name: string, ...words: string[]): Peer => ({ name, script: 'peer_generate.py', words });

/** Set-ups of the training step. PyTorch in float32, eager, is the one that is compared with. */
export function trainPeers(preset: PresetName): readonly Peer[] {
  return [
    trainStep('pytorch-f32', '--dtype', 'f32'),
    trainStep('pytorch-bf16', '--dtype', 'bf16'),
    ...(preset === 'starter'
      ? [
          {
            ...trainStep('pytorch-f32-compiled', '--dtype', 'f32', '--compile', 'layers'),
            extra: true,
          } as const,
        ]
      : []),
  ];
}

/** Set-ups of sampling: all weights in float32, then what is faster with less. */
export function samplePeers(preset: PresetName): readonly Peer[] {
  const transformers = ['--engine', 'transformers', '--type'];
  const llama = ['--engine', 'llama.cpp', '--type'];
  const genai = ['--engine', 'genai', '--sampler', 'gumbel', '--type'];
  return [
    { ...generate('transformers', ...transformers, 'f32'), writesInputs: true },
    generate('llama.cpp', ...llama, 'f32'),
    generate('onnxruntime-genai', ...genai, 'f32'),
    ...(preset === 'smol135'
      ? [{ ...generate('transformers-bf16', ...transformers, 'bf16'), extra: true } as const]
      : []),
    { ...generate('llama.cpp-q8_0', ...llama, 'q8_0'), extra: true },
    { ...generate('onnxruntime-genai-int8', ...genai, 'int8'), extra: true },
  ];
}

/** TRL in float32, all answers of a step in one pass. */
export const grpoPeers: readonly Peer[] = [
  { name: 'trl', script: 'peer_grpo.py', words: ['--dtype', 'f32'], writesInputs: true },
];

/** pyarrow to Python rows; it writes the file that both read. */
export const parquetPeers: readonly Peer[] = [
  { name: 'pyarrow', script: 'peer_data.py', words: [], writesInputs: true, needsWeights: false },
];

/** A peer's result in the terms of Espalier's measurements, or why it could not run. */
export type PeerResult =
  | { readonly ok: true; readonly measured: Record<string, number> }
  | { readonly ok: false; readonly reason: string };

const skippedSchema = z.object({ skipped: z.string() });
const common = { peak_rss_mb: z.number() };
const trainSchema = z.object({
  ...common,
  benchmark: z.literal('peer_train_step'),
  median_s: z.number(),
  gflops_matmul: z.number(),
  first_loss: z.number(),
  first_gradient_norm: z.number(),
  last_loss: z.number(),
});
const generateSchema = z.object({
  ...common,
  benchmark: z.literal('peer_generate'),
  median_s: z.number(),
  tokens_per_s: z.number(),
});
const grpoSchema = z.object({
  ...common,
  benchmark: z.literal('peer_grpo'),
  step_s: z.number(),
  generation_s: z.number(),
  learning_s: z.number(),
  reward_s: z.number(),
  mean_completion_tokens: z.number(),
  generated_tokens_per_s: z.number(),
});
const dataSchema = z.object({
  ...common,
  benchmark: z.literal('peer_data'),
  rows_per_s: z.number(),
});
const resultSchema = z.discriminatedUnion('benchmark', [trainSchema, generateSchema, grpoSchema, dataSchema]);

/** Reads the JSON value that a peer script printed. */
export function readPeerResult(value: unknown): PeerResult {
  const skipped = skippedSchema.safeParse(value);
  if (skipped.success) return { ok: false, reason: skipped.data.skipped };
  const parsed = resultSchema.safeParse(value);
  if (!parsed.success) return { ok: false, reason: 'it printed something that is no result' };
  const result = parsed.data;
  const memory = result.peak_rss_mb * 1e6;
  switch (result.benchmark) {
    case 'peer_train_step':
      return {
        ok: true,
        measured: {
          seconds: result.median_s,
          gflops: result.gflops_matmul,
          firstLoss: result.first_loss,
          firstNorm: result.first_gradient_norm,
          lastLoss: result.last_loss,
          memory,
        },
      };
    case 'peer_generate':
      return {
        ok: true,
        measured: { seconds: result.median_s, tokensPerSecond: result.tokens_per_s, memory },
      };
    case 'peer_data':
      return { ok: true, measured: { rows: result.rows_per_s, memory } };
    case 'peer_grpo':
      return {
        ok: true,
        measured: {
          seconds: result.step_s,
          generateSeconds: result.generation_s,
          rewardSeconds: result.reward_s,
          learnSeconds: result.learning_s,
          answerTokens: result.mean_completion_tokens,
          tokensPerSecond: result.generated_tokens_per_s,
          memory,
        },
      };
  }
}
