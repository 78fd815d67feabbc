/** The shapes that benchmarks run on, those of the peer scripts in test/peers/peer_common.py. Weights are random. */
import type { ModelConfig } from '../../models/config.ts';
import { parseModelConfig } from '../../models/read-config.ts';

export const presetNames = ['starter', 'smol135'] as const;
export type PresetName = (typeof presetNames)[number];

interface Preset {
  readonly shape: Readonly<Record<string, number>>;
  /**
   * Sequences, tokens in each; half of them are scored. `beside`: the machine's own matrix products are timed in the
   * same process, before and after; their few megabytes would show in the memory of a small model.
   */
  readonly train: {
    readonly batch: number;
    readonly length: number;
    readonly steps: number;
    readonly beside: boolean;
  };
  readonly sample: {
    readonly batch: number;
    readonly prompt: number;
    readonly answer: number;
    readonly repeats: number;
  };
  readonly grpo: {
    readonly prompts: number;
    readonly group: number;
    readonly answer: number;
    readonly steps: number;
  };
}

const presets: Record<PresetName, Preset> = {
  // 3.2 million parameters.
  starter: {
    shape: {
      vocab_size: 4096,
      hidden_size: 192,
      num_hidden_layers: 6,
      num_attention_heads: 6,
      num_key_value_heads: 3,
      intermediate_size: 512,
      max_position_embeddings: 1024,
      rope_theta: 10_000,
    },
    train: { batch: 8, length: 128, steps: 30, beside: false },
    sample: { batch: 64, prompt: 16, answer: 32, repeats: 15 },
    grpo: { prompts: 8, group: 8, answer: 32, steps: 10 },
  },
  // 134.5 million parameters, the shape of SmolLM2-135M.
  smol135: {
    shape: {
      vocab_size: 49_152,
      hidden_size: 576,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      intermediate_size: 1536,
      max_position_embeddings: 8192,
      rope_theta: 100_000,
    },
    train: { batch: 2, length: 256, steps: 5, beside: true },
    sample: { batch: 8, prompt: 16, answer: 64, repeats: 3 },
    grpo: { prompts: 2, group: 4, answer: 64, steps: 2 },
  },
};

/** What is done on a preset: shape, sizes of batches, timed repeats. */
export function preset(name: PresetName): Preset {
  return presets[name];
}

/** The configuration of a preset, as its `config.json` would say it. */
export function presetConfig(name: PresetName): ModelConfig {
  const raw = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_act: 'silu',
    rms_norm_eps: 1e-5,
    initializer_range: 0.02,
    tie_word_embeddings: true,
    attention_bias: false,
    mlp_bias: false,
    bos_token_id: 1,
    eos_token_id: 2,
    pad_token_id: 0,
    ...presets[name].shape,
  };
  return parseModelConfig(raw, {}, 'preset');
}
