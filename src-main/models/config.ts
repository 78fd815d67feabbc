/**
 * The configuration of a decoder-only language model, in one form for all architectures. Read from the
 * `config.json` of a checkpoint folder by `read-config.ts`; networks are built from it.
 */
export const architectures = ['llama', 'mistral', 'qwen2', 'qwen3', 'gpt2'] as const;
export type Architecture = (typeof architectures)[number];

/** Rotary position embedding. `inverseFrequencies` has headSize / 2 entries; cos and sin are multiplied by `scale`. */
export interface RopeConfig {
  readonly inverseFrequencies: Float64Array;
  /** Attention factor of YaRN; 1 elsewhere. */
  readonly scale: number;
}

export interface ModelConfig {
  readonly architecture: Architecture;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  /** Key and value heads (grouped-query attention); equals headCount without grouping. */
  readonly keyValueHeadCount: number;
  readonly headSize: number;
  readonly intermediateSize: number;
  readonly activation: 'silu' | 'geluTanh' | 'gelu';
  readonly normEps: number;
  /** Null where positions are learned (GPT-2). */
  readonly rope: RopeConfig | null;
  /** For each layer: how many tokens back attention reaches (itself included), or null for all. */
  readonly slidingWindow: readonly (number | null)[];
  readonly tiedEmbeddings: boolean;
  /** Biases on q, k and v; on the attention output; in the feed-forward block. */
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** Longest sequence that the model was made for. */
  readonly maxPositions: number;
  readonly bosId: number | null;
  /** Token ids that end an answer (generation_config.json wins over config.json). */
  readonly eosIds: readonly number[];
  readonly padId: number | null;
  /**
   * Present for reward models (sequence classification with one output): a matrix `score.weight` takes the place of the
   * vocabulary head. `padId` is then the token that is skipped at the end of a text.
   */
  readonly rewardHead?: true;
  /** Standard deviation of random initial weights. */
  readonly initializerRange: number;
}
