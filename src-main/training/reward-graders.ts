/** The graders of a process that runs models: what a reward needs beside the answers and their rows. */
import type { RewardConfig } from '../contract/reward.ts';
import type { ExternalGraders } from '../rewards/grader.ts';
import type { SpawnSandbox } from '../rewards/sandbox/child.ts';
import { SandboxClient } from '../rewards/sandbox/client.ts';
import { checkSandboxed, sandboxGraders } from '../rewards/sandbox/graders.ts';
import { unavailableKind } from '../rewards/unavailable-kind.ts';

export interface RewardGraders {
  readonly external: ExternalGraders;
  /** Gets ready what the reward needs, so that what is wrong with it shows before anything is graded. */
  load(reward: RewardConfig): Promise<void>;
  dispose(): Promise<void>;
}

/** What the process gives to graders. */
export interface GraderSurroundings {
  readonly spawnSandbox: SpawnSandbox;
}

/** One grader for each kind that needs more than the answer and its row. @param seed of the run */
export function externalGraders(
  { spawnSandbox }: GraderSurroundings,
  seed: number,
  onPrinted?: (lines: readonly string[]) => void,
): RewardGraders {
  const sandbox = new SandboxClient(spawnSandbox, seed);
  return {
    external: {
      ...sandboxGraders(sandbox, onPrinted),
      'reward-model': unavailableKind('reward-model', 'Use another kind.'),
      judge: unavailableKind('judge', 'Use another kind.'),
    },
    load: (reward) => checkSandboxed(reward, sandbox),
    async dispose() {
      sandbox.close();
    },
  };
}
