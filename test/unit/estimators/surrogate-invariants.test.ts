/** What must hold for any loss: derivatives, splits, padding, masks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SurrogateSpec } from '../../../src-main/contract/estimator.ts';
import { klEstimate, type KlTerm } from '../../../src-main/estimators/kl-estimate.ts';
import { clippedTerm, surrogateLoss, type SurrogateAnswer } from '../../../src-main/estimators/surrogate.ts';
import { exactTokenWeights, stepTotals, tokenWeights } from '../../../src-main/estimators/token-weights.ts';
import { expectAllClose, expectClose } from './numbers.ts';

const base: SurrogateSpec = {
  kind: 'pg',
  ratio: 'token',
  clipLow: 0.2,
  clipHigh: 0.28,
  aggregation: 'tokenMean',
  constantLength: 8,
  epochs: 1,
  samplerCap: 2,
};
const noKl: KlTerm = { where: 'none', estimator: 'k1', coefficient: 0 };
const kl = (estimator: KlTerm['estimator'], more: Partial<KlTerm> = {}): KlTerm => ({
  where: 'loss',
  estimator,
  coefficient: 0.3,
  ...more,
});

const logprob = fc.integer({ min: -400, max: -1 }).map((value) => value / 100);
/** Steps of the log-ratio that avoid the edges of the band (0.8, 1.28) and of the dual clip (3). */
const shift = fc.constantFrom(-1.7, -0.9, -0.4, -0.1, 0, 0.1, 0.4, 0.9, 1.7);
const advantage = fc.constantFrom(-2.5, -1, -0.25, 0, 0.25, 1, 2.5);
const token = fc.record({ logprob, old: shift, reference: shift, sampler: shift, advantage });
type Token = { logprob: number; old: number; reference: number; sampler: number; advantage: number };
const answers = fc.array(fc.array(token, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 });
const aggregation = fc.constantFrom('tokenMean', 'seqTokenMean', 'constant', 'seqSum', 'tokenSum' as const);

/** Answers with the weights of a whole step; `extra` tokens of padding are masked out. */
function weighted(
  step: readonly Token[][],
  spec: SurrogateSpec,
  fresh = false,
  extra = 0,
): SurrogateAnswer[] {
  const rows = step.map((row) => {
    const padding = Array.from({ length: extra }, () => ({
      logprob: -9,
      old: 5,
      reference: 5,
      sampler: 5,
      advantage: 7,
    }));
    const all = [...row, ...padding];
    const old = all.map((each) => each.logprob - each.old);
    return {
      length: all.length,
      included: true,
      mask: all.map((_, index) => (index < row.length ? 1 : 0)),
      logprobs: all.map((each) => each.logprob),
      oldLogprobs: fresh ? null : old,
      referenceLogprobs: all.map((each) => each.logprob - each.reference),
      samplerLogprobs: all.map((each, index) => old[index]! - each.sampler),
      advantages: all.map((each) => each.advantage),
    };
  });
  const weights = exactTokenWeights(rows, stepTotals(rows), spec);
  return rows.map((row, answer) => ({ ...row, weights: weights[answer]! }));
}

function expectCentralDifferences(rows: readonly SurrogateAnswer[], spec: SurrogateSpec, term: KlTerm): void {
  const { gradients } = surrogateLoss(rows, spec, term);
  const h = 1e-6;
  rows.forEach((row, answer) => {
    for (let index = 0; index < row.logprobs.length; index++) {
      const at = (change: number): number => {
        const logprobs = Array.from(row.logprobs);
        logprobs[index]! += change;
        return surrogateLoss(
          rows.map((each, other) => (other === answer ? { ...each, logprobs } : each)),
          spec,
          term,
        ).loss;
      };
      const difference = (at(h) - at(-h)) / (2 * h);
      expectClose(
        gradients[answer]![index]!,
        difference,
        1e-6,
        `${spec.kind}, answer ${answer}, token ${index}`,
      );
    }
  });
}

