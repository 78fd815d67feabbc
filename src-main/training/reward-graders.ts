/** The graders of a process that runs models: what a reward needs beside the answers and their rows. */
import { userError } from '../contract/errors.ts';
import type { ExternalGraders, ExternalKind } from '../rewards/grader.ts';
import type { JudgeLink } from './judge-link.ts';

/** What the process gives to graders. */
export interface GraderSurroundings {
  readonly judge: Pick<JudgeLink, 'ask'>;
}

/** One grader for each kind that needs more than the answer and its row. */
export function externalGraders({ judge }: GraderSurroundings): ExternalGraders {
  return {
    regex: unavailable('regex'),
    'json-schema': unavailable('json-schema'),
    code: unavailable('code'),
    function: unavailable('function'),
    'reward-model': unavailable('reward-model'),
    judge: (component, items) => judge.ask(component, items),
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
