/** Memory that training a model takes by part, against what this computer has free. An estimate for the start. */
import { availableMemory } from 'node:process';
import type { z } from 'zod';
import type { memoryPlanSchema } from '../contract/calls.ts';
import { EspalierError } from '../contract/errors.ts';
import { needsReference } from '../contract/estimator.ts';
import type { RunConfig } from '../contract/experiment.ts';
import { estimatorSpec, sampledTogether } from '../estimators/index.ts';
import { readModelConfig } from '../models/read-config.ts';
import { requireLanguageModel } from '../models/use.ts';
import {
  chooseMicroBatchTokens,
  estimateRewardTrainingMemory,
  estimateTrainingMemory,
  totalBytes,
} from '../runtime/memory-estimate.ts';
import type { MemoryPart } from '../runtime/memory-estimate.ts';
import { rewardModelMemory } from '../training/reward-model-grader.ts';
import { modelFolder } from './experiment-paths.ts';

export type MemoryPlan = z.infer<typeof memoryPlanSchema>;

/** Room for what a chat template adds to a question, in tokens. */
const templateTokens = 128;

/** Bytes of the longest texts of the data; no text has more tokens than bytes. */
export interface TextLengths {
  readonly longestPrompt: number;
  readonly longestAnswer: number;
}

/**
 * The plan for one run, from lengths that are known without a tokenizer: the trainer knows better and checks again.
 * `available` bytes are asked of the system where they are not given.
 */
export async function memoryPlan(
  config: RunConfig,
  modelsDirectory: string,
  lengths: TextLengths,
  available: number = availableMemory(),
): Promise<MemoryPlan> {
  const folder = modelFolder(config.model.path, modelsDirectory);
  const { config: model } = await readModelConfig(folder);
  const { budget, method, data } = config;
  const spec = estimatorSpec(method, budget);
  const { plan } = spec;
  const added = config.model.chat === 'off' ? 0 : templateTokens;
  if (spec.rewardModel !== undefined) {
    const limit = Math.min(model.maxPositions, budget.maxPromptTokens + budget.maxTokens);
    const text = Math.min(limit, lengths.longestPrompt + lengths.longestAnswer + added);
    const microBatchTokens = budget.microBatchTokens ?? chooseMicroBatchTokens(model, 2 * text, available);
    const { headOnly } = spec.rewardModel;
    const shape = { microBatchTokens, longest: text, pairs: budget.promptsPerStep, headOnly };
    return planOf(estimateRewardTrainingMemory(model, shape), available);
  }
  requireLanguageModel(model, folder);
  const learnsAnswers = plan.samplesPerPrompt === 0;
  const prompt = Math.min(budget.maxPromptTokens, lengths.longestPrompt + added);
  const answer = learnsAnswers ? Math.min(budget.maxTokens, lengths.longestAnswer + 1) : budget.maxTokens;
  const longest = Math.min(model.maxPositions, prompt + answer);
  const samples = !learnsAnswers || config.reward !== undefined;
  const wanted = Math.max(sampledTogether(plan, budget.promptsPerStep), data.evaluationLimit);
  const parts = estimateTrainingMemory(model, {
    microBatchTokens: budget.microBatchTokens ?? chooseMicroBatchTokens(model, longest, available),
    longest,
    sequences: budget.promptsPerStep * Math.max(1, plan.samplesPerPrompt),
    sampledTogether: samples ? wanted : 0,
    reference: needsReference(spec),
    critic: spec.critic?.network === 'own',
    entropyBonus: spec.surrogate.entropyBonus !== undefined,
  });
  const scoring = await rewardModelMemory(config.reward, available, (path) =>
    modelFolder(path, modelsDirectory),
  );
  return planOf([...parts, ...scoring], available);
}

function planOf(parts: MemoryPart[], available: number): MemoryPlan {
  const total = totalBytes(parts);
  return { parts, total, available, fits: total <= available };
}

/** @throws EspalierError `memory-short` when the plan does not fit */
export function requireMemory(plan: MemoryPlan): void {
  if (plan.fits) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const largest = plan.parts.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  throw new EspalierError(
    'environment',
    'memory-short',
    `Training needs about ${gigabytes(plan.total)} of memory; ${gigabytes(plan.available)} are free.`,
    {
      where: `largest part: ${largest.name}, ${gigabytes(largest.bytes)}`,
      advice:
        'Use a smaller model, lower budget.microBatchTokens, budget.promptsPerStep or budget.maxTokens, or close other programs.',
    },
  );
}
