/** What docs/estimators/README.md says about bias, tested on the settings that each method really uses. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decisionProcessSchema, enumerateProcess } from '../../../src-main/analysis/decision-process.ts';
import {
  compareGradients,
  estimatorMoments,
  trueGradient,
} from '../../../src-main/analysis/exact-gradient.ts';
import { estimatorNames } from '../../../src-main/contract/estimator.ts';
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

describe.each(estimatorNames.filter((name) => estimators[name].defaults.groupSize > 0))('%s', (name) => {
  const claim = claims.get(name) ?? '';
  const method = methodSchema.parse({ estimator: name, groupSize: 3 });
  const compared = processes.map((process) =>
    compareGradients(
      estimatorMoments(process, estimatorSpec(method, budget)).gradient,
      trueGradient(process),
    ),
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
