/** Long answers, cut-off answers and groups without signal against the reference cases. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { groupsWithSignal } from '../../../src-main/estimators/group-statistics.ts';
import { overlongPenalty, truncatedReward } from '../../../src-main/estimators/reward-shaping.ts';
import { expectAllClose } from './numbers.ts';

const input = { groups: z.array(z.int()), lengths: z.array(z.int()), rewards: z.array(z.number()) };
const overlong = z.strictObject({ maxTokens: z.int(), buffer: z.int(), factor: z.number() });
const truncated = z.union([
  z.strictObject({ multiply: z.number() }),
  z.strictObject({ replaceBy: z.number() }),
]);
const schema = z.object({
  tolerance: z.number(),
  cases: z.array(
    z.union([
      z.object({
        name: z.string(),
        options: z.strictObject({ overlong }),
        input: z.object(input),
        expected: z.object({ rewards: z.array(z.number()) }),
      }),
      z.object({
        name: z.string(),
        options: z.strictObject({ truncated }),
        input: z.object({ ...input, finish: z.array(z.enum(['stop', 'length'])) }),
        expected: z.object({ rewards: z.array(z.number()) }),
      }),
      z.object({
        name: z.string(),
        options: z.strictObject({ zeroVar: z.strictObject({ tolerance: z.literal(1e-6) }) }),
        input: z.object(input),
        expected: z.object({ keepGroup: z.array(z.boolean()) }),
      }),
      z.object({ name: z.string(), options: z.strictObject({ raft: z.unknown() }) }),
    ]),
  ),
});
const url = new URL('../../fixtures/estimators/advantages-reward-shaping.json', import.meta.url);
const file = schema.parse(JSON.parse(readFileSync(url, 'utf8')));

describe('reward shaping', () => {
  for (const each of file.cases) {
    const { options } = each;
    if ('overlong' in options && 'expected' in each && 'rewards' in each.expected) {
      const want = each.expected.rewards;
      const { rewards, lengths } = each.input;
      it(each.name, () => {
        const got = rewards.map(
          (reward, answer) => reward + overlongPenalty(lengths[answer]!, options.overlong),
        );
        expectAllClose([got], [want], file.tolerance, each.name);
      });
    } else if (
      'truncated' in options &&
      'expected' in each &&
      'finish' in each.input &&
      'rewards' in each.expected
    ) {
      const want = each.expected.rewards;
      const { rewards, finish } = each.input;
      it(each.name, () => {
        const got = rewards.map((reward, answer) =>
          finish[answer] === 'length' ? truncatedReward(reward, options.truncated) : reward,
        );
        expectAllClose([got], [want], file.tolerance, each.name);
      });
    } else if ('zeroVar' in options && 'expected' in each && 'keepGroup' in each.expected) {
      const want = each.expected.keepGroup;
      it(each.name, () => expect(groupsWithSignal(each.input.groups, each.input.rewards)).toEqual(want));
    }
  }

  it('never takes more than the factor for an answer beyond the limit', () => {
    expect(overlongPenalty(99, { maxTokens: 12, buffer: 4, factor: 0.5 })).toBe(-0.5);
  });
});
