/** GPT-2: learned positions, layer norms with bias, one fused projection, weights stored as [in, out]. */
import type { ModelConfig } from '../models/config.ts';
import type { Layers } from './layers.ts';

/** The model from tokens to the hidden vectors before the last norm. */
export function gpt2<V>(net: Layers<V>, config: ModelConfig): { hidden: V; finalNorm: (x: V) => V } {
  let x = net.addPositions(net.embed('transformer.wte.weight'), 'transformer.wpe.weight');
  const width = config.hiddenSize;
  for (let layer = 0; layer < config.layerCount; layer++) {
    const block = `transformer.h.${layer}`;
    const normed = net.layerNorm(x, `${block}.ln_1.weight`, `${block}.ln_1.bias`);
    const fused = net.linear(normed, `${block}.attn.c_attn.weight`, {
      bias: `${block}.attn.c_attn.bias`,
      transposed: true,
    });
    const [q, k, v] = net.split(fused, [width, width, width]);
    if (q === undefined || k === undefined || v === undefined)
      throw new Error('internal: three projections wanted');
    const mixed = net.attention(q, k, v, layer, null);
    x = net.linear(mixed, `${block}.attn.c_proj.weight`, {
      bias: `${block}.attn.c_proj.bias`,
      transposed: true,
      residual: x,
    });

    const input = net.layerNorm(x, `${block}.ln_2.weight`, `${block}.ln_2.bias`);
    const wide = net.linear(input, `${block}.mlp.c_fc.weight`, {
      bias: `${block}.mlp.c_fc.bias`,
      transposed: true,
    });
    const active = net.gelu(wide, config.activation === 'gelu' ? 'exact' : 'tanh');
    x = net.linear(active, `${block}.mlp.c_proj.weight`, {
      bias: `${block}.mlp.c_proj.bias`,
      transposed: true,
      residual: x,
    });
  }
  return {
    hidden: x,
    finalNorm: (rows) => net.layerNorm(rows, 'transformer.ln_f.weight', 'transformer.ln_f.bias'),
  };
}
