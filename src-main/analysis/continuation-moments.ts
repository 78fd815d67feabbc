/**
 * Moments of estimators that value prefixes by fresh continuations (VinePPO, TRePO), without going through every
 * combination of continuations. Advantages are linear in the estimated values, and estimates are independent; so the
 * mean and the variance of each value give the moments exactly, for any number of continuations.
 */
import { anchorAdvantages, sparseAdvantages, type SparseToken } from '../estimators/anchors.ts';
import type { EnumeratedAnswer, EnumeratedProcess } from './decision-process.ts';
import { subsets, type AnchorRule } from './continuation-estimators.ts';
import {
  addAnswer,
  addScaled,
  dot,
  emptyGradient,
  type LetterWeights,
  type Moments,
} from './exact-gradient.ts';

/** Expected reward, its variance and the expected number of letters still to come, after a prefix. */
interface PrefixFacts {
  readonly value: number;
  readonly variance: number;
  readonly lettersLeft: number;
}

/** Moments, with what one evaluation generates beside its own answer. */
export interface ContinuationMoments extends Moments {
  /** Expected continuations, and letters in them. */
  readonly continuations: number;
  readonly continuedLetters: number;
}

/** One possible placement: what each value contributes, and which prefixes are continued. */
interface LinearOutcome {
  readonly probability: number;
  /** Weights as a function of the values of `prefixes`, in their order; must be linear in them. */
  readonly weights: (values: readonly number[]) => LetterWeights;
  /** Number of letters of the prefix that each value belongs to; a prefix listed twice is estimated twice. */
  readonly prefixes: readonly number[];
}

/** VinePPO and TRePO (segment or linear) with `continuations` for each anchor. */
export function anchorMoments(
  enumerated: EnumeratedProcess,
  rule: AnchorRule,
  between: 'segment' | 'linear',
  continuations: number,
): ContinuationMoments {
  return linearMoments(enumerated, continuations, (answer) =>
    rule(answer).map(({ probability, positions }) => ({
      probability,
      prefixes: positions,
      weights: (values) =>
        anchorAdvantages(
          answer.letters.length,
          positions.map((position, index) => ({ position, value: values[index]! })),
          answer.reward,
          between,
        ),
    })),
  );
}

/** TRePO (sparse): each letter is drawn with this probability; the values before and after it are estimated. */
export function sparseMoments(
  enumerated: EnumeratedProcess,
  probability: number,
  continuations: number,
): ContinuationMoments {
  return linearMoments(enumerated, continuations, (answer) => {
    const length = answer.letters.length;
    return subsets(1, length, probability).map(({ probability: chance, members }) => {
      const prefixes = [...new Set(members.flatMap((token) => [token - 1, token]))].filter(
        (prefix) => prefix < length,
      );
      return {
        probability: chance,
        prefixes,
        weights: (values) => {
          const valueAt = (prefix: number): number =>
            prefix === length ? answer.reward : values[prefixes.indexOf(prefix)]!;
          const drawn = members.map((token): SparseToken => ({
            token,
            before: valueAt(token - 1),
            after: valueAt(token),
          }));
          return sparseAdvantages(length, drawn, probability);
        },
      };
    });
  });
}

function linearMoments(
  enumerated: EnumeratedProcess,
  continuations: number,
  outcomes: (answer: EnumeratedAnswer) => readonly LinearOutcome[],
): ContinuationMoments {
  const known = new Map<string, PrefixFacts>();
  const factsOf = (prefix: string): PrefixFacts => {
    const found = known.get(prefix) ?? prefixFacts(enumerated, prefix);
    known.set(prefix, found);
    return found;
  };
  const sum = emptyGradient(enumerated);
  const one = emptyGradient(enumerated);
  let squares = 0;
  let continued = 0;
  let letters = 0;
  for (const answer of enumerated.answers) {
    for (const { probability, prefixes, weights } of outcomes(answer)) {
      const chance = answer.probability * probability;
      const facts = prefixes.map((prefix) => factsOf(answer.text.slice(0, prefix)));
      const means = facts.map(({ value }) => value);
      const expected = weights(means);
      one.fill(0);
      addAnswer(one, enumerated, answer, expected, 1);
      addScaled(sum, one, chance);
      squares += chance * dot(one, one);
      facts.forEach(({ variance, lettersLeft }, index) => {
        continued += chance * continuations;
        letters += chance * continuations * lettersLeft;
        const raised = weights(means.map((value, other) => (other === index ? value + 1 : value)));
        one.fill(0);
        addAnswer(
          one,
          enumerated,
          answer,
          Array.from(raised, (value, place) => value - expected[place]!),
          1,
        );
        squares += chance * (variance / continuations) * dot(one, one);
      });
    }
  }
  return {
    gradient: sum,
    variance: squares - dot(sum, sum),
    samples: 1,
    keepProbability: 1,
    continuations: continued,
    continuedLetters: letters,
  };
}

function prefixFacts(enumerated: EnumeratedProcess, prefix: string): PrefixFacts {
  let mass = 0;
  let sum = 0;
  let squares = 0;
  let letters = 0;
  for (const answer of enumerated.answers) {
    if (!answer.text.startsWith(prefix)) continue;
    mass += answer.probability;
    sum += answer.probability * answer.reward;
    squares += answer.probability * answer.reward ** 2;
    letters += answer.probability * (answer.letters.length - prefix.length);
  }
  if (mass === 0) return { value: 0, variance: 0, lettersLeft: 0 };
  const value = sum / mass;
  return { value, variance: Math.max(0, squares / mass - value ** 2), lettersLeft: letters / mass };
}