describe('gradients equal central differences', () => {
  const kinds: SurrogateSpec[] = [
    { ...base, kind: 'pg' },
    { ...base, kind: 'nll' },
    { ...base, kind: 'ppoClip' },
    { ...base, kind: 'ppoClip', dualClip: 3 },
    { ...base, kind: 'ppoClip', ratio: 'seqMean' },
    { ...base, kind: 'ppoClip', ratio: 'seqSum' },
  ];
  it.each(kinds.map((spec) => [`${spec.kind}/${spec.ratio}${spec.dualClip ? '/dual' : ''}`, spec] as const))(
    '%s',
    (_, spec) => {
      fc.assert(
        fc.property(answers, aggregation, (step, way) => {
          const chosen = { ...spec, aggregation: way };
          const rows = weighted(step, chosen, false, 1);
          // Edges of the band have no derivative; a ratio of a whole answer may fall on one by chance.
          fc.pre(rows.every((row) => [0.8, 1.28, 3].every((edge) => !nearEdge(row, spec.ratio, edge))));
          expectCentralDifferences(rows, chosen, noKl);
        }),
        { numRuns: 60 },
      );
    },
  );

  it.each([
    kl('k1'),
    kl('k2'),
    kl('k3'),
    kl('k3', { gradient: 'timesRatio' }),
    kl('k3', { clampValue: 1e3 }),
  ])('%j', (term) => {
    fc.assert(
      fc.property(answers, (step) =>
        expectCentralDifferences(weighted(step, base), { ...base, kind: 'ppoClip' }, term),
      ),
      { numRuns: 40 },
    );
  });

  it('cispo: the clipped ratio is a constant factor of the policy gradient', () => {
    fc.assert(
      fc.property(token, (each) => {
        const [row] = weighted([[each]], base);
        const got = surrogateLoss([row!], { ...base, kind: 'cispo' }).gradients[0]![0]!;
        const factor = Math.min(Math.max(Math.exp(each.old), 0.8), 1.28);
        expectClose(got, factor * surrogateLoss([row!], base).gradients[0]![0]!, 1e-12, 'cispo');
      }),
    );
  });
});

function nearEdge(row: SurrogateAnswer, ratio: SurrogateSpec['ratio'], edge: number): boolean {
  if (ratio === 'token' || row.oldLogprobs === null) return false;
  let sum = 0;
  let count = 0;
  for (let index = 0; index < row.logprobs.length; index++) {
    if (row.mask?.[index] === 0) continue;
    sum += row.logprobs[index]! - row.oldLogprobs[index]!;
    count += 1;
  }
  return Math.abs((ratio === 'seqMean' ? sum / count : sum) - Math.log(edge)) < 1e-3;
}

describe('a step', () => {
  const any = fc.record({
    step: answers,
    way: aggregation,
    kind: fc.constantFrom('pg', 'nll', 'ppoClip', 'cispo' as const),
    ratio: fc.constantFrom('token', 'seqMean', 'seqSum' as const),
    term: fc.constantFrom(noKl, kl('k2'), kl('k3')),
  });

  it('gives the same loss and gradient however it is split into micro-batches', () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 3 }), ({ step, way, kind, ratio, term }, size) => {
        const spec = { ...base, kind, ratio, aggregation: way };
        const rows = weighted(step, spec);
        const whole = surrogateLoss(rows, spec, term);
        let loss = 0;
        const gradients: Float64Array[] = [];
        for (let start = 0; start < rows.length; start += size) {
          const part = surrogateLoss(rows.slice(start, start + size), spec, term);
          loss += part.loss;
          gradients.push(...part.gradients);
        }
        expectClose(loss, whole.loss, 1e-12, 'loss');
        expectAllClose(gradients, whole.gradients, 1e-15, 'gradients');
      }),
    );
  });

  it('does not change with padding, which gets no gradient', () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 4 }), ({ step, way, kind, ratio, term }, extra) => {
        const spec = { ...base, kind, ratio, aggregation: way };
        const plain = surrogateLoss(weighted(step, spec), spec, term);
        const padded = surrogateLoss(weighted(step, spec, false, extra), spec, term);
        expectClose(padded.loss, plain.loss, 1e-12, 'loss');
        const inside = padded.gradients.map((row, answer) => row.subarray(0, step[answer]!.length));
        expectAllClose(inside, plain.gradients, 1e-12, 'gradients');
        const outside = padded.gradients.flatMap((row, answer) =>
          Array.from(row.subarray(step[answer]!.length)),
        );
        expect(outside.every((value) => value === 0)).toBe(true);
      }),
    );
  });

  it('with fresh answers ppoClip, cispo and pg have one gradient, whole-answer ratios too where answers have one advantage', () => {
    fc.assert(
      fc.property(answers, aggregation, advantage, (step, way, shared) => {
        const even = step.map((row) => row.map((each) => ({ ...each, advantage: shared })));
        const spec = { ...base, aggregation: way, samplerCap: null };
        const rows = weighted(even, spec).map((row) => ({ ...row, oldLogprobs: row.logprobs }));
        const want = surrogateLoss(rows, spec).gradients;
        for (const kind of ['ppoClip', 'cispo'] as const) {
          expectAllClose(surrogateLoss(rows, { ...spec, kind }).gradients, want, 1e-12, kind);
        }
        expectAllClose(
          surrogateLoss(rows, { ...spec, kind: 'ppoClip', ratio: 'seqMean' }).gradients,
          want,
          1e-12,
          'seqMean',
        );
        const unset = rows.map((row) => ({ ...row, oldLogprobs: null }));
        expectAllClose(
          surrogateLoss(unset, { ...spec, kind: 'ppoClip' }).gradients,
          want,
          1e-12,
          'no old policy',
        );
      }),
    );
  });

  it('sft is the policy gradient with advantage 1', () => {
    fc.assert(
      fc.property(answers, aggregation, (step, way) => {
        const ones = step.map((row) => row.map((each) => ({ ...each, advantage: 1 })));
        const spec = { ...base, aggregation: way };
        const want = surrogateLoss(weighted(ones, spec), spec);
        const got = surrogateLoss(weighted(step, spec), { ...spec, kind: 'nll' });
        expect(got.loss).toBe(want.loss);
        expectAllClose(got.gradients, want.gradients, 0, 'gradients');
      }),
    );
  });

  it('a KL term without reference log-probabilities is an error', () => {
    const rows = weighted([[{ logprob: -1, old: 0, reference: 0, sampler: 0, advantage: 1 }]], base);
    const bare = rows.map((row) => ({ ...row, referenceLogprobs: null }));
    expect(() => surrogateLoss(bare, base, kl('k2'))).toThrow('reference');
  });
});

