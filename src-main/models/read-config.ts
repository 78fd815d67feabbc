/**
 * Reads `config.json` (and the stop ids of `generation_config.json`) of a Hugging Face checkpoint folder into one
 * `ModelConfig`. Keys of both layouts are understood: `rope_theta`, `rope_scaling` (before transformers 5) and
 * `rope_parameters`. What would change the numbers and is not supported is refused by name, never left out.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { userError } from '../contract/errors.ts';
import { architectures } from './config.ts';
import type { Architecture, ModelConfig } from './config.ts';
import { checkFields, readJsonFile } from './read-json.ts';
import { ropeConfig } from './rope-frequencies.ts';

/** A configuration with the parsed `config.json` that it came from. */
export interface ReadConfig {
  readonly config: ModelConfig;
  readonly raw: Readonly<Record<string, unknown>>;
}

/** The class names in `architectures` that are supported, for each architecture. */
const classNames: Readonly<Record<Architecture, string>> = {
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
  gpt2: 'GPT2LMHeadModel',
};

/** Class names of the same networks with a score in place of the vocabulary. */
export const classifierNames: Readonly<Record<Architecture, string>> = {
  llama: 'LlamaForSequenceClassification',
  mistral: 'MistralForSequenceClassification',
  qwen2: 'Qwen2ForSequenceClassification',
  qwen3: 'Qwen3ForSequenceClassification',
  gpt2: 'GPT2ForSequenceClassification',
};

const activations: Readonly<Record<string, ModelConfig['activation']>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_new: 'geluTanh',
  gelu_pytorch_tanh: 'geluTanh',
};

const count = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);
const tokenId = z.int().nullish();
const commonSchema = z.looseObject({
  model_type: z.string(),
  architectures: z.array(z.string()).nullish(),
  vocab_size: count,
  bos_token_id: tokenId,
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
  pad_token_id: tokenId,
  tie_word_embeddings: z.boolean().nullish(),
  initializer_range: z.number().min(0).nullish(),
});
const gpt2Schema = commonSchema.extend({
  n_embd: count,
  n_layer: count,
  n_head: count,
  n_positions: count,
  n_inner: count.nullish(),
  activation_function: z.string().nullish(),
  layer_norm_epsilon: z.number().positive().nullish(),
});
const llamaSchema = commonSchema.extend({
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  hidden_act: z.string().nullish(),
  max_position_embeddings: count.nullish(),
  rms_norm_eps: z.number().positive().nullish(),
  rope_theta: z.number().positive().nullish(),
  original_max_position_embeddings: count.nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  sliding_window: count.nullish(),
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.int().min(0).nullish(),
  layer_types: z.array(z.string()).nullish(),
});
type LlamaFields = z.infer<typeof llamaSchema>;
type LlamaArchitecture = Exclude<Architecture, 'gpt2'>;

/** What transformers takes where `config.json` is silent. */
const defaults: Readonly<
  Record<LlamaArchitecture, { keyValueHeads: number | null; headSize: number | null; positions: number }>
> = {
  llama: { keyValueHeads: null, headSize: null, positions: 2048 },
  mistral: { keyValueHeads: 8, headSize: null, positions: 131_072 },
  qwen2: { keyValueHeads: 32, headSize: null, positions: 32_768 },
  qwen3: { keyValueHeads: 32, headSize: 128, positions: 32_768 },
};
const defaultIds: Readonly<Record<Architecture, { bos: number | null; eos: number | null }>> = {
  llama: { bos: 1, eos: 2 },
  mistral: { bos: 1, eos: 2 },
  qwen2: { bos: null, eos: null },
  qwen3: { bos: null, eos: null },
  gpt2: { bos: 50_256, eos: 50_256 },
};

function unsupported(file: string, field: string, message: string, advice: string): Error {
  return userError('model-unsupported', message, { where: `${file}, field ${field}`, advice });
}

function impossible(file: string, field: string, message: string): Error {
  return userError('model-config-invalid', message, {
    where: `${file}, field ${field}`,
    advice: 'Take config.json from the original of the model.',
  });
}

const supportedModels = `Supported architectures: ${architectures.map((name) => `${name} (${classNames[name]})`).join(', ')}, and their …ForSequenceClassification with one output (reward models).`;

