/** Llama and its close relatives: Mistral (sliding window), Qwen2 (biases on q, k, v), Qwen3 (norms on q and k). */
import type { ModelConfig } from '../models/config.ts';
import type { Layers } from './layers.ts';

/** The model from tokens to the hidden vectors before the last norm, and that norm. */
export function llama<V>(net: Layers<V>, config: ModelConfig): { hidden: V; finalNorm: (x: V) => V } {
  let x = net.embed('model.embed_tokens.weight');
  for (let layer = 0; layer < config.layerCount; layer++) {
    const block = `model.layers.${layer}`;
    const attention = `${block}.self_attn`;
    const projections = ['q_proj', 'k_proj', 'v_proj'].map((name) => `${attention}.${name}`);
    const normed = net.rmsNorm(x, `${block}.input_layernorm.weight`);
    const [query, key, v] = triple(
      net.linears(
        normed,
        projections.map((name) => `${name}.weight`),
        config.qkvBias ? projections.map((name) => `${name}.bias`) : null,
      ),
    );
    const norm = (x: V, name: string): V =>
      config.architecture === 'qwen3' ? net.headNorm(x, `${attention}.${name}.weight`) : x;
    const [q, k] = [norm(query, 'q_norm'), norm(key, 'k_norm')];
    const mixed = net.attention(q, k, v, layer, config.slidingWindow[layer] ?? null);
    x = net.linear(mixed, `${attention}.o_proj.weight`, {
      bias: config.outputBias ? `${attention}.o_proj.bias` : null,
      residual: x,
    });

    const mlp = `${block}.mlp`;
    const input = net.rmsNorm(x, `${block}.post_attention_layernorm.weight`);
    const [gate, up] = pair(
      net.linears(
        input,
        [`${mlp}.gate_proj.weight`, `${mlp}.up_proj.weight`],
        config.mlpBias ? [`${mlp}.gate_proj.bias`, `${mlp}.up_proj.bias`] : null,
      ),
    );
    x = net.linear(net.gatedSilu(gate, up), `${mlp}.down_proj.weight`, {
      bias: config.mlpBias ? `${mlp}.down_proj.bias` : null,
      residual: x,
    });
  }
  return { hidden: x, finalNorm: (rows) => net.rmsNorm(rows, 'model.norm.weight') };
}

function triple<V>([a, b, c]: readonly V[]): [V, V, V] {
  if (a === undefined || b === undefined || c === undefined)
    throw new Error('internal: three projections wanted');
  return [a, b, c];
}

function pair<V>([a, b]: readonly V[]): [V, V] {
  if (a === undefined || b === undefined) throw new Error('internal: two projections wanted');
  return [a, b];
}
