/**
 * The Trajectory Policy Gradient Theorem (arXiv 2506.02553), shown on an enumerable process: rewards for single
 * letters, and their sum as one reward for the whole answer, have the same policy gradient. The two gradients are
 * computed in unlike ways, so that their agreement is evidence and not the same sum written twice.
 */
import { randomStream } from '../contract/random.ts';
import type { TheoremReport } from '../contract/laboratory.ts';
import type { EnumeratedAnswer, EnumeratedProcess } from './decision-process.ts';
import { answerFunctionGradient, dot } from './exact-gradient.ts';

/** Purpose of the random stream, so that the seed gives other numbers than elsewhere. */
const purpose = 71;

/** What each letter earns in each state, uniform in [−1, 1): state by state, letter by letter. */
export function drawTokenRewards(enumerated: EnumeratedProcess, seed: number): Float64Array {
  const stream = randomStream([seed, purpose]);
  const count = enumerated.states.length * enumerated.process.vocabulary.length;
  return Float64Array.from({ length: count }, (_, index) => 2 * stream.uniform(index) - 1);
}

/** The reward of a whole answer: what its letters earn, added up. */
export function foldedReward(
  enumerated: EnumeratedProcess,
  tokenRewards: Float64Array,
  answer: EnumeratedAnswer,
): number {
  const letters = enumerated.process.vocabulary.length;
  return answer.letters.reduce(
    (sum, letter, place) => sum + tokenRewards[answer.states[place]! * letters + letter]!,
    0,
  );
}

/** The policy gradient of one reward for the whole answer: every letter is weighed by the same sum. */
export function responseGradient(enumerated: EnumeratedProcess, tokenRewards: Float64Array): Float64Array {
  return answerFunctionGradient(enumerated, (answer) => foldedReward(enumerated, tokenRewards, answer));
}

/**
 * The policy gradient of rewards for single letters: each letter is weighed by what it and all later letters earn,
 * a reward k letters later counting discount^k. Computed from the value of every state (dynamic programming), and
 * so without any sum over whole answers.
 */
export function tokenGradient(
  enumerated: EnumeratedProcess,
  tokenRewards: Float64Array,
  discount: number,
): Float64Array {
  const { states, policy, process } = enumerated;
  const letters = process.vocabulary.length;
  const place = new Map(states.map((state, index) => [state, index]));
  const next = (state: number, letter: number): number | undefined =>
    letter === letters - 1 ? undefined : place.get(states[state]! + process.vocabulary[letter]!);

  const visits = stateVisits(enumerated);
  const worth = new Float64Array(tokenRewards.length);
  const values = new Float64Array(states.length);
  // States are listed shortest first: backwards, every longer prefix is already valued.
  for (let state = states.length - 1; state >= 0; state--) {
    for (let letter = 0; letter < letters; letter++) {
      const after = next(state, letter);
      const index = state * letters + letter;
      worth[index] = tokenRewards[index]! + (after === undefined ? 0 : discount * values[after]!);
      values[state]! += policy[state]![letter]! * worth[index];
    }
  }
  return worth.map((value, index) => {
    const state = Math.floor(index / letters);
    return visits[state]! * policy[state]![index % letters]! * (value - values[state]!);
  });
}

/** The probability that an answer passes each state. */
export function stateVisits(enumerated: EnumeratedProcess): Float64Array {
  const { states, policy, process } = enumerated;
  const place = new Map(states.map((state, index) => [state, index]));
  const visits = new Float64Array(states.length);
  visits[0] = 1;
  states.forEach((state, index) => {
    for (let letter = 0; letter < process.vocabulary.length - 1; letter++) {
      const after = place.get(state + process.vocabulary[letter]!);
      if (after !== undefined) visits[after] = visits[index]! * policy[index]![letter]!;
    }
  });
  return visits;
}

/** Draws rewards, folds them and compares the gradients, without a discount and with the one given. */
export function demonstrateTheorem(
  enumerated: EnumeratedProcess,
  seed: number,
  discount: number,
): TheoremReport {
  const tokenRewards = drawTokenRewards(enumerated, seed);
  const plain = tokenGradient(enumerated, tokenRewards, 1);
  const whole = responseGradient(enumerated, tokenRewards);
  const discounted = tokenGradient(enumerated, tokenRewards, discount);
  const size = Math.sqrt(dot(discounted, discounted) * dot(whole, whole));
  return {
    tokenRewards: [...tokenRewards],
    responseRewards: Object.fromEntries(
      enumerated.answers.map((answer) => [answer.text, foldedReward(enumerated, tokenRewards, answer)]),
    ),
    tokenGradient: [...plain],
    responseGradient: [...whole],
    largestDifference: largestDifference(plain, whole),
    discount,
    discountedGradient: [...discounted],
    discountedDifference: largestDifference(discounted, whole),
    discountedCosine: size === 0 ? null : dot(discounted, whole) / size,
  };
}

function largestDifference(left: Float64Array, right: Float64Array): number {
  return left.reduce((most, value, index) => Math.max(most, Math.abs(value - right[index]!)), 0);
}