/** The architecture that a `config.json` names; refused by name where it is not supported. */
function architectureOf(raw: Readonly<Record<string, unknown>>, file: string): Architecture {
  const fields = checkFields(
    raw,
    z.looseObject({ model_type: z.string().nullish(), architectures: z.array(z.string()).nullish() }),
    file,
  );
  const className = fields.architectures?.[0];
  const named = className === undefined ? 'nothing' : `"${className}"`;
  const modelType = fields.model_type;
  if (modelType == null) {
    throw unsupported(
      file,
      'model_type',
      `The configuration does not say its model_type (its class is ${named}).`,
      supportedModels,
    );
  }
  const architecture = architectures.find((name) => name === modelType);
  if (architecture === undefined) {
    throw unsupported(
      file,
      'model_type',
      `Models of the type "${modelType}" are not supported.`,
      supportedModels,
    );
  }
  const known: readonly unknown[] = [classNames[architecture], classifierNames[architecture]];
  if (className !== undefined && !known.includes(className)) {
    throw unsupported(
      file,
      'architectures',
      `The model class "${className}" is not supported.`,
      supportedModels,
    );
  }
  if (raw['quantization_config'] != null) {
    const method = z.looseObject({ quant_method: z.string() }).safeParse(raw['quantization_config']);
    throw unsupported(
      file,
      'quantization_config',
      `Quantized weights (${method.success ? method.data.quant_method : 'quantization_config'}) are not supported.`,
      'Supported: checkpoints in float32, float16 and bfloat16. Use the original of the model.',
    );
  }
  return architecture;
}

const labelsSchema = z.looseObject({
  num_labels: z.int().nullish(),
  id2label: z.record(z.string(), z.unknown()).nullish(),
});

/** Outputs of a classifier, as transformers counts them: `id2label`, else `num_labels`, else two. */
function labelCount(raw: Readonly<Record<string, unknown>>, file: string): number {
  const { num_labels: count, id2label } = checkFields(raw, labelsSchema, file);
  return id2label == null ? (count ?? 2) : Object.keys(id2label).length;
}

/** Whether the folder holds a reward model; one with several outputs is refused. */
function isRewardModel(
  raw: Readonly<Record<string, unknown>>,
  architecture: Architecture,
  file: string,
): boolean {
  if (!Array.isArray(raw['architectures']) || raw['architectures'][0] !== classifierNames[architecture])
    return false;
  const labels = labelCount(raw, file);
  if (labels === 1) return true;
  throw unsupported(
    file,
    'id2label',
    `The classifier has ${labels} outputs.`,
    'Supported: classifiers with one output, which is read as a reward.',
  );
}

/** Refuses fields whose value would change the numbers; each entry names the one value that is supported. */
function refuseOptions(
  raw: Readonly<Record<string, unknown>>,
  file: string,
  allowed: Readonly<Record<string, readonly unknown[]>>,
): void {
  for (const [field, values] of Object.entries(allowed)) {
    const value = raw[field];
    if (value == null || values.includes(value)) continue;
    throw unsupported(
      file,
      field,
      `The option "${field}" with the value ${JSON.stringify(value)} is not supported.`,
      `Supported: ${values.map((one) => JSON.stringify(one)).join(', ')}.`,
    );
  }
}

function activationOf(name: string, file: string, field: string): ModelConfig['activation'] {
  const activation = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (activation !== undefined) return activation;
  throw unsupported(
    file,
    field,
    `The activation "${name}" is not supported.`,
    `Supported: ${Object.keys(activations).join(', ')}.`,
  );
}

/** For each layer the reach of attention in tokens, or null for all. */
function slidingWindows(
  architecture: LlamaArchitecture,
  fields: LlamaFields,
  file: string,
): (number | null)[] {
  const layers = fields.num_hidden_layers;
  const types = fields.layer_types ?? null;
  const known = ['full_attention', 'sliding_attention'];
  const strange = types?.find((type) => !known.includes(type));
  if (strange !== undefined) {
    throw unsupported(
      file,
      'layer_types',
      `Layers of the type "${strange}" are not supported.`,
      `Supported: ${known.join(', ')}.`,
    );
  }
  if (types !== null && types.length !== layers) {
    throw impossible(
      file,
      'layer_types',
      `"layer_types" has ${types.length} entries, but the model has ${layers} layers.`,
    );
  }
  if (architecture === 'llama') {
    if (types?.includes('sliding_attention')) {
      throw unsupported(
        file,
        'layer_types',
        'A sliding window in a llama model is not supported.',
        'Supported: full_attention.',
      );
    }
    return Array.from({ length: layers }, () => null);
  }
  if (architecture === 'mistral') {
    // Absent is not null here: the reference implementation takes 4096 tokens.
    const window = fields.sliding_window === undefined ? 4096 : fields.sliding_window;
    const expected = window === null ? 'full_attention' : 'sliding_attention';
    if (types?.some((type) => type !== expected)) {
      throw unsupported(
        file,
        'layer_types',
        'A mistral model whose layers differ in their attention is not supported.',
        'Supported: the same sliding window in every layer, or none.',
      );
    }
    return Array.from({ length: layers }, () => window);
  }
  const window =
    fields.use_sliding_window === true
      ? fields.sliding_window === undefined
        ? 4096
        : fields.sliding_window
      : null;
  const firstWindowed = fields.max_window_layers ?? 28;
  return Array.from({ length: layers }, (_, layer) => {
    const slides =
      types === null ? window !== null && layer >= firstWindowed : types[layer] === 'sliding_attention';
    if (!slides) return null;
    if (window === null) {
      throw impossible(
        file,
        'layer_types',
        `Layer ${layer} slides, but no sliding window is switched on (use_sliding_window, sliding_window).`,
      );
    }
    return window;
  });
}

