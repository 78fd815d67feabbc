/** What the end of a trainer process that did not say goodbye means, in words. */
import type { ErrorShape } from '../contract/events.ts';
import type { TrainerExit } from './trainer-child.ts';

const memoryWords =
  /heap out of memory|Reached heap limit|bad_alloc|cannot allocate memory|failed to allocate|out of memory|ENOMEM/i;

const advice = 'Resume the run: it goes on from its last checkpoint.';
const memoryAdvice =
  'Lower budget.microBatchTokens, budget.promptsPerStep or budget.maxTokens, use a smaller model, or close other programs; then resume the run from its last checkpoint or start it anew.';

/** The error of a run whose trainer ended by itself without telling why. `lastWords`: the end of what it printed. */
export function exitReason(exit: TrainerExit, lastWords: readonly string[]): ErrorShape {
  const details = lastWords.length === 0 ? {} : { details: lastWords.join('\n') };
  if (lastWords.some((line) => memoryWords.test(line))) {
    return {
      kind: 'environment',
      code: 'trainer-out-of-memory',
      message: `The training process ran out of memory (${how(exit)}).`,
      advice: memoryAdvice,
      ...details,
    };
  }
  if (exit.signal === 'SIGKILL') {
    return {
      kind: 'environment',
      code: 'trainer-killed',
      message: 'The training process was ended by the system (SIGKILL), most likely because memory ran out.',
      advice: memoryAdvice,
      ...details,
    };
  }
  const last = lastWords.findLast((line) => line.trim() !== '');
  return {
    kind: 'environment',
    code: 'trainer-crashed',
    message: `The training process ended without a word of goodbye (${how(exit)}).${last === undefined ? '' : ` Its last words: ${last.trim()}`}`,
    advice,
    ...details,
  };
}

function how(exit: TrainerExit): string {
  if (exit.signal !== null) return `signal ${exit.signal}`;
  return exit.code === null ? 'it could not be started' : `exit code ${exit.code}`;
}
