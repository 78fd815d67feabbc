/** Whether a model fits the memory of this computer, said before anything is fetched or started. */
import { availableMemory } from 'node:process';
import type { MemoryFit } from '../contract/model-library.ts';
import type { ModelConfig } from '../models/config.ts';
import { parameterCount } from '../models/expected-tensors.ts';
import { chooseMicroBatchTokens, estimateTrainingMemory, totalBytes } from '../runtime/memory-estimate.ts';

/** A usual run: questions and answers of 256 tokens each, 8 questions a step with 8 answers. */
const usual = { tokens: 512, answers: 64 } as const;

/** An estimate for a usual run, all weights trained; `available` bytes are asked of the system where not given. */
export function memoryFit(config: ModelConfig, available: number = availableMemory()): MemoryFit {
  const longest = Math.min(config.maxPositions, usual.tokens);
  const parts = estimateTrainingMemory(config, {
    microBatchTokens: chooseMicroBatchTokens(config, longest, available),
    longest,
    sequences: usual.answers,
    sampledTogether: usual.answers,
    reference: false,
  });
  const training = totalBytes(parts);
  const bytesOf = (name: string): number => parts.find((part) => part.name === name)?.bytes ?? 0;
  const sampling = bytesOf('program') + 4 * parameterCount(config) + bytesOf('sampling cache');
  return { training, sampling, available, trains: training <= available, samples: sampling <= available };
}
