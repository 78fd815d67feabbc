/** Reward files: the `reward` part of an experiment alone, or a whole experiment file. */
import { z } from 'zod';
import { userError } from '../../contract/errors.ts';
import { explainIssues } from '../../contract/explain-issues.ts';
import { rewardSchema, type RewardConfig } from '../../contract/reward.ts';

/**
 * The reward of a file: the document itself, or the `reward` of an experiment file.
 * @throws EspalierError `reward-invalid` with the place in the file
 */
export function parseReward(text: string, file: string): RewardConfig {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw userError(
      'reward-invalid',
      `The reward file is no JSON: ${error instanceof Error ? error.message : ''}`,
      {
        where: file,
        advice: 'For example: {"components": [{"kind": "number"}]}',
      },
    );
  }
  const experiment = z.looseObject({ version: z.number(), reward: z.unknown() }).safeParse(document);
  const reward = experiment.success ? experiment.data.reward : document;
  const parsed = rewardSchema.safeParse(reward);
  if (!parsed.success)
    throw explainIssues(
      rewardSchema,
      reward,
      parsed.error.issues,
      'reward-invalid',
      experiment.success ? 'reward' : '',
    );
  return parsed.data;
}
