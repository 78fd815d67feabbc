/** Configurations of both layouts, what is derived from them, and what is refused by name. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelConfig } from '../../../src-main/models/config.ts';
import { parseModelConfig, readModelConfig } from '../../../src-main/models/read-config.ts';
import { ropeConfig } from '../../../src-main/models/rope-frequencies.ts';

const fixtures = join(import.meta.dirname, '../../fixtures');
type Fields = Readonly<Record<string, unknown>>;

const llama: Fields = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  vocab_size: 104,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  max_position_embeddings: 128,
  bos_token_id: 1,
  eos_token_id: 2,
};
const mistral: Fields = {
  ...llama,
  model_type: 'mistral',
  architectures: ['MistralForCausalLM'],
  num_key_value_heads: 2,
};
const qwen2: Fields = {
  ...llama,
  model_type: 'qwen2',
  architectures: ['Qwen2ForCausalLM'],
  num_key_value_heads: 2,
};
const qwen3: Fields = { ...qwen2, model_type: 'qwen3', architectures: ['Qwen3ForCausalLM'] };
const gpt2: Fields = {
  model_type: 'gpt2',
  architectures: ['GPT2LMHeadModel'],
  vocab_size: 104,
  n_embd: 32,
  n_layer: 2,
  n_head: 4,
  n_positions: 64,
};
const read = (fields: Fields, generation: Fields = {}): ModelConfig =>
  parseModelConfig(fields, generation, 'folder/config.json');

describe('configuration', () => {
  it('is read from a folder, with the raw fields for writing it back', async () => {
    const { config, raw } = await readModelConfig(join(fixtures, 'models/mistral'));
    expect(config).toMatchObject({
      architecture: 'mistral',
      hiddenSize: 32,
      headSize: 16,
      keyValueHeadCount: 2,
      slidingWindow: [7, 7],
      bosId: 1,
      eosIds: [2],
      padId: 0,
      normEps: 1e-6,
    });
    expect(raw['sliding_window']).toBe(7);
  });

  it('means the same in the old and the new layout', () => {
    const scaling = {
      factor: 4,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 16,
    };
    const old = {
      ...llama,
      rope_theta: 5000,
      rope_scaling: { ...scaling, type: 'llama3' },
      torch_dtype: 'float32',
    };
    const recent = {
      ...llama,
      rope_parameters: { ...scaling, rope_type: 'llama3', rope_theta: 5000 },
      dtype: 'float32',
    };
    expect(read(old)).toEqual(read(recent));
    expect(read({ ...llama, rope_theta: 5000, rope_scaling: null })).toEqual(
      read({ ...llama, rope_parameters: { rope_type: 'default', rope_theta: 5000 } }),
    );
    expect(read({ ...llama, rope_theta: 5000 })).not.toEqual(read(llama));
  });

  it('takes the values of transformers where fields are missing', () => {
    expect(read(llama)).toMatchObject({
      keyValueHeadCount: 4,
      headSize: 8,
      normEps: 1e-6,
      tiedEmbeddings: false,
      qkvBias: false,
      outputBias: false,
      mlpBias: false,
      activation: 'silu',
      initializerRange: 0.02,
    });
    expect(read({ ...mistral, sliding_window: undefined }).slidingWindow).toEqual([4096, 4096, 4096]);
    expect(read({ ...qwen3 }).headSize).toBe(128);
    expect(read(gpt2)).toMatchObject({
      intermediateSize: 128,
      activation: 'geluTanh',
      tiedEmbeddings: true,
      normEps: 1e-5,
      rope: null,
      qkvBias: true,
      outputBias: true,
      mlpBias: true,
    });
    expect(read({ ...llama, bos_token_id: undefined, eos_token_id: undefined })).toMatchObject({
      bosId: 1,
      eosIds: [2],
    });
    // The default of GPT-2 lies beyond this vocabulary.
    expect(read(gpt2).eosIds).toEqual([]);
  });

  it('knows the biases of each architecture', () => {
    expect(read({ ...llama, attention_bias: true, mlp_bias: true })).toMatchObject({
      qkvBias: true,
      outputBias: true,
      mlpBias: true,
    });
    expect(read(qwen2)).toMatchObject({ qkvBias: true, outputBias: false, mlpBias: false });
    expect(read({ ...qwen3, attention_bias: true })).toMatchObject({ qkvBias: true, outputBias: true });
    expect(read(qwen3)).toMatchObject({ qkvBias: false, outputBias: false });
  });

  it('knows the sliding window of each layer', () => {
    expect(read({ ...mistral, sliding_window: null }).slidingWindow).toEqual([null, null, null]);
    expect(read({ ...mistral, sliding_window: 7 }).slidingWindow).toEqual([7, 7, 7]);
    expect(read({ ...qwen2, sliding_window: 7, max_window_layers: 1 }).slidingWindow).toEqual([
      null,
      null,
      null,
    ]);
    expect(
      read({ ...qwen2, use_sliding_window: true, sliding_window: 7, max_window_layers: 1 }).slidingWindow,
    ).toEqual([null, 7, 7]);
    const types = ['full_attention', 'sliding_attention', 'full_attention'];
    expect(
      read({ ...qwen3, use_sliding_window: true, sliding_window: 7, layer_types: types }).slidingWindow,
    ).toEqual([null, 7, null]);
    expect(read({ ...llama, sliding_window: 7 }).slidingWindow).toEqual([null, null, null]);
  });

  it('takes stop ids from generation_config.json first', () => {
    expect(read(llama, { eos_token_id: [5, 7, 5] }).eosIds).toEqual([5, 7]);
    expect(read({ ...llama, eos_token_id: [3, 4] }).eosIds).toEqual([3, 4]);
    expect(read({ ...llama, eos_token_id: null }).eosIds).toEqual([]);
    expect(read({ ...llama, pad_token_id: -1 }).padId).toBeNull();
  });

  it('knows a reward model by its class and its one label', () => {
    const classifier = { ...qwen2, architectures: ['Qwen2ForSequenceClassification'] };
    expect(read({ ...classifier, id2label: { 0: 'reward' } })).toMatchObject({
      rewardHead: true,
      padId: null,
    });
    expect(read({ ...classifier, num_labels: 1, pad_token_id: 3 })).toMatchObject({
      rewardHead: true,
      padId: 3,
    });
    expect(read(qwen2)).not.toHaveProperty('rewardHead');
    // transformers asks this file alone for the token that is skipped at the end of a text.
    expect(read({ ...classifier, num_labels: 1 }, { pad_token_id: 5 }).padId).toBeNull();
    expect(read({ ...classifier, num_labels: 1, pad_token_id: 3 }, { pad_token_id: 5 }).padId).toBe(3);
  });

  it.each<[string, Fields, string, string]>([
    ['another architecture', { ...llama, model_type: 'mamba' }, 'model_type', '"mamba"'],
    ['no architecture', { ...llama, model_type: undefined }, 'model_type', 'LlamaForCausalLM'],
    [
      'a classifier whose outputs are not counted, which are two',
      { ...llama, architectures: ['LlamaForSequenceClassification'] },
      'id2label',
      '2 outputs',
    ],
    [
      'a classifier with several outputs',
      { ...qwen3, architectures: ['Qwen3ForSequenceClassification'], id2label: { 0: 'a', 1: 'b', 2: 'c' } },
      'id2label',
      '3 outputs',
    ],
    [
      'a classifier of another architecture',
      { ...llama, architectures: ['Qwen3ForSequenceClassification'], num_labels: 1 },
      'architectures',
      'Qwen3ForSequenceClassification',
    ],
    ['a bare model', { ...gpt2, architectures: ['GPT2Model'] }, 'architectures', 'GPT2Model'],
    [
      'quantized weights',
      { ...llama, quantization_config: { quant_method: 'gptq', bits: 4 } },
      'quantization_config',
      'gptq',
    ],
    [
      'dynamic rope',
      { ...llama, rope_scaling: { type: 'dynamic', factor: 2 } },
      'rope_scaling.rope_type',
      '"dynamic"',
    ],
    [
      'long rope',
      { ...llama, rope_parameters: { rope_type: 'longrope', short_factor: [1] } },
      'rope_parameters.rope_type',
      '"longrope"',
    ],
    [
      'rope for images',
      { ...qwen2, rope_scaling: { type: 'mrope', mrope_section: [1, 2] } },
      'rope_scaling',
      'mrope',
    ],
    [
      'an unknown rope parameter',
      { ...llama, rope_parameters: { rope_type: 'default', twist: 2 } },
      'rope_parameters.twist',
      '"twist"',
    ],
    [
      'rope for each kind of layer',
      { ...llama, rope_parameters: { full_attention: { rope_type: 'default' } } },
      'rope_parameters.full_attention',
      'full_attention',
    ],
    ['rope on a part of each head', { ...llama, partial_rotary_factor: 0.5 }, 'partial_rotary_factor', '0.5'],
    [
      'rope on a part, new layout',
      { ...llama, rope_parameters: { rope_type: 'default', partial_rotary_factor: 0.25 } },
      'rope_parameters.partial_rotary_factor',
      '0.25',
    ],
    ['an unknown activation', { ...llama, hidden_act: 'relu' }, 'hidden_act', '"relu"'],
    [
      'an activation named like a method',
      { ...llama, hidden_act: 'constructor' },
      'hidden_act',
      '"constructor"',
    ],
    [
      'an unknown activation of GPT-2',
      { ...gpt2, activation_function: 'relu' },
      'activation_function',
      '"relu"',
    ],
    [
      'attention scaled by layer',
      { ...gpt2, scale_attn_by_inverse_layer_idx: true },
      'scale_attn_by_inverse_layer_idx',
      'true',
    ],
    ['unscaled attention', { ...gpt2, scale_attn_weights: false }, 'scale_attn_weights', 'false'],
    ['reordered attention', { ...gpt2, reorder_and_upcast_attn: true }, 'reorder_and_upcast_attn', 'true'],
    ['cross attention', { ...gpt2, add_cross_attention: true }, 'add_cross_attention', 'true'],
    [
      'chunked layers',
      { ...qwen3, layer_types: ['chunked_attention', 'full_attention', 'full_attention'] },
      'layer_types',
      'chunked_attention',
    ],
    [
      'sliding layers of a llama',
      { ...llama, layer_types: ['sliding_attention', 'full_attention', 'full_attention'] },
      'layer_types',
      'sliding window',
    ],
    [
      'mixed layers of a mistral',
      { ...mistral, layer_types: ['sliding_attention', 'full_attention', 'full_attention'] },
      'layer_types',
      'differ',
    ],
  ])('refuses by name, with what is supported: %s', (_, fields, field, message) => {
    expect(() => read(fields)).toThrow(
      expect.objectContaining({
        kind: 'user',
        code: 'model-unsupported',
        message: expect.stringContaining(message),
        where: expect.stringContaining(field),
        advice: expect.stringContaining('Supported'),
      }),
    );
  });

  it.each<[string, Fields, string]>([
    ['a missing size', { ...llama, hidden_size: undefined }, 'hidden_size'],
    ['a size of nothing', { ...llama, num_hidden_layers: 0 }, 'num_hidden_layers'],
    ['a size in words', { ...llama, vocab_size: '104' }, 'vocab_size'],
    ['a fractional size', { ...gpt2, n_layer: 1.5 }, 'n_layer'],
    ['an enormous size', { ...llama, vocab_size: 2 ** 40 }, 'vocab_size'],
    ['heads that cannot be shared', { ...llama, num_key_value_heads: 3 }, 'num_key_value_heads'],
    [
      'a default that cannot be shared',
      { ...mistral, num_key_value_heads: undefined },
      'num_key_value_heads',
    ],
    ['a hidden size that cannot be split', { ...llama, hidden_size: 30 }, 'hidden_size'],
    ['the same in GPT-2', { ...gpt2, n_embd: 30 }, 'n_embd'],
    ['an odd head size', { ...llama, head_dim: 7 }, 'head_dim'],
    ['the wrong number of layer types', { ...qwen3, layer_types: ['full_attention'] }, 'layer_types'],
    [
      'a sliding layer without a window',
      { ...qwen3, layer_types: ['sliding_attention', 'full_attention', 'full_attention'] },
      'layer_types',
    ],
    ['rope without its factor', { ...llama, rope_scaling: { type: 'linear' } }, 'rope_scaling.factor'],
    ['a rope factor of zero', { ...llama, rope_scaling: { type: 'linear', factor: 0 } }, 'factor'],
    [
      'rope with its bands crossed',
      { ...llama, rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 1 } },
      'high_freq_factor',
    ],
    ['rope in words', { ...llama, rope_scaling: 'linear' }, 'rope_scaling'],
    ['a stop id in words', { ...llama, eos_token_id: '</s>' }, 'eos_token_id'],
  ])('names the field that is impossible: %s', (_, fields, field) => {
    expect(() => read(fields)).toThrow(
      expect.objectContaining({ code: 'model-config-invalid', where: expect.stringContaining(field) }),
    );
  });
});

describe('rotary position embedding', () => {
  const schema = z.object({
    cases: z.array(
      z.object({
        headSize: z.int(),
        maxPositions: z.int(),
        theta: z.number(),
        parameters: z.record(z.string(), z.unknown()),
        frequencies: z.array(z.number()),
        scale: z.number(),
      }),
    ),
  });

  it('has the frequencies and factors of transformers', async () => {
    const { cases } = schema.parse(JSON.parse(await readFile(join(fixtures, 'rope.json'), 'utf8')));
    expect(cases).toHaveLength(11);
    for (const { frequencies, scale, ...source } of cases) {
      const rope = ropeConfig({
        ...source,
        field: 'rope_parameters',
        originalPositions: undefined,
        file: 'config.json',
      });
      expect(rope.scale).toBeCloseTo(scale, 12);
      expect(rope.inverseFrequencies).toHaveLength(frequencies.length);
      for (const [index, frequency] of frequencies.entries()) {
        expect(Math.abs((rope.inverseFrequencies[index] ?? NaN) / frequency - 1)).toBeLessThan(1e-12);
      }
    }
  });
});
