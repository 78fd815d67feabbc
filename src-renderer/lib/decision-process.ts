/** Reading and changing a decision process: which prefixes and answers it has, and the same process in another size. */
import type { DecisionProcess } from '../../src-main/contract/laboratory.ts';

/** Letters that new vocabularies take, in order. */
const freshLetters = 'abcdefgh';

/** Largest sizes that the editor offers: larger tables cannot be read. */
export const editorLimits = { letters: 4, length: 4 } as const;

export interface ProcessShape {
  /** Every prefix that does not end an answer, shortest first. */
  readonly prefixes: readonly string[];
  /** Every answer, in the order in which the prefixes lead to them. */
  readonly answers: readonly string[];
}

/** The prefixes and answers that a vocabulary and a greatest length make. */
export function shapeOf({
  vocabulary,
  maxLength,
}: Pick<DecisionProcess, 'vocabulary' | 'maxLength'>): ProcessShape {
  const prefixes: string[] = [];
  const answers: string[] = [];
  let present = [''];
  for (let length = 0; length < maxLength; length += 1) {
    const next: string[] = [];
    for (const prefix of present) {
      prefixes.push(prefix);
      vocabulary.forEach((letter, place) => {
        const ends = place === vocabulary.length - 1 || length + 1 === maxLength;
        (ends ? answers : next).push(prefix + letter);
      });
    }
    present = next;
  }
  return { prefixes, answers };
}

/** The same process with more or fewer letters and positions; what is new has logit and reward 0. */
export function resized(process: DecisionProcess, letters: number, maxLength: number): DecisionProcess {
  const end = process.vocabulary.at(-1) ?? '.';
  const kept = process.vocabulary.slice(0, -1).slice(0, letters - 1);
  const fresh = [...freshLetters].filter((letter) => letter !== end && !kept.includes(letter));
  const vocabulary = [...kept, ...fresh.slice(0, letters - 1 - kept.length), end];
  const { prefixes, answers } = shapeOf({ vocabulary, maxLength });
  const logitOf = (prefix: string, letter: string): number =>
    process.logits[prefix]?.[process.vocabulary.indexOf(letter)] ?? 0;
  return {
    vocabulary,
    maxLength,
    logits: Object.fromEntries(
      prefixes.map((prefix) => [prefix, vocabulary.map((letter) => logitOf(prefix, letter))]),
    ),
    rewards: Object.fromEntries(answers.map((answer) => [answer, process.rewards[answer] ?? 0])),
  };
}

/** The same process with one logit changed. */
export function withLogit(
  process: DecisionProcess,
  prefix: string,
  letter: number,
  value: number,
): DecisionProcess {
  const row = (process.logits[prefix] ?? []).map((old, place) => (place === letter ? value : old));
  return { ...process, logits: { ...process.logits, [prefix]: row } };
}

/** The same process with one reward changed. */
export function withReward(process: DecisionProcess, answer: string, value: number): DecisionProcess {
  return { ...process, rewards: { ...process.rewards, [answer]: value } };
}
