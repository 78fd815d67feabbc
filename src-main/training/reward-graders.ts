/** The graders of a process that runs models: what a reward needs beside the answers and their rows. */
import type { RewardConfig } from '../contract/reward.ts';
import type { ExternalGraders } from '../rewards/grader.ts';
import type { SpawnSandbox } from '../rewards/sandbox/child.ts';
import { SandboxClient } from '../rewards/sandbox/client.ts';
import { checkSandboxed, sandboxGraders } from '../rewards/sandbox/graders.ts';
import type { JudgeLink } from './judge-link.ts';
import { createRewardModelGrader } from './reward-model-grader.ts';

export interface RewardGraders {
  readonly external: ExternalGraders;
  /** Gets ready what the reward needs, so that what is wrong with it shows before anything is graded. */
  load(reward: RewardConfig): Promise<void>;
  dispose(): Promise<void>;
}

/** What the process gives to graders. */
export interface GraderSurroundings {
  readonly spawnSandbox: SpawnSandbox;
  /** Bytes that a new process could take without swapping. */
  readonly availableMemory: () => number;
  /** Asks the host for judgements. */
  readonly judge: Pick<JudgeLink, 'ask'>;
}

/** One grader for each kind that needs more than the answer and its row. @param seed of the run */
export function externalGraders(
  { spawnSandbox, availableMemory, judge }: GraderSurroundings,
  seed: number,
  onPrinted?: (lines: readonly string[]) => void,
): RewardGraders {
  const sandbox = new SandboxClient(spawnSandbox, seed);
  const rewardModels = createRewardModelGrader(availableMemory);
  return {
    external: {
      ...sandboxGraders(sandbox, onPrinted),
      'reward-model': (component, items) => rewardModels.grade(component, items),
      judge: (component, items) => judge.ask(component, items),
    },
    async load(reward) {
      await checkSandboxed(reward, sandbox);
      await rewardModels.load(reward);
    },
    async dispose() {
      sandbox.close();
      await rewardModels.dispose();
    },
  };
}
