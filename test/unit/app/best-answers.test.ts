import { describe, expect, it } from 'vitest';
import { bestAnswers } from '../../../src-main/app/best-answers.ts';

const questions = new Map([
  [0, { prompt: 'one?', row: { prompt: 'one?', answer: 'right', level: 2 } }],
  [1, { prompt: 'two?', row: { prompt: 'two?' } }],
]);
const answer = (
  promptIndex: number,
  text: string,
  reward: number | null,
  finish: 'stop' | 'length' = 'stop',
) => ({
  promptIndex,
  text,
  reward,
  finish,
});

describe('best answers of a run', () => {
  it('are one for each question, the newest of equally good ones', () => {
    const answers = [
      answer(0, 'first', 1),
      answer(1, 'poor', -1),
      answer(0, 'second', 1),
      answer(0, 'bad', 0),
    ];
    expect(bestAnswers(answers, questions)).toEqual([
      { prompt: 'one?', answer: 'second', reward: 1, level: 2 },
      { prompt: 'two?', answer: 'poor', reward: -1 },
    ]);
  });

  it('with a threshold are all different ones that reach it', () => {
    const answers = [answer(0, 'a', 1), answer(0, 'b', 0.5), answer(0, 'a', 1), answer(0, 'c', 0.4)];
    expect(bestAnswers(answers, questions, 0.5).map((line) => line.answer)).toEqual(['a', 'b']);
  });

  it('were graded, ended by themselves, say something, and their question is still there', () => {
    const answers = [
      answer(0, 'cut', 1, 'length'),
      answer(0, 'unknown', null),
      answer(0, ' ', 1),
      answer(9, 'gone', 1),
    ];
    expect(bestAnswers(answers, questions)).toEqual([]);
    expect(bestAnswers(answers, questions, 0)).toEqual([]);
  });
});
