/** Every given verdict, the weighted sum, and what happens when a grader cannot work. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { rewardSchema, rewardScoreSchema } from '../../../src-main/contract/reward.ts';
import type { RewardItem } from '../../../src-main/rewards/outcome.ts';
import { componentNames } from '../../../src-main/rewards/combine.ts';
import { scoreAnswer } from '../../../src-main/rewards/score-answer.ts';

const verdictSchema = z.object({
  prompt: z.string(),
  answer: z.string(),
  response: z.string(),
  score: z.number(),
  why: z.string(),
  check: z.looseObject({ kind: z.enum(['exact', 'number', 'equation', 'balance']) }),
});
const verdicts = readFileSync(resolve(import.meta.dirname, '../../fixtures/tasks/verdicts.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => ({
    row: z.record(z.string(), z.json()).parse(JSON.parse(line)),
    ...verdictSchema.parse(JSON.parse(line)),
  }));

const words = z
  .record(z.string(), z.unknown())
  .parse(JSON.parse(readFileSync(resolve(import.meta.dirname, '../../fixtures/tasks/words.json'), 'utf8')));

const item = (more: Partial<RewardItem>): RewardItem => ({
  prompt: '1+2=',
  response: '3',
  reference: '3',
  row: {},
  finish: 'stop',
  tokens: 1,
  maxTokens: 8,
  ...more,
});

describe('the given verdicts', () => {
  it.each(['exact', 'number', 'equation', 'balance'] as const)(
    'every answer of kind %s gets its score',
    (kind) => {
      const rows = verdicts.filter(({ check }) => check.kind === kind);
      expect(rows.length).toBeGreaterThan(100);
      const lists = kind === 'balance' ? words : {};
      const reward = rewardSchema.parse({ components: [{ kind, ...lists }] });
      const mistaken = rows.filter(({ prompt, response, answer, row, score }) => {
        const got = scoreAnswer(reward, item({ prompt, response, reference: answer, row }));
        return got.total !== score;
      });
      expect(mistaken.map(({ response, answer, why }) => ({ response, answer, why }))).toEqual([]);
      expect(rows.some(({ score }) => score === 1) && rows.some(({ score }) => score === 0)).toBe(true);
    },
  );
});

describe('scoreAnswer', () => {
  it('adds up weight times value, and satisfies the contract', () => {
    const reward = rewardSchema.parse({
      components: [
        { kind: 'number', weight: 2 },
        { kind: 'exact', name: 'format', weight: -0.5 },
        { kind: 'number', weight: 1, find: 'last' },
      ],
    });
    const score = scoreAnswer(reward, item({ response: '3.0' }));
    expect(score.total).toBe(3);
    expect(score.components.map(({ name, value }) => [name, value])).toEqual([
      ['number', 1],
      ['format', 0],
      ['number-2', 1],
    ]);
    expect(scoreAnswer(reward, item({ response: '3' })).total).toBe(2.5);
    expect(rewardScoreSchema.parse(score)).toEqual(score);
  });

  it('has no total when a component cannot grade, and still says what the others found', () => {
    const reward = rewardSchema.parse({ components: [{ kind: 'exact' }, { kind: 'equation' }] });
    const score = scoreAnswer(reward, item({}));
    expect(score.total).toBeNull();
    expect(score.components.map(({ value }) => value)).toEqual([1, null]);
    expect(score.components[1]?.reason).toContain('check.numbers');
  });

  it('lets a component of weight 0 fail without harm', () => {
    const reward = rewardSchema.parse({ components: [{ kind: 'exact' }, { kind: 'equation', weight: 0 }] });
    expect(scoreAnswer(reward, item({})).total).toBe(1);
  });

  it.each(['exact', 'number'] as const)(
    '%s: a missing reference is not gradable, a bad answer is 0',
    (kind) => {
      const reward = rewardSchema.parse({ components: [{ kind }] });
      expect(scoreAnswer(reward, item({ reference: ' ' })).total).toBeNull();
      expect(scoreAnswer(reward, item({ response: '' })).total).toBe(0);
      expect(scoreAnswer(reward, item({ response: '\u0000\uD800' })).total).toBe(0);
    },
  );

  it('numbers equal names so that every component has a column', () => {
    const reward = rewardSchema.parse({
      components: [
        { kind: 'exact' },
        { kind: 'exact' },
        { kind: 'number', name: 'exact-2' },
        { kind: 'exact' },
      ],
    });
    expect(componentNames(reward)).toEqual(['exact', 'exact-2', 'exact-2-2', 'exact-3']);
  });
});
