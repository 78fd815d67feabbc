/** A grader for a kind that a process cannot grade, for want of a model or a judge. */
import { userError } from '../contract/errors.ts';
import type { ExternalKind } from './grader.ts';

/** @param advice where the kind can be graded */
export function unavailableKind(kind: ExternalKind, advice: string): () => Promise<never> {
  return () =>
    Promise.reject(
      userError('reward-kind-unavailable', `Rewards of the kind ${kind} cannot be graded here.`, {
        where: 'reward.components',
        advice,
      }),
    );
}
