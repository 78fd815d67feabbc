/** Grades the answers of a run by its reward. */
import type { Sample } from '../contract/events.ts';
import type { RewardConfig } from '../contract/reward.ts';
import { createGrader } from '../rewards/grader.ts';
import type { ExternalGraders } from '../rewards/grader.ts';
import type { Grade } from './training-parts.ts';

/**
 * The reward as it counts for a set: held-out answers that were cut off are graded as they are where training leaves
 * them out, for a score over the others alone would say nothing about the model.
 */
export function rewardFor(split: Sample['split'], reward: RewardConfig): RewardConfig {
  return split === 'evaluation' && reward.truncated === 'mask' ? { ...reward, truncated: 'keep' } : reward;
}

/** @param maxTokens most tokens that an answer can have */
export function gradeWith(reward: RewardConfig, maxTokens: number, external: ExternalGraders): Grade {
  const graders = {
    train: createGrader(rewardFor('train', reward), external),
    evaluation: createGrader(rewardFor('evaluation', reward), external),
  };
  return (split, answers) =>
    graders[split].grade(
      answers.map(({ prompt, text, finish, tokens }) => ({
        prompt: prompt.question,
        response: text,
        reference: prompt.reference,
        row: prompt.row,
        finish,
        tokens,
        maxTokens,
      })),
    );
}
