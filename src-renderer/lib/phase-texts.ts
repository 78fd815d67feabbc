/** What a trainer does at the moment, in words. */
import type { RunRow } from '../../src-main/contract/calls.ts';

export const phaseTexts: Record<NonNullable<RunRow['phase']>, string> = {
  loading: 'Loading the model',
  compiling: 'Preparing the model',
  preflight: 'Trying the reward on a few answers',
  evaluating: 'Asking the held-out questions',
  training: 'Learning',
  grading: 'Asking the judge',
  waiting: 'Waiting',
  saving: 'Saving',
  stopping: 'Stopping',
};

/** The phase of a run with what it waits for, such as "Waiting for the judge at …"; null where there is none. */
export function phaseText({ phase, phaseDetail }: Pick<RunRow, 'phase' | 'phaseDetail'>): string | null {
  if (phase === null) return null;
  if (phaseDetail === null) return phaseTexts[phase];
  return phase === 'waiting'
    ? `${phaseTexts.waiting} ${phaseDetail}`
    : `${phaseTexts[phase]}: ${phaseDetail}`;
}
