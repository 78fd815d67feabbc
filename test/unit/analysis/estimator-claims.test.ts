/** What docs/estimators/README.md says about bias, tested on the settings that each method really uses. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  anchorOutcomes,
  bernoulliAnchors,
  sparseOutcomes,
  strideAnchors,
} from '../../../src-main/analysis/continuation-estimators.ts';
import { decisionProcessSchema, enumerateProcess } from '../../../src-main/analysis/decision-process.ts';
import type { EnumeratedProcess } from '../../../src-main/analysis/decision-process.ts';
import {
  answerMoments,
  compareGradients,
  estimatorMoments,
  trueGradient,
} from '../../../src-main/analysis/exact-gradient.ts';
import { estimatorNames, type EstimatorSpec } from '../../../src-main/contract/estimator.ts';
import { budgetSchema, methodSchema } from '../../../src-main/contract/experiment.ts';
import { estimators, estimatorSpec } from '../../../src-main/estimators/index.ts';

const text = readFileSync(new URL('../../../docs/estimators/README.md', import.meta.url), 'utf8');
const claims = new Map(
  [...text.matchAll(/^\| \[[^\]]+\]\(([a-z-]+)\.md\) .*\| ([^|]+?) +\|$/gm)].map(([, name, claim]) => [
    name,
    claim,
  ]),
);
const fixture = new URL('../../fixtures/estimators/exact.json', import.meta.url);
const processes = z
  .object({ cases: z.array(z.object({ input: z.object(decisionProcessSchema.shape) })) })
  .parse(JSON.parse(readFileSync(fixture, 'utf8')))
  .cases.map(({ input }) => enumerateProcess(input));
const budget = budgetSchema.parse({ maxTokens: 3 });

/** The expected gradient of a method on fresh answers; the noise of values has mean 0, so exact values stand for them. */
function expectedGradient(process: EnumeratedProcess, spec: EstimatorSpec): Float64Array {
  const { anchors } = spec.plan;
  if (anchors === undefined) return estimatorMoments(process, spec).gradient;
  expect(spec.surrogate.aggregation).toBe('constant');
  const outcomes =
    anchors.between === 'sparse'
      ? sparseOutcomes(process, anchors.chance, 'exact', true)
      : anchorOutcomes(
          process,
          anchors.rule === 'stride'
            ? strideAnchors(anchors.stride)
            : anchors.rule === 'coins'
              ? bernoulliAnchors(anchors.chance)
              : // The letter a stands for a token that ends a line.
                (answer) => [
                  {
                    probability: 1,
                    positions: answer.letters.flatMap((_, place) =>
                      place === 0 || answer.text[place - 1] === 'a' ? [place] : [],
                    ),
                  },
                ],
          anchors.between,
          'exact',
        );
  return answerMoments(process, outcomes).gradient.map((value) => value / spec.surrogate.constantLength);
}

/** Online DPO is no policy gradient: it follows another objective. */
const gradients = estimatorNames.filter(
  (name) => estimators[name].defaults.groupSize > 0 && name !== 'online-dpo',
);

describe.each(gradients)('%s', (name) => {
  const claim = claims.get(name) ?? '';
  const method = methodSchema.parse({ estimator: name, groupSize: 3 });
  const compared = processes.map((process) =>
    compareGradients(expectedGradient(process, estimatorSpec(method, budget)), trueGradient(process)),
  );

  it(`is unbiased: ${claim}`, () => {
    expect(claim).toMatch(/^(yes|yes, up to a constant factor|no)\b/);
    for (const { relativeBias, relativeDirectionBias, scale } of compared) {
      if (claim === 'yes') expect(relativeBias).toBeLessThan(1e-10);
      else if (claim.startsWith('yes')) {
        expect(relativeDirectionBias).toBeLessThan(1e-10);
        expect(scale).toBeCloseTo(compared[0]!.scale, 10);
      } else expect(relativeDirectionBias).toBeGreaterThan(1e-3);
    }
  });
});

describe('settings of trepo', () => {
  const biasOf = (settings: object): number[] =>
    processes.map((process) => {
      const spec = estimatorSpec(methodSchema.parse({ estimator: 'trepo', ...settings }), budget);
      return compareGradients(expectedGradient(process, spec), trueGradient(process)).relativeDirectionBias;
    });

  it.each([
    { anchorRule: 'stride', anchorStride: 2 },
    { anchorRule: 'stride', anchorStride: 1 },
    { anchorChance: 0.3 },
    { anchorBetween: 'sparse', anchorChance: 0.5 },
  ])('%j is unbiased', (settings) => {
    for (const bias of biasOf(settings)) expect(bias).toBeLessThan(1e-10);
  });

  it('linear is biased', () => {
    for (const bias of biasOf({ anchorBetween: 'linear', anchorChance: 0.5 }))
      expect(bias).toBeGreaterThan(1e-3);
  });
});

describe('settings of ppo', () => {
  const biasOf = (settings: object): number[] =>
    processes.map((process) => {
      const method = methodSchema.parse({ estimator: 'ppo', aggregation: 'seqSum', ...settings });
      const { gradient } = estimatorMoments(process, estimatorSpec(method, budget));
      return compareGradients(gradient, trueGradient(process)).relativeBias;
    });

  it('is unbiased with λ = 1 and without whitening, however wrong the critic', () => {
    for (const bias of biasOf({ whiten: false })) expect(bias).toBeLessThan(1e-10);
  });

  it('is biased with a smaller λ and a wrong critic', () => {
    for (const bias of biasOf({ whiten: false, lambda: 0.9 })) expect(bias).toBeGreaterThan(1e-3);
  });
});
