/**
 * Estimators of the theorem's per-letter advantage by fresh continuations (VinePPO, TRePO) and by a critic (PPO) on
 * an enumerable process: every continuation and every coin is gone through, so their moments are exact too.
 */
import { anchorAdvantages, sparseAdvantages, type SparseToken } from '../estimators/anchors.ts';
import { generalizedAdvantages } from '../estimators/generalized-advantage.ts';
import { prefixValue, type EnumeratedAnswer, type EnumeratedProcess } from './decision-process.ts';
import type { Outcome } from './exact-gradient.ts';

/** What may be estimated for the value of a prefix, with its probability. */
export interface ValueOutcome {
  readonly probability: number;
  readonly value: number;
}

/** How prefix values are known: exactly, or as the mean reward of this many fresh continuations. */
export type Valuation = 'exact' | number;

/** The theorem: value after each letter minus value before it, both exact. */
export function theoremAdvantages(enumerated: EnumeratedProcess, answer: EnumeratedAnswer): Float64Array {
  const values = answer.letters.map((_, place) => prefixValue(enumerated, answer.text.slice(0, place)));
  return Float64Array.from(values, (value, place) => (values[place + 1] ?? answer.reward) - value);
}

/** Advantages of PPO with a critic that says `critic(prefix)` before each letter. */
export function criticAdvantages(
  answer: EnumeratedAnswer,
  critic: (prefix: string) => number,
  lambda: number,
): Float64Array {
  const values = answer.letters.map((_, place) => critic(answer.text.slice(0, place)));
  const rewards = values.map((_, place) => (place === values.length - 1 ? answer.reward : 0));
  return generalizedAdvantages(rewards, values, lambda).advantages;
}

/** Every value that a prefix may be given. */
export function valueOutcomes(
  enumerated: EnumeratedProcess,
  prefix: string,
  valuation: Valuation,
): ValueOutcome[] {
  if (valuation === 'exact') return [{ probability: 1, value: prefixValue(enumerated, prefix) }];
  const continuations = enumerated.answers.filter((answer) => answer.text.startsWith(prefix));
  const mass = continuations.reduce((sum, answer) => sum + answer.probability, 0);
  const single = continuations.map((answer) => ({
    probability: answer.probability / mass,
    value: answer.reward,
  }));
  let outcomes: ValueOutcome[] = [{ probability: 1, value: 0 }];
  for (let count = 0; count < valuation; count++) {
    outcomes = outcomes.flatMap((sum) =>
      single.map((one) => ({
        probability: sum.probability * one.probability,
        value: sum.value + one.value / valuation,
      })),
    );
  }
  return outcomes;
}

/** A way of placing anchors: each set of positions (ascending, 0 among them) with its probability. */
export type AnchorRule = (
  answer: EnumeratedAnswer,
) => readonly { readonly probability: number; readonly positions: readonly number[] }[];

/** Anchors at every multiple of `stride` below the length. */
export function strideAnchors(stride: number): AnchorRule {
  return (answer) => {
    const positions: number[] = [];
    for (let position = 0; position < answer.letters.length; position += stride) positions.push(position);
    return [{ probability: 1, positions }];
  };
}

/** Anchors at 0 and, by coins thrown before generation, at each later position with this probability. */
export function bernoulliAnchors(probability: number): AnchorRule {
  return (answer) =>
    subsets(1, answer.letters.length - 1, probability).map((set) => ({
      ...set,
      positions: [0, ...set.members],
    }));
}

/** VinePPO and TRePO (segment or linear): what may come out for one answer. */
export function anchorOutcomes(
  enumerated: EnumeratedProcess,
  rule: AnchorRule,
  between: 'segment' | 'linear',
  valuation: Valuation,
): (answer: EnumeratedAnswer) => Iterable<Outcome> {
  return function* (answer) {
    for (const placed of rule(answer)) {
      const choices = placed.positions.map((position) =>
        valueOutcomes(enumerated, answer.text.slice(0, position), valuation),
      );
      for (const { probability, values } of combinations(choices)) {
        const anchors = placed.positions.map((position, index) => ({ position, value: values[index]! }));
        const weights = anchorAdvantages(answer.letters.length, anchors, answer.reward, between);
        yield { probability: placed.probability * probability, weights };
      }
    }
  };
}

/**
 * TRePO (sparse): each letter is drawn by a coin, and both its values are estimated. `shared` estimates each
 * position once; otherwise neighbouring letters get estimates of their own.
 */
export function sparseOutcomes(
  enumerated: EnumeratedProcess,
  probability: number,
  valuation: Valuation,
  shared: boolean,
): (answer: EnumeratedAnswer) => Iterable<Outcome> {
  return function* (answer) {
    const length = answer.letters.length;
    for (const drawn of subsets(1, length, probability)) {
      // Each drawn letter leads from position token − 1 to token; the value at the end is the reward itself.
      const slots = drawn.members.flatMap((token) => [
        { position: token - 1, key: shared ? `${token - 1}` : `before ${token}` },
        { position: token, key: shared ? `${token}` : `after ${token}` },
      ]);
      const keys = [...new Set(slots.filter((slot) => slot.position < length).map((slot) => slot.key))];
      const choices = keys.map((key) => {
        const position = slots.find((slot) => slot.key === key)!.position;
        return valueOutcomes(enumerated, answer.text.slice(0, position), valuation);
      });
      for (const { probability: chance, values } of combinations(choices)) {
        const valueOf = (slot: { position: number; key: string }): number =>
          slot.position === length ? answer.reward : values[keys.indexOf(slot.key)]!;
        const tokens: SparseToken[] = drawn.members.map((token, index) => ({
          token,
          before: valueOf(slots[2 * index]!),
          after: valueOf(slots[2 * index + 1]!),
        }));
        yield {
          probability: drawn.probability * chance,
          weights: sparseAdvantages(length, tokens, probability),
        };
      }
    }
  };
}

/** Every subset of the integers from `first` to `last`, each member being in it with this probability. */
export function subsets(
  first: number,
  last: number,
  probability: number,
): { probability: number; members: number[] }[] {
  let sets: { probability: number; members: number[] }[] = [{ probability: 1, members: [] }];
  for (let member = first; member <= last; member++) {
    sets = sets.flatMap((set) => [
      { probability: set.probability * (1 - probability), members: set.members },
      { probability: set.probability * probability, members: [...set.members, member] },
    ]);
  }
  return sets;
}

/** Every choice of one outcome from each list, independent of each other. */
function* combinations(
  choices: readonly (readonly ValueOutcome[])[],
): Generator<{ probability: number; values: number[] }> {
  if (choices.length === 0) {
    yield { probability: 1, values: [] };
    return;
  }
  const [first, ...rest] = choices;
  for (const outcome of first!) {
    for (const other of combinations(rest)) {
      yield {
        probability: outcome.probability * other.probability,
        values: [outcome.value, ...other.values],
      };
    }
  }
}
