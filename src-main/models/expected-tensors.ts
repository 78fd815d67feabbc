/**
 * The tensors that a checkpoint of each architecture must hold, under their Hugging Face names, and the check of what
 * a checkpoint does hold against them.
 */
import { userError } from '../contract/errors.ts';
import type { ModelConfig } from './config.ts';

/** Name and shape of a weight; matrices are [out, in], of GPT-2's Conv1D layers [in, out]. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The matrix [1, hidden] of a reward model that turns a hidden vector into a score. */
export const rewardHeadName = 'score.weight';

/** Prefix of all names but the head's. Checkpoints of the bare model leave it out. */
export function namePrefix(config: ModelConfig): string {
  return config.architecture === 'gpt2' ? 'transformer.' : 'model.';
}

/** Name of the token embedding, which is the output head too where the two are tied. */
export function embeddingName(config: ModelConfig): string {
  return namePrefix(config) + (config.architecture === 'gpt2' ? 'wte.weight' : 'embed_tokens.weight');
}

function gpt2Tensors(config: ModelConfig): TensorSpec[] {
  const { hiddenSize: hidden, intermediateSize: inner } = config;
  const prefix = namePrefix(config);
  const tensors: TensorSpec[] = [
    { name: embeddingName(config), shape: [config.vocabularySize, hidden] },
    { name: `${prefix}wpe.weight`, shape: [config.maxPositions, hidden] },
  ];
  for (let layer = 0; layer < config.layerCount; layer++) {
    const add = (name: string, ...shape: number[]): number =>
      tensors.push({ name: `${prefix}h.${layer}.${name}`, shape });
    add('ln_1.weight', hidden);
    add('ln_1.bias', hidden);
    add('attn.c_attn.weight', hidden, 3 * hidden);
    add('attn.c_attn.bias', 3 * hidden);
    add('attn.c_proj.weight', hidden, hidden);
    add('attn.c_proj.bias', hidden);
    add('ln_2.weight', hidden);
    add('ln_2.bias', hidden);
    add('mlp.c_fc.weight', hidden, inner);
    add('mlp.c_fc.bias', inner);
    add('mlp.c_proj.weight', inner, hidden);
    add('mlp.c_proj.bias', hidden);
  }
  tensors.push(
    { name: `${prefix}ln_f.weight`, shape: [hidden] },
    { name: `${prefix}ln_f.bias`, shape: [hidden] },
  );
  return tensors;
}

function llamaTensors(config: ModelConfig): TensorSpec[] {
  const { hiddenSize: hidden, intermediateSize: inner, headSize } = config;
  const queries = config.headCount * headSize;
  const keys = config.keyValueHeadCount * headSize;
  const prefix = namePrefix(config);
  const tensors: TensorSpec[] = [{ name: embeddingName(config), shape: [config.vocabularySize, hidden] }];
  for (let layer = 0; layer < config.layerCount; layer++) {
    const add = (name: string, ...shape: number[]): number =>
      tensors.push({ name: `${prefix}layers.${layer}.${name}`, shape });
    add('input_layernorm.weight', hidden);
    // Side by side, so that one matrix product over the three (and the two below) needs no copy.
    add('self_attn.q_proj.weight', queries, hidden);
    add('self_attn.k_proj.weight', keys, hidden);
    add('self_attn.v_proj.weight', keys, hidden);
    if (config.qkvBias) {
      add('self_attn.q_proj.bias', queries);
      add('self_attn.k_proj.bias', keys);
      add('self_attn.v_proj.bias', keys);
    }
    if (config.architecture === 'qwen3') {
      add('self_attn.q_norm.weight', headSize);
      add('self_attn.k_norm.weight', headSize);
    }
    add('self_attn.o_proj.weight', hidden, queries);
    if (config.outputBias) add('self_attn.o_proj.bias', hidden);
    add('post_attention_layernorm.weight', hidden);
    add('mlp.gate_proj.weight', inner, hidden);
    add('mlp.up_proj.weight', inner, hidden);
    if (config.mlpBias) {
      add('mlp.gate_proj.bias', inner);
      add('mlp.up_proj.bias', inner);
    }
    add('mlp.down_proj.weight', hidden, inner);
    if (config.mlpBias) add('mlp.down_proj.bias', hidden);
  }
  tensors.push({ name: `${prefix}norm.weight`, shape: [hidden] });
  return tensors;
}

