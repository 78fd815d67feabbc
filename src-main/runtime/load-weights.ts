/** Weights into a parameter store: read from a checkpoint, or drawn at random. */
import { randomStream } from '../contract/random.ts';
import type { Checkpoint } from '../models/checkpoint.ts';
import type { ModelConfig } from '../models/config.ts';
import { expectedTensors } from '../models/expected-tensors.ts';
import { readTensor } from '../models/read-tensor.ts';
import { networkEnds } from '../networks/architectures.ts';
import { parameterGroups } from '../networks/parameter-groups.ts';
import { isValueHeadTensor, valueHeadTensors } from '../networks/value-head.ts';
import { ParameterStore } from './parameter-store.ts';

/** An empty store for a model, with a value head where one is asked for. */
export function createParameterStore(
  config: ModelConfig,
  trainable: boolean,
  valueHead = false,
): Promise<ParameterStore> {
  const head = valueHead ? valueHeadTensors(config.hiddenSize) : [];
  return ParameterStore.create(parameterGroups([...expectedTensors(config), ...head]), trainable);
}

/** An empty store for a critic of its own: the model with a value head in place of its vocabulary head. */
export function createCriticStore(config: ModelConfig): Promise<ParameterStore> {
  const { head, embedding } = networkEnds(config);
  const network = expectedTensors(config).filter(({ name }) => name === embedding || name !== head);
  return ParameterStore.create(
    parameterGroups([...network, ...valueHeadTensors(config.hiddenSize)]),
    true,
  );
}

/** Reads every tensor of a checkpoint, widened to float32. A value head, which no checkpoint has, keeps its zeros. */
export async function loadWeights(store: ParameterStore, checkpoint: Checkpoint): Promise<void> {
  for (const { name } of store.parameters) {
    if (isValueHeadTensor(name)) continue;
    const stored = checkpoint.tensors.get(name);
    if (!stored) throw new Error(`internal: checkpoint without ${name}`);
    await readTensor(stored, store.weights(name));
  }
}

/** Draws weights: matrices normal with the configured deviation, norms 1, biases 0 (as transformers does). */
export function initialiseWeights(store: ParameterStore, config: ModelConfig, seed: number): void {
  store.parameters.forEach(({ name, shape }, tensor) => {
    const weights = store.weights(name);
    if (isValueHeadTensor(name)) return;
    if (shape.length >= 2) {
      const random = randomStream([seed, tensor]);
      for (let index = 0; index < weights.length; index++)
        weights[index] = random.normal(index) * config.initializerRange;
    } else weights.fill(name.endsWith('.bias') ? 0 : 1);
  });
}
