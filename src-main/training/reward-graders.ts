/** The graders of a process that runs models: what a reward needs beside the answers and their rows. */
import { userError } from '../contract/errors.ts';
import type { RewardConfig } from '../contract/reward.ts';
import type { ExternalGraders, ExternalKind } from '../rewards/grader.ts';
import { createRewardModelGrader } from './reward-model-grader.ts';

export interface RewardGraders {
  readonly external: ExternalGraders;
  /** Loads what the reward needs, so that what is wrong with it shows before anything is graded. */
  load(reward: RewardConfig): Promise<void>;
  dispose(): Promise<void>;
}

/** What the process gives to graders. */
export interface GraderSurroundings {
  /** Bytes that a new process could take without swapping. */
  readonly availableMemory: () => number;
}

export function externalGraders({ availableMemory }: GraderSurroundings): RewardGraders {
  const rewardModels = createRewardModelGrader(availableMemory);
  return {
    external: {
      regex: unavailable('regex'),
      'json-schema': unavailable('json-schema'),
      code: unavailable('code'),
      function: unavailable('function'),
      'reward-model': (component, items) => rewardModels.grade(component, items),
      judge: unavailable('judge'),
    },
    load: (reward) => rewardModels.load(reward),
    dispose: () => rewardModels.dispose(),
  };
}

/** A kind that this process cannot grade. */
function unavailable(kind: ExternalKind): () => Promise<never> {
  return () =>
    Promise.reject(
      userError('reward-kind-unavailable', `Rewards of the kind ${kind} cannot be graded here.`, {
        where: 'reward.components',
        advice: 'Use another kind.',
      }),
    );
}