/**
 * Every weight of a model in a fixed order: embedding first, then layer by layer (q, k and v weights next to each
 * other, then their biases; gate next to up), the final norm and, where it is not tied, the head; of a reward model its own head instead.
 */
export function expectedTensors(config: ModelConfig): TensorSpec[] {
  const tensors = config.architecture === 'gpt2' ? gpt2Tensors(config) : llamaTensors(config);
  if (config.rewardHead) tensors.push({ name: rewardHeadName, shape: [1, config.hiddenSize] });
  else if (!config.tiedEmbeddings)
    tensors.push({ name: 'lm_head.weight', shape: [config.vocabularySize, config.hiddenSize] });
  return tensors;
}

/** Number of trained parameters of a model; a tied head counts once. */
export function parameterCount(config: ModelConfig): number {
  return expectedTensors(config).reduce(
    (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  );
}

/** Tensors that some checkpoints store although the model computes them: masks and rotary frequencies. */
const computed = /(^|\.)(attn\.(bias|masked_bias)|rotary_emb\.(inv_freq|cos_cached|sin_cached))$/;

/** A few names for a message, and how many more there are. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

/**
 * The stored tensors under the names of `expectedTensors`, in its order. `stored` may lack the prefix (a checkpoint
 * of the bare model), and may hold masks, rotary frequencies and a copy of a tied head, which are left out.
 * Throws a user error `model-tensors-wrong` that names missing, unknown and wrongly shaped tensors.
 */
export function matchTensors<T extends TensorSpec>(
  config: ModelConfig,
  stored: ReadonlyMap<string, T>,
  where: string,
): Map<string, T> {
  const prefix = namePrefix(config);
  const bare = !stored.has(embeddingName(config)) && stored.has(embeddingName(config).slice(prefix.length));
  const storedName = (name: string): string =>
    bare && name.startsWith(prefix) ? name.slice(prefix.length) : name;
  const expected = expectedTensors(config);
  const found = new Map<string, T>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const { name, shape } of expected) {
    const tensor = stored.get(storedName(name));
    if (tensor === undefined) missing.push(storedName(name));
    else if (
      tensor.shape.length !== shape.length ||
      tensor.shape.some((size, axis) => size !== shape[axis])
    ) {
      misshapen.push(`${tensor.name} is [${tensor.shape.join(', ')}] instead of [${shape.join(', ')}]`);
    } else found.set(name, tensor);
  }
  const wanted = new Set(expected.map(({ name }) => storedName(name)));
  // Classifiers made from a language model may still carry its head; nothing reads it.
  if (config.tiedEmbeddings || config.rewardHead) wanted.add('lm_head.weight');
  const extra = [...stored.keys()].filter((name) => !wanted.has(name) && !computed.test(name));
  const faults = [
    ...(missing.length === 0 ? [] : [`missing: ${list(missing)}`]),
    ...(misshapen.length === 0 ? [] : [`wrong shape: ${list(misshapen)}`]),
    ...(extra.length === 0 ? [] : [`unknown: ${list(extra)}`]),
  ];
  if (faults.length > 0) {
    throw userError(
      'model-tensors-wrong',
      `The weights do not fit config.json (${config.architecture}). ${faults.join('; ')}.`,
      {
        where,
        advice:
          'Check that config.json and the weights belong to the same model, and that all its files are there.',
      },
    );
  }
  return found;
}
