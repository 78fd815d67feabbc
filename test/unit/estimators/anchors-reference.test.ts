/** Advantages from continuations and from a critic against the reference numbers. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { computeExactAdvantages } from '../../../src-main/estimators/advantages.ts';
import type { AnswerValues } from '../../../src-main/estimators/advantages.ts';
import { anchorAdvantages, sparseAdvantages } from '../../../src-main/estimators/anchors.ts';
import { generalizedAdvantages } from '../../../src-main/estimators/generalized-advantage.ts';
import { mean } from '../../../src-main/estimators/group-statistics.ts';
import { scaleOverTokens } from '../../../src-main/estimators/token-scaling.ts';
import { expectAllClose } from './numbers.ts';

const ragged = z.array(z.array(z.number()));
const advantageOptions = z.object({
  interp: z.enum(['segment', 'linear', 'sparse']).optional(),
  q: z.number().default(1),
  lambda: z.number().default(1),
  scale: z.enum(['none', 'batchTokens']),
  ddof: z.union([z.literal(0), z.literal(1)]).default(1),
  eps: z.number().default(0),
  epsAt: z.enum(['var', 'floorVar']).default('var'),
});
const head = { name: z.string(), tolerance: z.number().optional() };
const anchoredCase = z.object({
  ...head,
  options: z.object({ advantage: advantageOptions }),
  input: z.object({
    responses: z.array(
      z.object({
        length: z.int(),
        reward: z.number(),
        anchors: z.array(z.object({ position: z.int(), returns: z.array(z.number()).nullable() })),
        chosen: z.array(z.int()).default([]),
      }),
    ),
  }),
  expected: z.object({ advantages: ragged }),
});
const criticCase = z.object({
  ...head,
  options: z.object({ advantage: advantageOptions, kl: z.object({ coef: z.number().default(0) }) }),
  input: z.object({
    rewards: z.array(z.number()),
    values: ragged,
    logps: ragged.optional(),
    refLogps: ragged.optional(),
  }),
  expected: z.object({ advantages: ragged, returns: ragged }),
});

function casesOf<S extends z.ZodType<{ name: string; tolerance?: number | undefined }>>(
  method: string,
  schema: S,
): [string, z.output<S>, number][] {
  const url = new URL(`../../fixtures/estimators/advantages-${method}.json`, import.meta.url);
  const file = z
    .object({ tolerance: z.number(), cases: z.array(schema) })
    .parse(JSON.parse(readFileSync(url, 'utf8')));
  return file.cases.map((each) => [each.name, each, each.tolerance ?? file.tolerance]);
}

function whiten(rows: Float64Array[], options: z.output<typeof advantageOptions>): Float64Array[] {
  const { scale, ddof, eps, epsAt } = options;
  if (scale === 'none') return rows;
  const spec = { baseline: 'none', scale, ddof, eps, epsAt, klFold: 'toGo' } as const;
  scaleOverTokens(
    rows,
    rows.map(() => true),
    spec,
  );
  return rows;
}

const counts = { vineppo: 16, 'trepo-segment': 27, 'trepo-linear': 27, 'trepo-sparse': 13 };
describe.each(Object.entries(counts))('advantages of %s', (method, count) => {
  const cases = casesOf(method, anchoredCase);
  it('has every case', () => expect(cases).toHaveLength(count));

  it.each(cases)('%s', (name, each, tolerance) => {
    const options = each.options.advantage;
    const inside = each.input.responses.map(({ length, reward, anchors, chosen }): AnswerValues => {
      const values = new Map(anchors.map(({ position, returns }) => [position, mean(returns ?? [])]));
      if (options.interp === 'sparse') {
        const valueAt = (position: number): number =>
          position === length ? reward : (values.get(position) ?? NaN);
        const drawn = chosen.map((token) => ({ token, before: valueAt(token - 1), after: valueAt(token) }));
        return { between: 'sparse', drawn, chance: options.q };
      }
      // A boundary without continuations takes the value that follows it: the reward, if no estimate does.
      let later = reward;
      const known = anchors.toReversed().map(({ position, returns }) => {
        later = returns === null ? later : mean(returns);
        return { position, value: later };
      });
      return { between: options.interp ?? 'segment', anchors: known.toReversed() };
    });
    const { scale, ddof, eps, epsAt } = options;
    const { responses } = each.input;
    // The way that training takes, scaling over tokens included.
    const { advantages } = computeExactAdvantages(
      {
        groups: responses.map(() => 0),
        rewards: responses.map(({ reward }) => reward),
        lengths: responses.map(({ length }) => length),
        values: inside,
      },
      { baseline: 'anchors', scale, ddof, eps, epsAt, klFold: 'toGo' },
      { where: 'none', estimator: 'k1', coefficient: 0 },
    );
    expectAllClose(advantages, each.expected.advantages, tolerance, name);
  });
});

describe('advantages of ppo', () => {
  const cases = casesOf('ppo', criticCase);
  it('has every case', () => expect(cases).toHaveLength(132));

  it.each(cases)('%s', (name, each, tolerance) => {
    const { rewards, values, logps, refLogps } = each.input;
    const { advantage, kl } = each.options;
    const rows = values.map((row, answer) => {
      const perToken = row.map((_, token) => {
        const penalty = kl.coef === 0 ? 0 : kl.coef * (logps![answer]![token]! - refLogps![answer]![token]!);
        return (token === row.length - 1 ? rewards[answer]! : 0) - penalty;
      });
      return generalizedAdvantages(perToken, row, advantage.lambda);
    });
    expectAllClose(
      rows.map((row) => row.returns),
      each.expected.returns,
      tolerance,
      `${name}: returns`,
    );
    expectAllClose(
      whiten(
        rows.map((row) => row.advantages),
        advantage,
      ),
      each.expected.advantages,
      tolerance,
      name,
    );
  });
});

describe('refusals', () => {
  it.each([
    [() => anchorAdvantages(3, [{ position: 1, value: 0 }], 1, 'segment')],
    [
      () =>
        anchorAdvantages(
          3,
          [
            { position: 0, value: 0 },
            { position: 3, value: 0 },
          ],
          1,
          'segment',
        ),
    ],
    [
      () =>
        anchorAdvantages(
          3,
          [
            { position: 0, value: 0 },
            { position: 0, value: 0 },
          ],
          1,
          'linear',
        ),
    ],
    [() => sparseAdvantages(2, [{ token: 3, before: 0, after: 0 }], 1)],
    [() => generalizedAdvantages([1], [1, 2], 1)],
  ])('%#', (call) => expect(call).toThrow(RangeError));
});
