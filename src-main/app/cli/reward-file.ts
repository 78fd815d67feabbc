/** Reward files: the `reward` part of an experiment alone, or a whole experiment file. */
import path from 'node:path';
import { z } from 'zod';
import { userError } from '../../contract/errors.ts';
import { explainIssues } from '../../contract/explain-issues.ts';
import { rewardSchema, type RewardConfig } from '../../contract/reward.ts';
import { absolutePath, modelFolder, rewardWithFolders } from '../experiment-paths.ts';
import { builtinModelsDirectory } from '../host-paths.ts';
import type { CommandContext } from './command.ts';
import { resourcesDirectory } from './open-services.ts';
import { readTextFile } from './read-input.ts';

/**
 * Reads a reward file; folders of reward models are relative to it.
 * @throws EspalierError as `parseReward`; `file-missing`, `model-builtin-unknown`
 */
export function readReward(context: CommandContext, file: string): RewardConfig {
  const reward = parseReward(readTextFile(context, file, 'reward file'), file);
  const models = builtinModelsDirectory({
    dataDirectory: context.dataDirectory,
    resourcesDirectory: resourcesDirectory(context),
  });
  const directory = path.dirname(path.resolve(context.workingDirectory, file));
  return rewardWithFolders(reward, (folder) => modelFolder(absolutePath(folder, directory), models));
}

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
