/** Long answers, cut-off answers and groups without signal against the reference cases. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { uniform } from '../../../src-main/contract/random.ts';
import { groupsWithSignal } from '../../../src-main/estimators/group-statistics.ts';
import { keptAnswers } from '../../../src-main/estimators/kept-answers.ts';
import { truncatedReward } from '../../../src-main/estimators/reward-shaping.ts';
import { overlongPenalty } from '../../../src-main/rewards/overlong-penalty.ts';
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
      z.object({
        name: z.string(),
        options: z.strictObject({ raft: z.strictObject({ keep: z.literal('best') }) }),
        input: z.object(input),
        expected: z.object({ keepOneOfPerGroup: z.array(z.array(z.int())) }),
      }),
      z.object({
        name: z.string(),
        options: z.strictObject({ raft: z.strictObject({ keep: z.literal('threshold'), tau: z.number() }) }),
        input: z.object(input),
        expected: z.object({ keep: z.array(z.boolean()) }),
      }),
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
    } else if ('raft' in options && 'tau' in options.raft && 'expected' in each && 'keep' in each.expected) {
      const want = each.expected.keep;
      const { tau } = options.raft;
      it(each.name, () => {
        const { groups, rewards } = each.input;
        expect(keptAnswers(groups, rewards, tau, [])).toEqual(want);
        // Ungraded answers never are.
        const first = rewards.map((reward, answer) => (answer === 0 ? null : reward));
        expect(keptAnswers(groups, first, -100, [])).toEqual(rewards.map((_, answer) => answer !== 0));
      });
    } else if ('raft' in options && 'expected' in each && 'keepOneOfPerGroup' in each.expected) {
      const { keepOneOfPerGroup } = each.expected;
      const { groups, rewards } = each.input;
      it(each.name, () => {
        const chosen = keepOneOfPerGroup.map(() => new Set<number>());
        for (let seed = 0; seed < 64; seed++) {
          const ties = rewards.map((_, answer) => uniform([seed], answer));
          const kept = keptAnswers(groups, rewards, null, ties).flatMap((keep, answer) =>
            keep ? answer : [],
          );
          expect(kept).toHaveLength(keepOneOfPerGroup.length);
          kept.forEach((answer, group) => chosen[group]!.add(answer));
          // Whatever keeps the order of rewards keeps the same answers.
          const mapped = rewards.map((reward) => Math.exp(3 * reward) - 7);
          expect(
            keptAnswers(groups, mapped, null, ties).flatMap((keep, answer) => (keep ? answer : [])),
          ).toEqual(kept);
        }
        // Each of the equally good ones is kept at some time, and no other.
        expect(chosen.map((answers) => [...answers].sort((a, b) => a - b))).toEqual(keepOneOfPerGroup);
      });
    }
  }

  it('never takes more than the factor for an answer beyond the limit', () => {
    expect(overlongPenalty(99, { maxTokens: 12, buffer: 4, factor: 0.5 })).toBe(-0.5);
  });
});
