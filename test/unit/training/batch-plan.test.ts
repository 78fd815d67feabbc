import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sequenceLength } from '../../../src-main/training/batch-layout.ts';
import { planBatches } from '../../../src-main/training/batch-plan.ts';

const group = fc.record({
  prompt: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 }),
  answers: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 9 }),
});

describe('planBatches', () => {
  it('places every sequence once, without overlap, within the tokens', () => {
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(16, 64, 512),
        (groups, tokens) => {
          const sequences = groups.flatMap(({ prompt, answers }) =>
            answers.map((length) => ({
              promptIds: Int32Array.from(prompt),
              answerIds: new Int32Array(length),
            })),
          );
          const batches = planBatches(sequences, tokens, 500);
          expect(batches.flatMap(({ members }) => members).sort((a, b) => a - b)).toEqual(
            sequences.map((_, index) => index),
          );
          for (const { members, layout } of batches) {
            expect(members.length === 1 || layout.rows * layout.width <= Math.max(tokens, 8)).toBe(true);
            const owners = new Map<number, string>();
            members.forEach((index, place) => {
              const sequence = sequences[index]!;
              const { row, column, trunk } = layout.places[place]!;
              const take = (first: number, length: number, owner: string): void => {
                for (let at = first; at < first + length; at++) {
                  expect(at).toBeLessThan(layout.width);
                  const cell = row * layout.width + at;
                  expect(owners.get(cell) ?? owner).toBe(owner);
                  owners.set(cell, owner);
                }
              };
              take(column, sequenceLength(sequence) - (trunk?.length ?? 0), `sequence ${index}`);
              if (trunk)
                take(trunk.column, trunk.length, `trunk of ${sequence.promptIds.join()} at ${trunk.column}`);
            });
          }
        },
      ),
    );
  });

  it('shares a prompt where that saves tokens, and not where attention would cost more', () => {
    const sequences = Array.from({ length: 8 }, () => ({
      promptIds: new Int32Array(40),
      answerIds: new Int32Array(3),
    }));
    const [cheap] = planBatches(sequences, 4096, 1000);
    expect(cheap!.layout.rows * cheap!.layout.width).toBe(72);
    const long = Array.from({ length: 8 }, () => ({
      promptIds: new Int32Array(2),
      answerIds: new Int32Array(60),
    }));
    const [dear] = planBatches(long, 4096, 1);
    expect([dear!.layout.rows, dear!.layout.width]).toEqual([8, 64]);
  });
});
