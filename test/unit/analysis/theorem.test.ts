/** The theorem on random processes: token rewards and their sum give one gradient; a discount breaks it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { enumerateProcess, type EnumeratedProcess } from '../../../src-main/analysis/decision-process.ts';
import { answerFunctionGradient } from '../../../src-main/analysis/exact-gradient.ts';
import {
  demonstrateTheorem,
  drawTokenRewards,
  responseGradient,
  stateVisits,
  tokenGradient,
} from '../../../src-main/analysis/token-rewards.ts';

const letters = 'abcdefg';

/** A process of any allowed shape that stays small, with logits up to ±4. */
const processes: fc.Arbitrary<EnumeratedProcess> = fc
  .record({ size: fc.integer({ min: 2, max: 4 }), maxLength: fc.integer({ min: 1, max: 4 }) })
  .chain(({ size, maxLength }) => {
    const vocabulary = [...letters.slice(0, size - 1), '.'];
    const prefixes: string[] = [];
    const answers: string[] = [];
    let present = [''];
    for (let length = 0; length < maxLength; length++) {
      const next: string[] = [];
      for (const prefix of present) {
        prefixes.push(prefix);
        for (const letter of vocabulary) {
          if (letter !== '.' && length + 1 < maxLength) next.push(prefix + letter);
          else answers.push(prefix + letter);
        }
      }
      present = next;
    }
    const number = fc.double({ min: -4, max: 4, noNaN: true });
    return fc
      .array(number, { minLength: prefixes.length * size, maxLength: prefixes.length * size })
      .map((values) =>
        enumerateProcess({
          vocabulary,
          maxLength,
          logits: Object.fromEntries(
            prefixes.map((prefix, index) => [prefix, values.slice(index * size, (index + 1) * size)]),
          ),
          rewards: Object.fromEntries(answers.map((answer, index) => [answer, index % 3])),
        }),
      );
  });
const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

it('rewards of tokens and their sum have the same gradient, to 1e-12', () => {
  fc.assert(
    fc.property(processes, seeds, (process, seed) => {
      const report = demonstrateTheorem(process, seed, 1);
      expect(report.largestDifference).toBeLessThan(1e-12);
      expect(report.discountedGradient).toEqual(report.tokenGradient);
    }),
    { numRuns: 200 },
  );
});

it('the discounted token gradient is that of sums over whole answers, and differs from the plain one', () => {
  let differing = 0;
  fc.assert(
    fc.property(processes, seeds, (process, seed) => {
      const rewards = drawTokenRewards(process, seed);
      const size = process.process.vocabulary.length;
      // The same gradient the long way: the discounted sum to go of each answer, letter by letter.
      const gradient = new Float64Array(rewards.length);
      for (const answer of process.answers) {
        answer.letters.forEach((letter, place) => {
          const toGo = answer.letters
            .slice(place)
            .reduce(
              (sum, later, ahead) =>
                sum + 0.9 ** ahead * rewards[answer.states[place + ahead]! * size + later]!,
              0,
            );
          const state = answer.states[place]!;
          process.policy[state]!.forEach((chance, other) => {
            gradient[state * size + other]! +=
              answer.probability * toGo * ((other === letter ? 1 : 0) - chance);
          });
        });
      }
      tokenGradient(process, rewards, 0.9).forEach((value, index) =>
        expect(Math.abs(value - gradient[index]!)).toBeLessThan(1e-12),
      );
      const { discountedDifference, largestDifference } = demonstrateTheorem(process, seed, 0.9);
      if (process.process.maxLength > 1 && discountedDifference > 1e-6) differing += 1;
      if (process.process.maxLength === 1) expect(discountedDifference).toBe(largestDifference);
    }),
    { numRuns: 100 },
  );
  expect(differing).toBeGreaterThan(50);
});

it('draws the same rewards for the same seed and others for another', () => {
  const [process] = fc.sample(processes, { numRuns: 1, seed: 3 });
  expect(drawTokenRewards(process!, 5)).toEqual(drawTokenRewards(process!, 5));
  expect(drawTokenRewards(process!, 5)).not.toEqual(drawTokenRewards(process!, 6));
});

it('visits sum to the expected length, and a reward of 1 for everything teaches length alone', () => {
  fc.assert(
    fc.property(processes, (process) => {
      const visits = stateVisits(process).reduce((sum, value) => sum + value, 0);
      const length = process.answers.reduce((sum, each) => sum + each.probability * each.letters.length, 0);
      expect(visits).toBeCloseTo(length, 10);
      const ones = new Float64Array(process.states.length * process.process.vocabulary.length).fill(1);
      const byLength = answerFunctionGradient(process, (answer) => answer.letters.length);
      responseGradient(process, ones).forEach((value, index) =>
        expect(value).toBeCloseTo(byLength[index]!, 10),
      );
    }),
    { numRuns: 50 },
  );
});
