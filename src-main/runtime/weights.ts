/** Where the weights of a graph come from: the arrays of a parameter store, or the files of a checkpoint read in place. */
import { basename, dirname } from 'node:path';
import type { CompiledGraph, StoredParameter } from '../graph/compile.ts';
import type { Checkpoint } from '../models/checkpoint.ts';
import type { ParameterStore } from './parameter-store.ts';
import type { BoundTensor } from './session.ts';
import { bind } from './session.ts';

/** Binds the weights that a compiled graph wants to be fed. */
export function bindParameters(compiled: CompiledGraph, store: ParameterStore): Record<string, BoundTensor> {
  return Object.fromEntries(
    compiled.parameters.map(({ name, parameters, rows, shape }) => {
      const [only] = parameters;
      const data =
        parameters.length === 1 && only !== undefined ? store.weights(only, rows) : store.joined(parameters);
      if (!data) throw new Error(`internal: ${name} does not lie side by side`);
      return [name, bind(data, shape.map(Number))];
    }),
  );
}

export interface StoredWeights {
  readonly folder: string;
  readonly stored: (name: string) => StoredParameter | null;
}

/**
 * The weights of a checkpoint as data outside the graph, which the system maps into memory instead of copying. Null where
 * that does not pay or work: weights in 16 bits (they would be widened again at every run), or files in several folders.
 */
export function storedWeights(checkpoint: Checkpoint): StoredWeights | null {
  const tensors = [...checkpoint.tensors.values()];
  const folders = new Set(tensors.map(({ file }) => dirname(file)));
  const [folder] = folders;
  if (folder === undefined || folders.size > 1 || tensors.some(({ type }) => type !== 'F32')) return null;
  return {
    folder,
    stored(name) {
      const tensor = checkpoint.tensors.get(name);
      if (!tensor) return null;
      return {
        type: 'float32',
        shape: tensor.shape,
        location: basename(tensor.file),
        offset: tensor.offset,
        byteLength: tensor.byteLength,
      };
    },
  };
}
