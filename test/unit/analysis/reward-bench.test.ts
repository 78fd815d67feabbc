/** The bench's findings on made-up grades: spread, groups, disagreements, cheats, advice; ranks; a run graded anew. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plantedAnswers } from '../../../src-main/rewards/planted-answers.ts';
import { ranks, rankCorrelation } from '../../../src-main/analysis/ranks.ts';
import { rewardBenchReport } from '../../../src-main/analysis/reward-bench.ts';
import { rescoreReport } from '../../../src-main/analysis/rescore.ts';
import {
  benchAnswerSchema,
  plantedNames,
  rescoreReportSchema,
  rewardBenchReportSchema,
} from '../../../src-main/contract/reward-bench.ts';
import type { GradedAnswer, PlantedName } from '../../../src-main/contract/reward-bench.ts';
import { rewardSchema } from '../../../src-main/contract/reward.ts';

const reward = rewardSchema.parse({
  components: [
    { kind: 'number', find: 'last' },
    { kind: 'length', unit: 'words', max: 20 },
  ],
});

function graded(
  question: number,
  values: readonly (number | null)[],
  more: Partial<GradedAnswer> = {},
): GradedAnswer {
  const names = ['number', 'length'];
  return {
    question,
    prompt: `question ${question}`,
    response: 'text',
    reference: '1',
    finish: 'stop',
    tokens: 3,
    planted: null,
    total: values.includes(null) ? null : values.reduce<number>((sum, value) => sum + (value ?? 0), 0),
    masked: false,
    components: values.map((value, place) => ({ name: names[place]!, value, reason: '' })),
    ...more,
  };
}

const report = (answers: readonly GradedAnswer[], from: 'model' | 'references' = 'model') => {
  const found = rewardBenchReport({
    from,
    reward,
    names: ['number', 'length'],
    answers,
    componentSeconds: [0, answers.length],
    seconds: 1,
  });
  return rewardBenchReportSchema.parse(found);
};
const levels = (answers: readonly GradedAnswer[]) => report(answers).advice.map(({ level }) => level);

describe('ranks', () => {
  it('share the mean of equal places', () => {
    expect([...ranks([3, 1, 3, 2])]).toEqual([3.5, 1, 3.5, 2]);
  });

  it('correlate as scipy.stats.spearmanr says', () => {
    expect(rankCorrelation([1, 2, 3, 4, 5], [5, 6, 7, 8, 7])).toBeCloseTo(0.8207826816681233, 12);
    expect(rankCorrelation([1, 1, 1], [1, 2, 3])).toBeNull();
  });

  it('keep their correlation under every rising map, and turn its sign with a falling one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 20 })), {
          minLength: 2,
          maxLength: 40,
        }),
        (pairs) => {
          const first = pairs.map(([a]) => a);
          const second = pairs.map(([, b]) => b);
          const plain = rankCorrelation(first, second);
          const mapped = rankCorrelation(
            first.map((value) => value ** 3),
            second,
          );
          const turned = rankCorrelation(
            first.map((value) => -value),
            second,
          );
          if (plain === null) expect([mapped, turned]).toEqual([null, null]);
          else {
            expect(mapped).toBeCloseTo(plain, 10);
            expect(turned).toBeCloseTo(-plain, 10);
            expect(Math.abs(plain)).toBeLessThanOrEqual(1 + 1e-12);
          }
        },
      ),
    );
  });
});

describe('the report', () => {
  it('counts, spreads and groups real answers alone', () => {
    const found = report([
      graded(0, [1, 1]),
      graded(0, [0, 1]),
      graded(1, [0, 0], { finish: 'length' }),
      graded(1, [0, 0]),
      graded(0, [0, 1], { planted: 'empty' }),
    ]);
    expect(found).toMatchObject({
      answers: 4,
      questions: 2,
      notGradable: 0,
      groupsWithSignal: 0.5,
      truncated: 0.25,
      total: { count: 4, low: 0, high: 2, distinct: 3 },
    });
    expect(found.total.histogram?.counts.reduce((sum, count) => sum + count, 0)).toBe(4);
    expect(found.components[1]).toMatchObject({ name: 'length', mean: 0.5, secondsPerAnswer: 1 });
    expect(found.rows).toHaveLength(5);
  });

  it('says how many real answers to the same question a cheat beats', () => {
    const found = report([
      graded(0, [1, 1]),
      graded(0, [0, 0]),
      graded(1, [0, 0.5]),
      graded(0, [0, 1], { planted: 'repeated' }),
      graded(1, [0, 0.5], { planted: 'repeated' }),
    ]);
    // Beats one of two, ties with one: (1 + 0.5) of 3.
    expect(found.planted).toEqual([{ name: 'repeated', count: 2, mean: 0.75, beats: 0.5, best: 3 }]);
  });

  it('finds components that rank against each other, with examples', () => {
    const answers = Array.from({ length: 10 }, (_, place) => graded(place, [place, -place]));
    const [pair] = report(answers).disagreements;
    expect(pair).toMatchObject({ first: 'number', second: 'length', correlation: -1 });
    expect(pair?.examples).toHaveLength(5);
  });
});

describe('advice', () => {
  it('blocks where all rewards are the same, and where no group differs', () => {
    expect(levels([graded(0, [0, 0]), graded(0, [0, 0])])[0]).toBe('blocking');
    expect(levels([graded(0, [0, 0]), graded(0, [0, 0]), graded(1, [1, 1]), graded(1, [1, 1])])[0]).toBe(
      'blocking',
    );
  });

  it('blocks above the limit of ungraded answers, and warns below it', () => {
    const good = Array.from({ length: 19 }, (_, place) => graded(0, [place % 2, 1]));
    expect(levels([...good, graded(0, [null, 1])])).toContain('warning');
    expect(levels([...good, graded(0, [null, 1])])).not.toContain('blocking');
    expect(levels([graded(0, [1, 1]), graded(0, [0, 1]), graded(0, [null, 1])])[0]).toBe('blocking');
  });

  it('wants the best reward for every right answer of the data, and less for cheats', () => {
    const right = [graded(0, [1, 1]), graded(1, [1, 1])];
    expect(report(right, 'references').advice).toContainEqual(
      expect.objectContaining({ level: 'good', message: expect.stringContaining('All 2 right answers') }),
    );
    const cheat = graded(0, [1, 1], { planted: 'answer-list' });
    expect(report([...right, cheat], 'references').advice[0]).toMatchObject({ level: 'warning' });
    expect(report([...right, graded(2, [0, 1])], 'references').advice[0]).toMatchObject({ level: 'warning' });
    expect(report([graded(0, [0, 0])], 'references').advice[0]).toMatchObject({ level: 'blocking' });
  });

  it('is content with a reward that separates answers and pays for no cheat', () => {
    const found = report([
      graded(0, [1, 1]),
      graded(0, [0, 1]),
      graded(0, [0, 0], { planted: 'empty' }),
      graded(0, [0, 0], { planted: 'very-long' }),
    ]);
    expect(found.advice.some(({ level }) => level === 'warning' || level === 'blocking')).toBe(false);
    expect(found.advice.some(({ level }) => level === 'good')).toBe(true);
  });
});

describe('planted answers', () => {
  it('are one of each kind for every question, in the form that the reward wants', () => {
    const questions = ['4', '5'].map((reference, question) =>
      benchAnswerSchema.parse({
        question,
        prompt: `What is ${reference}?`,
        response: 'It is so. Yes.',
        reference,
      }),
    );
    const tags = rewardSchema.parse({ components: [{ kind: 'tags', tags: ['plan', 'result'] }] });
    const planted = plantedAnswers(questions, tags);
    expect(planted).toHaveLength(2 * plantedNames.length);
    const of = (name: PlantedName) => planted.find((answer) => answer.planted === name)!.response;
    expect(of('format-only')).toBe('<plan></plan><result></result>');
    expect(of('echo')).toBe('What is 4?');
    expect(of('answer-list').split('\n')).toEqual(['5', '4']);
    expect(of('repeated').startsWith('It is so. It is so. ')).toBe(true);
    expect(of('very-long').split(' ').length).toBeGreaterThan(3_999);
  });
});

describe('a run graded anew', () => {
  const answer = (sampleId: number, step: number, before: number | null, after: number | null) => ({
    sampleId,
    step,
    prompt: 'question',
    text: 'answer',
    before,
    after,
    components: [],
  });

  it('has both curves, the correlation, and the answers that moved most', () => {
    const found = rescoreReport(
      'run',
      [answer(1, 1, 0, 0), answer(2, 1, 1, 0.5), answer(3, 2, 0.5, 1), answer(4, 2, 0.7, null)],
      2,
    );
    expect(rescoreReportSchema.parse(found)).toMatchObject({
      answers: 4,
      notGradable: 1,
      steps: [1, 2],
      before: [0.5, 0.6],
      after: [0.25, 1],
      correlation: 0.5,
    });
    expect(found.moved.map(({ sampleId }) => sampleId)).toEqual([2, 3]);
  });
});
