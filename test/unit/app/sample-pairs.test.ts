import { describe, expect, it } from 'vitest';
import { samplePairs } from '../../../src-main/app/sample-pairs.ts';

const questions = new Map([
  [0, { prompt: 'one?', row: { level: 1 } }],
  [1, { prompt: 'two?', row: { level: 2 } }],
]);
const answer = (
  step: number,
  promptIndex: number,
  text: string,
  reward: number | null,
  finish: 'stop' | 'length' = 'stop',
) => ({ step, promptIndex, text, reward, finish, reference: 'right' });

describe('pairs from stored answers', () => {
  it('takes the best and the worst answer to each question in each step', () => {
    const answers = [
      answer(1, 0, 'middle', 0.5),
      answer(1, 0, 'good', 1),
      answer(1, 0, 'bad', -1),
      answer(1, 1, 'good', 2),
      answer(2, 1, 'bad', 0),
      answer(2, 1, 'better', 0.1),
    ];
    expect(samplePairs(answers, questions)).toEqual([
      {
        level: 1,
        prompt: 'one?',
        answer: 'right',
        chosen: 'good',
        rejected: 'bad',
        chosenReward: 1,
        rejectedReward: -1,
      },
      {
        level: 2,
        prompt: 'two?',
        answer: 'right',
        chosen: 'better',
        rejected: 'bad',
        chosenReward: 0.1,
        rejectedReward: 0,
      },
    ]);
  });

  it('never chooses an answer that was cut off, and leaves out what was not graded', () => {
    const answers = [
      answer(1, 0, 'cut', 1, 'length'),
      answer(1, 0, 'whole', 0.5),
      answer(1, 0, 'cut too', 0, 'length'),
      answer(1, 0, 'unknown', null),
    ];
    expect(samplePairs(answers, questions)).toMatchObject([{ chosen: 'whole', rejected: 'cut too' }]);
  });

  it('gives nothing for ties, for a cut-off answer against nothing, and for questions that are gone', () => {
    expect(samplePairs([answer(1, 0, 'a', 1), answer(1, 0, 'b', 1 + 1e-9)], questions)).toEqual([]);
    expect(samplePairs([answer(1, 0, 'a', 1, 'length'), answer(1, 0, 'b', 0)], questions)).toEqual([]);
    expect(samplePairs([answer(1, 9, 'a', 1), answer(1, 9, 'b', 0)], questions)).toEqual([]);
  });

  it('lists a pair once, however often it was sampled', () => {
    const twice = [1, 2].flatMap((step) => [answer(step, 0, 'a', 1), answer(step, 0, 'b', 0)]);
    expect(samplePairs(twice, questions)).toHaveLength(1);
  });
});