type IndependentOfIds = Omit<ModelConfig, 'bosId' | 'eosIds' | 'padId'>;

function readLlama(
  architecture: LlamaArchitecture,
  raw: Readonly<Record<string, unknown>>,
  file: string,
): IndependentOfIds {
  // Options of relatives of these models: the classes named above know none of them.
  refuseOptions(raw, file, {
    partial_rotary_factor: [1],
    rope_interleaved: [false],
    logit_scale: [1],
    attn_logit_softcapping: [],
    final_logit_softcapping: [],
    num_experts: [0],
    num_local_experts: [0],
    use_qk_norm: [architecture === 'qwen3'],
    qk_layernorm: [false],
    no_rope_layers: [],
    use_mrope: [false],
  });
  const fields = checkFields(raw, llamaSchema, file);
  const headCount = fields.num_attention_heads;
  const fallback = defaults[architecture];
  const keyValueHeadCount =
    fields.num_key_value_heads === undefined
      ? (fallback.keyValueHeads ?? headCount)
      : (fields.num_key_value_heads ?? headCount);
  if (headCount % keyValueHeadCount !== 0) {
    throw impossible(
      file,
      'num_key_value_heads',
      `${headCount} attention heads cannot be shared evenly by ${keyValueHeadCount} key and value heads.`,
    );
  }
  const given = fields.head_dim ?? fallback.headSize;
  if (given === null && fields.hidden_size % headCount !== 0) {
    throw impossible(
      file,
      'hidden_size',
      `The hidden size ${fields.hidden_size} is not a multiple of the ${headCount} attention heads.`,
    );
  }
  const headSize = given ?? fields.hidden_size / headCount;
  if (headSize % 2 !== 0) {
    throw impossible(
      file,
      'head_dim',
      `Rotary position embeddings need an even head size; it is ${headSize}.`,
    );
  }
  const maxPositions = fields.max_position_embeddings ?? fallback.positions;
  // A non-empty `rope_scaling` wins over `rope_parameters`, as in transformers.
  const field = raw['rope_scaling'] == null ? 'rope_parameters' : 'rope_scaling';
  // Qwen 2 always has biases on q, k and v and none on the output, mistral has none; their classes do not read the
  // field. A checkpoint that holds other biases than these is refused when its tensors are checked.
  const attentionBias =
    (architecture === 'llama' || architecture === 'qwen3') && fields.attention_bias === true;
  return {
    architecture,
    vocabularySize: fields.vocab_size,
    hiddenSize: fields.hidden_size,
    layerCount: fields.num_hidden_layers,
    headCount,
    keyValueHeadCount,
    headSize,
    intermediateSize: fields.intermediate_size,
    activation: activationOf(fields.hidden_act ?? 'silu', file, 'hidden_act'),
    normEps: fields.rms_norm_eps ?? 1e-6,
    rope: ropeConfig({
      parameters: raw[field],
      field,
      theta: fields.rope_theta ?? 10_000,
      headSize,
      maxPositions,
      originalPositions: fields.original_max_position_embeddings ?? undefined,
      file,
    }),
    slidingWindow: slidingWindows(architecture, fields, file),
    tiedEmbeddings: fields.tie_word_embeddings ?? false,
    qkvBias: architecture === 'qwen2' || attentionBias,
    outputBias: attentionBias,
    mlpBias: architecture === 'llama' && fields.mlp_bias === true,
    maxPositions,
    initializerRange: fields.initializer_range ?? 0.02,
  };
}

