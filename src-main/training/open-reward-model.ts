/** A reward model from its folder, ready to score: configuration, weights of its own, tokenizer and session. */
import type { Checkpoint } from '../models/checkpoint.ts';
import { expectedTensors } from '../models/expected-tensors.ts';
import { openCheckpoint } from '../models/open-checkpoint.ts';
import { loadTokenizer } from '../models/tokenizer.ts';
import { requireRewardModel } from '../models/use.ts';
import { parameterGroups } from '../networks/parameter-groups.ts';
import { chooseMicroBatchTokens } from '../runtime/memory-estimate.ts';
import { ParameterStore } from '../runtime/parameter-store.ts';
import type { RewardScorer } from './reward-learner.ts';
import { createRewardScorer } from './reward-learner.ts';
import { loadRewardModel } from './reward-model-state.ts';
import { openRewardText } from './reward-text.ts';
import type { RewardText } from './reward-text.ts';

/** Length for which batches are planned; longer texts go alone. */
const usualTextTokens = 512;

export interface OpenRewardModel {
  readonly checkpoint: Checkpoint;
  readonly text: RewardText;
  readonly bosId: number | null;
  readonly scorer: RewardScorer;
}

/**
 * Opens a reward model; weights are widened to float32.
 * @param availableMemory bytes that it may plan its batches with
 * @throws user errors of model folder, tokenizer and chat template; `model-is-language-model`
 */
export async function openRewardModel(
  folder: string,
  availableMemory: number,
  chat: 'auto' | 'on' | 'off' = 'auto',
): Promise<OpenRewardModel> {
  const checkpoint = await openCheckpoint(folder);
  const { config } = checkpoint;
  requireRewardModel(config, folder);
  const tokenizer = await loadTokenizer(folder);
  const text = await openRewardText(folder, config, tokenizer, chat);
  const store = await ParameterStore.create(parameterGroups(expectedTensors(config)), false);
  await loadRewardModel([store], checkpoint);
  const microBatchTokens = chooseMicroBatchTokens(
    config,
    Math.min(usualTextTokens, config.maxPositions),
    availableMemory,
  );
  const scorer = await createRewardScorer({ config, store, microBatchTokens });
  return { checkpoint, text, bosId: tokenizer.bosId, scorer };
}
