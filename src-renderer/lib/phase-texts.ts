/** What a trainer does at the moment, in words. */
import type { RunRow } from '../../src-main/contract/calls.ts';

export const phaseTexts: Record<NonNullable<RunRow['phase']>, string> = {
  loading: 'Loading the model',
  compiling: 'Preparing the model',
  preflight: 'Trying the reward on a few answers',
  evaluating: 'Asking the held-out questions',
  training: 'Learning',
  saving: 'Saving',
  stopping: 'Stopping',
};
