/** The table of architectures: how each is described, and the names of its embedding and head. */
import type { Architecture, ModelConfig } from '../models/config.ts';
import { gpt2 } from './gpt2.ts';
import type { Layers, NetworkEnds } from './layers.ts';
import { llama } from './llama.ts';

type Description = <V>(net: Layers<V>, config: ModelConfig) => { hidden: V; finalNorm: (x: V) => V };

const descriptions: Record<Architecture, Description> = {
  llama,
  mistral: llama,
  qwen2: llama,
  qwen3: llama,
  gpt2,
};

/** Builds a model with the given layers. `finalNorm` is separate so that only the rows that are needed go through it. */
export function buildNetwork<V>(net: Layers<V>, config: ModelConfig): { hidden: V; finalNorm: (x: V) => V } {
  return descriptions[config.architecture](net, config);
}

export function networkEnds(config: ModelConfig): NetworkEnds {
  const embedding = config.architecture === 'gpt2' ? 'transformer.wte.weight' : 'model.embed_tokens.weight';
  return { embedding, head: config.tiedEmbeddings ? embedding : 'lm_head.weight' };
}