describe('token weights', () => {
  it('means sum to 1 over a step, and answers that leave have weight 0 and no part in the denominators', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean()), { minLength: 1, maxLength: 8 }),
        (list) => {
          const rows = list.map(([length, included]) => ({ length, included }));
          for (const way of ['tokenMean', 'seqTokenMean'] as const) {
            const weights = tokenWeights(rows, stepTotals(rows), {
              aggregation: way,
              constantLength: 1,
              samplerCap: 2,
            });
            const sum = weights.flatMap((row) => Array.from(row)).reduce((total, value) => total + value, 0);
            expectClose(sum, rows.some((row) => row.included) ? 1 : 0, 1e-6, way);
            rows.forEach((row, answer) => {
              if (!row.included) expect(weights[answer]!.every((value) => value === 0)).toBe(true);
            });
          }
        },
      ),
    );
  });

  it('counts or skips an answer whose tokens are all masked', () => {
    const rows = [
      { length: 2, included: true },
      { length: 2, included: true, mask: [0, 0] },
    ];
    expect(stepTotals(rows, 'skip')).toEqual({ answers: 1, tokens: 2 });
    expect(stepTotals(rows, 'count')).toEqual({ answers: 2, tokens: 2 });
  });

  it('multiplies by the weight between learner and sampler, bounded by the cap', () => {
    const rows = [{ length: 3, included: true, oldLogprobs: [-1, -1, -1], samplerLogprobs: [-1, -1.5, -4] }];
    const way = { aggregation: 'tokenSum', constantLength: 1 } as const;
    const totals = stepTotals(rows);
    expectAllClose(
      exactTokenWeights(rows, totals, { ...way, samplerCap: 2 }),
      [[1, Math.exp(0.5), 2]],
      1e-12,
      'cap 2',
    );
    expectAllClose(exactTokenWeights(rows, totals, { ...way, samplerCap: null }), [[1, 1, 1]], 0, 'off');
  });
});

describe('clip and KL', () => {
  it('the clipped term never exceeds what either branch allows', () => {
    fc.assert(
      fc.property(shift, advantage, (step, own) => {
        const ratio = Math.exp(step);
        const clipped = Math.min(Math.max(ratio, 0.8), 1.28);
        expectClose(
          clippedTerm(ratio, own, base).value,
          -Math.min(ratio * own, clipped * own),
          1e-15,
          'value',
        );
      }),
    );
  });

  it('k3 is never negative, k1 changes sign with its arguments, all are 0 where policy and reference agree', () => {
    fc.assert(
      fc.property(logprob, logprob, (policy, reference) => {
        expect(klEstimate(policy, reference, kl('k3')).value).toBeGreaterThanOrEqual(0);
        const there = klEstimate(policy, reference, kl('k1')).value;
        expect(there + klEstimate(reference, policy, kl('k1')).value).toBe(0);
        for (const estimator of ['k1', 'k2', 'k3'] as const) {
          expect(Math.abs(klEstimate(policy, policy, kl(estimator)).value)).toBe(0);
        }
      }),
    );
  });
});
