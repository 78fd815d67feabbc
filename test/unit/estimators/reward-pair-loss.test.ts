/** The loss of reward models: against torch, against central differences, in the compiled graph; and calibration. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { calibrationOf } from '../../../src-main/estimators/calibration.ts';
import { rewardPairLoss, rewardPairMetrics } from '../../../src-main/estimators/reward-pair-loss.ts';
import type { ScoredPair } from '../../../src-main/estimators/reward-pair-loss.ts';
import { differentiate } from '../../../src-main/graph/differentiate.ts';
import { Graph } from '../../../src-main/graph/graph.ts';
import { rewardPairFeeds, rewardPairLossNode } from '../../../src-main/training/reward-graph.ts';
import { evaluateGraph, tensor } from '../../helpers/evaluate-graph.ts';

const numbers = z.array(z.number());
const fixture = z
  .object({
    scores: z.array(
      z.object({
        name: z.string(),
        chosen: numbers,
        rejected: numbers,
        margins: numbers,
        centering: z.number(),
        loss: z.number(),
        chosenGradients: numbers,
        rejectedGradients: numbers,
      }),
    ),
  })
  .parse(
    JSON.parse(readFileSync(new URL('../../fixtures/reward-models/pair-loss.json', import.meta.url), 'utf8')),
  );

const score = fc.double({ min: -8, max: 8, noNaN: true });
const pair = fc.record({
  chosen: score,
  rejected: score,
  margin: fc.double({ min: -2, max: 2, noNaN: true }),
});
const pairs = fc.array(pair, { minLength: 1, maxLength: 6 });
const centerings = fc.constantFrom(0, 0.01, 0.5);

describe('agrees with torch', () => {
  it.each(fixture.scores)('$name', (one) => {
    const given = one.chosen.map((chosen, place) => ({
      chosen,
      rejected: one.rejected[place]!,
      margin: one.margins[place]!,
    }));
    const result = rewardPairLoss(given, one);
    expect(result.loss).toBeCloseTo(one.loss, 12);
    one.chosenGradients.forEach((value, place) =>
      expect(result.chosenGradients[place]).toBeCloseTo(value, 12),
    );
    one.rejectedGradients.forEach((value, place) =>
      expect(result.rejectedGradients[place]).toBeCloseTo(value, 12),
    );
  });
});

it('has the derivative of its loss (central differences)', () => {
  fc.assert(
    fc.property(pairs, centerings, (given, centering) => {
      const { chosenGradients, rejectedGradients } = rewardPairLoss(given, { centering });
      const step = 1e-5;
      const lossWith = (place: number, side: 'chosen' | 'rejected', by: number): number =>
        rewardPairLoss(
          given.map((one, index) => (index === place ? { ...one, [side]: one[side] + by } : one)),
          { centering },
        ).loss;
      for (const place of given.keys()) {
        for (const [side, gradients] of [
          ['chosen', chosenGradients],
          ['rejected', rejectedGradients],
        ] as const) {
          const slope = (lossWith(place, side, step) - lossWith(place, side, -step)) / (2 * step);
          expect(gradients[place]).toBeCloseTo(slope, 6);
        }
      }
    }),
  );
});

it('is what the compiled graph computes, with its gradient', () => {
  fc.assert(
    fc.property(pairs, centerings, (given, centering) => {
      const graph = new Graph();
      const scores = graph.input('scores', ['M', 1]);
      const loss = rewardPairLossNode(graph, scores, { centering });
      const { gradients } = differentiate(graph, loss, (leaf) => leaf === scores);
      const gradient = gradients[0]?.gradient ?? expect.fail('no gradient');
      const feeds = Object.fromEntries(
        Object.entries(rewardPairFeeds(given.map((one) => ({ ...one, weight: 1 / given.length })))).map(
          ([name, { data, shape }]) => [name, tensor([...shape], Array.from(data, Number))],
        ),
      );
      const flat = given.flatMap(({ chosen, rejected }) => [chosen, rejected]);
      const values = evaluateGraph([loss, gradient], { ...feeds, scores: tensor([flat.length, 1], flat) });
      const exact = rewardPairLoss(given, { centering });
      // Margins and weights are fed in single precision.
      expect(values.get(loss)!.data[0]).toBeCloseTo(exact.loss, 4);
      given.forEach((_, place) => {
        expect(values.get(gradient)!.data[2 * place]).toBeCloseTo(exact.chosenGradients[place]!, 5);
        expect(values.get(gradient)!.data[2 * place + 1]).toBeCloseTo(exact.rejectedGradients[place]!, 5);
      });
    }),
    { numRuns: 50 },
  );
});

it('tells means and the share of pairs that are right, a tie being half', () => {
  const given: ScoredPair[] = [
    { chosen: 2, rejected: 1, margin: 0 },
    { chosen: 0, rejected: 3, margin: 0 },
    { chosen: 1, rejected: 1, margin: 5 },
    { chosen: 4, rejected: -1, margin: 0 },
  ];
  expect(rewardPairMetrics(given)).toEqual({
    'rewards/chosen': 1.75,
    'rewards/rejected': 1,
    'rewards/margins': 0.75,
    'rewards/accuracies': 0.625,
  });
  expect(rewardPairMetrics([])).toEqual({});
});

describe('calibration', () => {
  const sure = (lead: number): ScoredPair => ({ chosen: lead, rejected: 0, margin: 0 });
  it('is in bins of the probability that the model gives its own preference', () => {
    // σ(0) = 0.5 · σ(1) = 0.731 · σ(10) ≈ 1
    const { bins } = calibrationOf([sure(0), sure(1), sure(-1), sure(10), sure(40)]);
    expect(bins.map((bin) => bin?.pairs ?? 0)).toEqual([1, 0, 0, 0, 2, 0, 0, 0, 0, 2]);
    expect(bins[0]).toEqual({ pairs: 1, predicted: 0.5, right: 0.5 });
    expect(bins[4]!.predicted).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
    expect(bins[4]!.right).toBe(0.5);
    expect(bins[9]!.right).toBe(1);
  });
  it('has no error where the model is right as often as it says', () => {
    const lead = Math.log(3);
    const { error } = calibrationOf([sure(lead), sure(lead), sure(lead), sure(-lead)]);
    expect(error).toBeCloseTo(0, 12);
    expect(calibrationOf([sure(-40)]).error).toBeCloseTo(1, 12);
  });
  it('counts every pair once, and its error lies between 0 and 1', () => {
    fc.assert(
      fc.property(pairs, (given) => {
        const { bins, error } = calibrationOf(given);
        expect(bins.reduce((sum, bin) => sum + (bin?.pairs ?? 0), 0)).toBe(given.length);
        expect(error).toBeGreaterThanOrEqual(0);
        expect(error).toBeLessThanOrEqual(1);
        for (const [place, bin] of bins.entries()) {
          if (bin === null) continue;
          expect(bin.predicted).toBeGreaterThanOrEqual(0.5 + place / 20 - 1e-12);
          expect(bin.predicted).toBeLessThanOrEqual(0.5 + (place + 1) / 20 + 1e-12);
        }
      }),
    );
  });
});
