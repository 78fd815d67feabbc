/** A checkpoint folder in the Hugging Face format, opened: configuration and where each tensor lies. */
import type { ModelConfig } from './config.ts';

export type StoredType = 'F32' | 'F16' | 'BF16';

/** Where a tensor's bytes lie: a range of one safetensors file (symbolic links resolved). */
export interface StoredTensor {
  readonly name: string;
  readonly type: StoredType;
  readonly shape: readonly number[];
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
}

export interface Checkpoint {
  readonly folder: string;
  readonly config: ModelConfig;
  /** The parsed `config.json`, written back unchanged when a trained model is saved. */
  readonly rawConfig: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}
