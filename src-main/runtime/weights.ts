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

const storedTypes = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/**
 * The weights of a checkpoint as data outside the graph, which the system maps into memory instead of copying. Weights in
 * 16 bits are widened at every run. Null where the files lie in several folders, which ONNX Runtime cannot read.
 */
export function storedWeights(checkpoint: Checkpoint): StoredWeights | null {
  const folders = new Set([...checkpoint.tensors.values()].map(({ file }) => dirname(file)));
  const [folder] = folders;
  if (folder === undefined || folders.size > 1) return null;
  return {
    folder,
    stored(name) {
      const tensor = checkpoint.tensors.get(name);
      if (!tensor) return null;
      const { type, shape, file, offset, byteLength } = tensor;
      return { type: storedTypes[type], shape, location: basename(file), offset, byteLength };
    },
  };
}

/** Whether reading weights in place pays: widening 16 bits at every run costs more than it saves. */
export function readsInPlace(checkpoint: Checkpoint): boolean {
  return [...checkpoint.tensors.values()].every(({ type }) => type === 'F32');
}
