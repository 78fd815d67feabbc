import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agreement, wilsonInterval, type PairVerdict } from '../../../src-main/analysis/agreement.ts';

const verdict = fc.constantFrom<PairVerdict>('first', 'second', 'equal');
const many = (counts: readonly (readonly [PairVerdict, PairVerdict, number])[]) => {
  const pairs = counts.flatMap(([said, judged, count]) =>
    Array.from({ length: count }, () => [said, judged] as const),
  );
  return agreement(
    pairs.map(([said]) => said),
    pairs.map(([, judged]) => judged),
  );
};

describe('agreement', () => {
  it('gives the kappa of a textbook table: 20, 5, 10, 15 of two raters', () => {
    const report = many([
      ['first', 'first', 20],
      ['first', 'second', 5],
      ['second', 'first', 10],
      ['second', 'second', 15],
    ]);
    expect(report.agreement.value).toBeCloseTo(0.7, 12);
    expect(report.kappa).toBeCloseTo(0.4, 12);
    expect(report.decided).toEqual({ pairs: 50, agreement: 0.7 });
  });

  it('gives 0 for a judge that always says the same, and nothing where there is nothing to agree on', () => {
    expect(
      many([
        ['first', 'first', 5],
        ['second', 'first', 5],
      ]).kappa,
    ).toBeCloseTo(0, 12);
    expect(many([['first', 'first', 5]]).kappa).toBeNull();
    expect(agreement([], [])).toMatchObject({
      pairs: 0,
      kappa: null,
      decided: { pairs: 0, agreement: null },
    });
  });

  it('is 1 for itself, at most 1, and the same whoever is asked first', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(verdict, verdict), { minLength: 1, maxLength: 60 }), (pairs) => {
        const a = pairs.map(([said]) => said);
        const b = pairs.map(([, judged]) => judged);
        const one = agreement(a, b);
        const other = agreement(b, a);
        if (one.kappa !== null) expect(one.kappa).toBeLessThanOrEqual(1 + 1e-12);
        if (one.kappa === null) expect(other.kappa).toBeNull();
        else expect(other.kappa).toBeCloseTo(one.kappa, 12);
        const self = agreement(a, a);
        if (self.kappa !== null) expect(self.kappa).toBeCloseTo(1, 12);
        expect(one.agreement.low <= one.agreement.value && one.agreement.value <= one.agreement.high).toBe(
          true,
        );
      }),
    );
  });

  it('has the interval of Wilson', () => {
    const { low, high } = wilsonInterval(8, 10);
    expect(low).toBeCloseTo(0.490_16, 4);
    expect(high).toBeCloseTo(0.943_32, 4);
    expect(wilsonInterval(0, 10).low).toBe(0);
  });
});
