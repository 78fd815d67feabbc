/** The optimizer kernel against the same formulas in double precision. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AdamWKernel, AdamWStep } from '../../../src-main/runtime/adamw.ts';
import { bindAdamW } from '../../../src-main/runtime/adamw.ts';
import { expectClose } from '../../helpers/compare.ts';

const longest = 64;
const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 });
/** The four arrays, with a guard of four floats behind each. */
const at = (section: number): number => 4 * section * (longest + 4);
const view = (section: number, count: number): Float32Array =>
  new Float32Array(memory.buffer, at(section), count);
let kernel: AdamWKernel;

beforeAll(async () => {
  kernel = await bindAdamW(memory);
});

/** Loshchilov & Hutter 2019, algorithm 2, in double precision. */
function reference(
  state: { w: number; m: number; v: number },
  gradient: number,
  { step, learningRate, beta1, beta2, eps, weightDecay, gradientScale }: AdamWStep,
): { w: number; m: number; v: number } {
  const g = gradient * gradientScale;
  const m = beta1 * state.m + (1 - beta1) * g;
  const v = beta2 * state.v + (1 - beta2) * g * g;
  const update = m / (1 - beta1 ** step) / (Math.sqrt(v / (1 - beta2 ** step)) + eps);
  return { w: state.w * (1 - learningRate * weightDecay) - learningRate * update, m, v };
}

const size = (most: number): fc.Arbitrary<number> =>
  fc.double({ min: -most, max: most, noNaN: true }).map(Math.fround);
const element = fc.record({
  w: size(3),
  m: size(1),
  // A second moment is never below the square of what the first moment has seen lately.
  v: fc.double({ min: 0, max: 2, noNaN: true }).map(Math.fround),
  g: fc.oneof(size(10), size(1e-4), fc.constant(0), size(1e4)),
});
const settings: fc.Arbitrary<AdamWStep> = fc.record({
  step: fc.integer({ min: 1, max: 10_000 }),
  learningRate: fc.constantFrom(0, 1e-6, 1e-4, 0.01),
  beta1: fc.constantFrom(0, 0.9, 0.95),
  beta2: fc.constantFrom(0.95, 0.99, 0.999),
  eps: fc.constantFrom(1e-8, 1e-6),
  weightDecay: fc.constantFrom(0, 0.01, 0.1),
  gradientScale: fc.constantFrom(1, 0.25, 1e-3),
});

describe('one update', () => {
  it('is that of double precision within rounding', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: longest / 4 })
          .chain((quarters) => fc.array(element, { minLength: 4 * quarters, maxLength: 4 * quarters })),
        settings,
        (elements, step) => {
          const count = elements.length;
          for (const section of [0, 1, 2, 3]) view(section, longest + 4).fill(7);
          elements.forEach(({ w, m, v, g }, index) => {
            [w, m, v, g].forEach((value, section) => (view(section, count)[index] = value));
          });
          kernel.update(
            { weights: at(0), firstMoment: at(1), secondMoment: at(2), gradient: at(3), count },
            step,
          );
          elements.forEach(({ w, m, v, g }, index) => {
            const expected = reference({ w, m, v }, g, step);
            const scaled = Math.abs(g * step.gradientScale);
            const firstBound = 3e-7 * (Math.abs(m) + scaled) + 1e-30;
            expectClose([view(1, count)[index]!], [expected.m], { absolute: firstBound }, 'first moment');
            expectClose(
              [view(2, count)[index]!],
              [expected.v],
              { absolute: 3e-7 * (v + scaled ** 2) + 1e-30 },
              'second moment',
            );
            // The step is a quotient: an error of m is divided by the same root as m itself.
            const root = Math.sqrt(expected.v / (1 - step.beta2 ** step.step)) + step.eps;
            const move = (step.learningRate * (Math.abs(m) + scaled)) / (1 - step.beta1 ** step.step) / root;
            const bound = { absolute: 2e-6 * move + 2.5e-7 * Math.abs(w) + 1e-30 };
            expectClose([view(0, count)[index]!], [expected.w], bound, 'weight');
            expect(view(3, count)[index]).toBe(g);
          });
          // Nothing behind the range is touched.
          for (const section of [0, 1, 2, 3])
            expect([...view(section, longest + 4).subarray(count, count + 4)]).toEqual([7, 7, 7, 7]);
        },
      ),
      { numRuns: 200, seed: 1 },
    );
  });

  it('many in a row stay close to double precision', () => {
    const count = 16;
    for (const section of [0, 1, 2]) view(section, count).fill(0);
    let states = Array.from({ length: count }, (_, index) => ({ w: Math.fround(index / 10), m: 0, v: 0 }));
    view(0, count).set(states.map(({ w }) => w));
    const base = {
      learningRate: 0.01,
      beta1: 0.9,
      beta2: 0.95,
      eps: 1e-8,
      weightDecay: 0.1,
      gradientScale: 0.5,
    };
    for (let step = 1; step <= 200; step++) {
      const gradients = states.map((_, index) => Math.fround(Math.sin(index + step / 7) * 2));
      view(3, count).set(gradients);
      kernel.update(
        { weights: at(0), firstMoment: at(1), secondMoment: at(2), gradient: at(3), count },
        { ...base, step },
      );
      states = states.map((state, index) => reference(state, gradients[index]!, { ...base, step }));
    }
    expectClose(
      view(0, count),
      states.map(({ w }) => w),
      { absolute: 5e-6 },
      'weights after 200 updates',
    );
  });
});

describe('sum of squares', () => {
  it('is exact to double precision whatever the sizes', () => {
    const number = fc.oneof(size(1), size(1e-20), size(1e15));
    const quadruples = fc.array(fc.tuple(number, number, number, number), { maxLength: longest / 4 });
    fc.assert(
      fc.property(quadruples, (rows) => {
        const values = rows.flat();
        view(0, longest + 4).fill(9);
        view(0, values.length).set(values);
        const expected = values.reduce((sum, value) => sum + value * value, 0);
        expectClose([kernel.sumOfSquares(at(0), values.length)], [expected], { relative: 1e-14 }, 'sum');
      }),
      { numRuns: 200, seed: 2 },
    );
  });

  it('tells of numbers that are not finite', () => {
    view(0, 8).fill(1);
    view(0, 8)[5] = NaN;
    expect(kernel.sumOfSquares(at(0), 8)).toBeNaN();
    view(0, 8)[5] = -Infinity;
    expect(kernel.sumOfSquares(at(0), 8)).toBe(Infinity);
    // A square that overflows in single precision does not in double.
    view(0, 8)[5] = Math.fround(1e38);
    expectClose([kernel.sumOfSquares(at(0), 8)], [1e76], { relative: 1e-6 }, 'sum');
  });
});
