/**
 * A decision process so small that every answer can be listed: a policy over a few letters, a reward for each
 * answer. Expectations over it are finite sums, so what an estimator does on average can be computed exactly.
 */
import { userError } from '../contract/errors.ts';
import type { DecisionProcess } from '../contract/laboratory.ts';

export { decisionProcessSchema, type DecisionProcess } from '../contract/laboratory.ts';

/** One answer with everything that depends on it alone. */
export interface EnumeratedAnswer {
  readonly text: string;
  /** Letters by their place in the vocabulary, and the state (index into `states`) in which each was written. */
  readonly letters: readonly number[];
  readonly states: readonly number[];
  readonly logprobs: readonly number[];
  readonly probability: number;
  readonly reward: number;
  /** False where the answer was cut off at the greatest length. */
  readonly ended: boolean;
}

export interface EnumeratedProcess {
  readonly process: DecisionProcess;
  /** Every prefix that does not end an answer, shortest first. */
  readonly states: readonly string[];
  /** π(letter | state), one list for each state. */
  readonly policy: readonly (readonly number[])[];
  readonly answers: readonly EnumeratedAnswer[];
}

/** Most answers that a process may have: exact sums go over pairs and triples of them. */
const mostAnswers = 400;

/**
 * Lists all states and answers. Throws a user error that names the prefix or answer for a process whose logits
 * or rewards do not cover exactly its states and answers, or that has too many.
 */
export function enumerateProcess(process: DecisionProcess): EnumeratedProcess {
  const { vocabulary, maxLength } = process;
  if (new Set(vocabulary).size !== vocabulary.length) {
    throw userError('process-letters', 'The vocabulary names a letter twice.', {
      where: 'vocabulary',
      advice: 'Use each letter once.',
    });
  }
  const end = vocabulary.length - 1;
  const states: string[] = [];
  const policy: number[][] = [];
  const answers: EnumeratedAnswer[] = [];
  type Prefix = Pick<EnumeratedAnswer, 'text' | 'letters' | 'states' | 'logprobs'>;
  let present: Prefix[] = [{ text: '', letters: [], states: [], logprobs: [] }];
  for (let length = 0; length < maxLength; length++) {
    const next: Prefix[] = [];
    for (const prefix of present) {
      const logprobs = logSoftmax(logitsOf(process, prefix.text));
      const state = states.push(prefix.text) - 1;
      policy.push(logprobs.map(Math.exp));
      logprobs.forEach((logprob, letter) => {
        const longer: Prefix = {
          text: prefix.text + vocabulary[letter]!,
          letters: [...prefix.letters, letter],
          states: [...prefix.states, state],
          logprobs: [...prefix.logprobs, logprob],
        };
        if (letter !== end && length + 1 < maxLength) {
          next.push(longer);
          return;
        }
        const probability = Math.exp(longer.logprobs.reduce((sum, value) => sum + value, 0));
        answers.push({
          ...longer,
          probability,
          reward: rewardOf(process, longer.text),
          ended: letter === end,
        });
        if (answers.length > mostAnswers) {
          throw userError('process-too-large', `The process has more than ${mostAnswers} answers.`, {
            where: 'maxLength',
            advice: 'Use fewer letters or shorter answers.',
          });
        }
      });
    }
    present = next;
  }
  refuseUnknown('logits', process.logits, new Set(states));
  refuseUnknown('rewards', process.rewards, new Set(answers.map((answer) => answer.text)));
  return { process, states, policy, answers };
}

/** E[reward | the answer starts with this prefix]: the value that a perfect critic would give. */
export function prefixValue(enumerated: EnumeratedProcess, prefix: string): number {
  let mass = 0;
  let sum = 0;
  for (const answer of enumerated.answers) {
    if (!answer.text.startsWith(prefix)) continue;
    mass += answer.probability;
    sum += answer.probability * answer.reward;
  }
  return mass === 0 ? 0 : sum / mass;
}

/** The answer that always takes the likeliest letter (the first one at a tie). */
export function greedyAnswer(enumerated: EnumeratedProcess): EnumeratedAnswer {
  let candidates = enumerated.answers;
  for (let place = 0; ; place++) {
    const first = candidates[0]!;
    if (first.letters.length <= place) return first;
    const choice = enumerated.policy[first.states[place]!]!;
    const likeliest = choice.indexOf(Math.max(...choice));
    candidates = candidates.filter((answer) => answer.letters[place] === likeliest);
    if (candidates.length === 1) return candidates[0]!;
  }
}

function logitsOf(process: DecisionProcess, prefix: string): readonly number[] {
  const logits = process.logits[prefix];
  if (logits?.length !== process.vocabulary.length) {
    throw userError(
      'process-logits',
      `The prefix '${prefix}' has ${logits?.length ?? 0} logits; ${process.vocabulary.length} letters need one each.`,
      { where: `logits.${prefix}`, advice: 'Give one number for each letter of the vocabulary.' },
    );
  }
  return logits;
}

function rewardOf(process: DecisionProcess, answer: string): number {
  const reward = process.rewards[answer];
  if (reward === undefined) {
    throw userError('process-reward', `The answer '${answer}' has no reward.`, {
      where: `rewards.${answer}`,
      advice: 'Give a number for every answer.',
    });
  }
  return reward;
}

function refuseUnknown(
  field: 'logits' | 'rewards',
  given: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): void {
  for (const key of Object.keys(given)) {
    if (known.has(key)) continue;
    const what = field === 'logits' ? 'a prefix' : 'an answer';
    throw userError('process-unknown', `'${key}' is not ${what} of this process.`, {
      where: `${field}.${key}`,
      advice: 'Remove it.',
    });
  }
}

function logSoftmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits);
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
  return logits.map((logit) => logit - top - total);
}
