/** Advantages against the numbers of TRL, verl, OpenRLHF and plain formulas. */
import { describe, expect, it } from 'vitest';
import { computeAdvantages, computeExactAdvantages } from '../../../src-main/estimators/advantages.ts';
import { groupsWithSignal } from '../../../src-main/estimators/group-statistics.ts';
import { advantageCases, batchOf, specOf } from './advantage-fixture.ts';
import { expectAllClose, expectClose } from './numbers.ts';

const counts = {
  reinforce: 20,
  rloo: 40,
  grpo: 61,
  drgrpo: 20,
  remax: 21,
  reinforcepp: 50,
  'reinforcepp-baseline': 40,
  opo: 11,
  gpg: 11,
  passk: 22,
  ppo: 132,
};

describe.each(Object.entries(counts))('advantages of %s', (method, count) => {
  const cases = advantageCases(method);

  it('has every case', () => expect(cases).toHaveLength(count));

  it.each(cases.map((each) => [each.name, each] as const))('%s', (name, each) => {
    const { spec, kl } = specOf(each);
    const state = { movingAverage: each.input.ema?.value ?? null };
    const exact = computeExactAdvantages(batchOf(each), spec, kl, state);
    expectAllClose(exact.advantages, each.expected.advantages, each.tolerance, name);
    if (each.expected.returns !== undefined) {
      expectAllClose(exact.returns ?? [], each.expected.returns, each.tolerance, `${name}: returns`);
    }
    if (each.expected.nextEma !== undefined) {
      expectClose(exact.state.movingAverage ?? NaN, each.expected.nextEma, each.tolerance, 'moving average');
    }
    if (each.expected.zeroStdFraction !== undefined) {
      // The reference counts answers of groups without spread.
      const signal = groupsWithSignal(each.input.groups, each.input.rewards);
      const share = each.input.groups.filter((group) => !signal[group]).length / each.input.groups.length;
      expectClose(share, each.expected.zeroStdFraction, each.tolerance, 'share without signal');
    }
    // Rounding of inputs alone moves whitened rows of tiny spread.
    const single = computeAdvantages(batchOf(each), spec, kl, state);
    const loose = name.startsWith('g3-tiny-spread') && spec.scale !== 'none' ? 1e-3 : 2e-6;
    expectAllClose(
      single.advantages,
      each.expected.advantages,
      Math.max(loose, each.tolerance),
      `${name} (single)`,
    );
  });
});
