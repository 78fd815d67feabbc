/** Whether a model folder serves what it is wanted for: language models write, reward models score. */
import { userError } from '../contract/errors.ts';
import type { ModelConfig } from './config.ts';

/** @throws user error `model-is-reward-model` */
export function requireLanguageModel({ rewardHead }: ModelConfig, folder: string): void {
  if (!rewardHead) return;
  throw userError(
    'model-is-reward-model',
    'This model gives scores to texts (sequence classification) and writes none.',
    {
      where: folder,
      advice:
        'Choose a language model (…ForCausalLM). A reward model belongs into the reward, as a component of the kind reward-model.',
    },
  );
}

/** @throws user error `model-is-language-model` */
export function requireRewardModel({ rewardHead }: ModelConfig, folder: string): void {
  if (rewardHead) return;
  throw userError(
    'model-is-language-model',
    'This model writes texts and gives them no score: it is no reward model.',
    {
      where: folder,
      advice:
        'Choose a folder whose config.json names a …ForSequenceClassification with one label; the method reward-model trains one from pairs.',
    },
  );
}