function readGpt2(raw: Readonly<Record<string, unknown>>, file: string): IndependentOfIds {
  refuseOptions(raw, file, {
    scale_attn_weights: [true],
    scale_attn_by_inverse_layer_idx: [false],
    reorder_and_upcast_attn: [false],
    add_cross_attention: [false],
  });
  const fields = checkFields(raw, gpt2Schema, file);
  if (fields.n_embd % fields.n_head !== 0) {
    throw impossible(
      file,
      'n_embd',
      `The hidden size ${fields.n_embd} is not a multiple of the ${fields.n_head} attention heads.`,
    );
  }
  return {
    architecture: 'gpt2',
    vocabularySize: fields.vocab_size,
    hiddenSize: fields.n_embd,
    layerCount: fields.n_layer,
    headCount: fields.n_head,
    keyValueHeadCount: fields.n_head,
    headSize: fields.n_embd / fields.n_head,
    intermediateSize: fields.n_inner ?? 4 * fields.n_embd,
    activation: activationOf(fields.activation_function ?? 'gelu_new', file, 'activation_function'),
    normEps: fields.layer_norm_epsilon ?? 1e-5,
    rope: null,
    slidingWindow: Array.from({ length: fields.n_layer }, () => null),
    tiedEmbeddings: fields.tie_word_embeddings ?? true,
    qkvBias: true,
    outputBias: true,
    mlpBias: true,
    maxPositions: fields.n_positions,
    initializerRange: fields.initializer_range ?? 0.02,
  };
}

const idsSchema = z.looseObject({
  bos_token_id: tokenId,
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
  pad_token_id: tokenId,
});
type Ids = z.infer<typeof idsSchema>;

/** First and padding id and stop ids: `generation_config.json` wins, then `config.json`, then the architecture's own. */
function tokenIds(
  architecture: Architecture,
  vocabularySize: number,
  generation: Ids,
  config: Ids,
): Pick<ModelConfig, 'bosId' | 'eosIds' | 'padId'> {
  const fallback = defaultIds[architecture];
  const inVocabulary = (id: number | null | undefined): id is number =>
    id != null && id >= 0 && id < vocabularySize;
  const pick = (
    first: number | null | undefined,
    second: number | null | undefined,
    last: number | null,
  ): number | null =>
    // Old checkpoints write −1 for "none".
    [first ?? (second === undefined ? last : second)].find(inVocabulary) ?? null;
  const stops =
    generation.eos_token_id ?? (config.eos_token_id === undefined ? fallback.eos : config.eos_token_id);
  const list = stops === null ? [] : Array.isArray(stops) ? stops : [stops];
  return {
    bosId: pick(generation.bos_token_id, config.bos_token_id, fallback.bos),
    eosIds: [...new Set(list)].filter(inVocabulary),
    padId: pick(generation.pad_token_id, config.pad_token_id, null),
  };
}

/**
 * The configuration of a parsed `config.json`; `generation` is the parsed `generation_config.json`, if there is one.
 * `file` names the configuration in errors. Throws user errors `model-unsupported` (architecture, option or value,
 * with the list of what is supported) and `model-config-invalid` (missing or impossible field).
 */
export function parseModelConfig(
  raw: Readonly<Record<string, unknown>>,
  generation: Readonly<Record<string, unknown>>,
  file: string,
): ModelConfig {
  const architecture = architectureOf(raw, file);
  const shape = architecture === 'gpt2' ? readGpt2(raw, file) : readLlama(architecture, raw, file);
  const ids = tokenIds(
    architecture,
    shape.vocabularySize,
    checkFields(generation, idsSchema, file.replace(/config\.json$/, 'generation_config.json')),
    checkFields(raw, idsSchema, file),
  );
  if (!isRewardModel(raw, architecture, file)) return { ...shape, ...ids };
  // Where a text ends is a matter of this file alone: transformers does not ask generation settings.
  const pad = checkFields(raw, idsSchema, file).pad_token_id ?? null;
  const padId = pad !== null && pad >= 0 && pad < shape.vocabularySize ? pad : null;
  return { ...shape, ...ids, padId, rewardHead: true };
}

const jsonObject = z.record(z.string(), z.unknown());

/**
 * Reads the configuration of the checkpoint in `folder`. Throws user errors: `model-not-found` where the folder or its
 * `config.json` is absent, otherwise those of `parseModelConfig`.
 */
export async function readModelConfig(folder: string): Promise<ReadConfig> {
  const file = join(folder, 'config.json');
  const raw = await readJsonFile(file, jsonObject);
  if (raw === null) {
    throw userError('model-not-found', 'There is no model here: config.json is missing.', {
      where: folder,
      advice:
        'Choose a Hugging Face model folder: it holds config.json, tokenizer.json and model.safetensors.',
    });
  }
  const generation = await readJsonFile(join(folder, 'generation_config.json'), jsonObject);
  return { config: parseModelConfig(raw, generation ?? {}, file), raw };
}
