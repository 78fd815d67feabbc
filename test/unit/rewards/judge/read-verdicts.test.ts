import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readComparison } from '../../../../src-main/rewards/judge/read-comparison.ts';
import { readScore } from '../../../../src-main/rewards/judge/read-score.ts';

const scale = [0, 10] as const;
const mark = (reply: string, of: readonly [number, number] = scale) => {
  const read = readScore(reply, of);
  return 'verdict' in read ? read.verdict : read.unreadable;
};

describe('the mark in a reply', () => {
  it.each([
    ['{"reason": "fine", "score": 7}', 7],
    ['{"score": "7"}', 7],
    ['{"Score": "7/10"}', 7],
    ['{"rating": 7.5, "explanation": "x"}', 7.5],
    [
      'Sure! Here it is:\n```json\n{"reason": "a \\"quoted\\" {brace}", "score": 3}\n```\nHope this helps.',
      3,
    ],
    ['The form is {"score": 10}. Mine: {"reason": "ok", "score": 4}', 4],
    ['{"reason": "cut off before the end, "score": 6', 6],
    ['Score: 7', 7],
    ['**Score:** 7/10', 7],
    ['Score (0-10): 7', 7],
    ['Final score is 7.', 7],
    ['Rating = 7,5', 7.5],
    ['I give it a score of 7 out of 10.', 7],
    ['Clarity score: 5. Accuracy score: 9. Overall score: 8.', 8],
    ['Score: seven', 7],
    ['7', 7],
    [' 7. ', 7],
    ['7/10', 7],
    ['seven out of ten', 7],
    ['Ten!', 10],
    ['I would say 7 because it is good.', 7],
    ['It is worth 7/10, really 7/10.', 7],
    ['<think>Perhaps 3? or 9?</think>\n{"score": 5}', 5],
    ['0', 0],
  ])('%j is %d', (reply, expected) => {
    expect(mark(reply)).toBe(expected);
  });

  it.each([
    ['', 'only thoughts or nothing'],
    ['   ', 'only thoughts or nothing'],
    ['<think>I wonder whether 7', 'only thoughts or nothing'],
    ['Good answer!', 'no mark'],
    ['I like points 1 and 2, but 3 is weak.', 'several numbers'],
    ['It is 7/10 for content and 4/10 for style.', 'several marks'],
    ['{"score": "high"}', 'holds no mark'],
    ['{"score": null}', 'holds no mark'],
    ['{"score": 11}', '11 lies outside 0 to 10'],
    ['Score: -1', '-1 lies outside'],
    ['Score: 85/100', 'another scale'],
    ['Score: 4/5', 'another scale'],
    ['Score: 85%', 'no mark'],
    ['{"reason": "x", "verdict": "good"}', 'no mark'],
  ])('%j cannot be read', (reply, why) => {
    expect(mark(reply)).toContain(why);
  });

  it('keeps to scales that do not begin at 0', () => {
    expect(mark('4/5', [1, 5])).toBe(4);
    expect(mark('{"score": 0}', [1, 5])).toContain('outside');
    expect(mark('Score: -3', [-5, 5])).toBe(-3);
  });

  it('gives the reason on one line, of bounded length', () => {
    expect(readScore('{"reason": "two\\nlines", "score": 1}', scale)).toEqual({
      verdict: 1,
      reason: 'two lines',
    });
    const long = readScore(JSON.stringify({ reason: '😀'.repeat(5000), score: 1 }), scale);
    expect('reason' in long && long.reason.length).toBeLessThanOrEqual(400);
  });

  it('reads what it is told to write, whatever the reason and whatever stands around it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10 }),
        fc.string(),
        fc.constantFrom('', 'Here: ', '```json\n'),
        (score, reason, before) => {
          expect(mark(`${before}${JSON.stringify({ reason, score })}`)).toBe(score);
        },
      ),
    );
  });

  it('never gives a mark outside the scale, and ends, whatever the reply', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('{', '}', '"score":', 'score', '7', '/10', '<think>', '</think>', '"', '\\'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const read = readScore(pieces.join(' '), scale);
        if ('verdict' in read) expect(read.verdict >= 0 && read.verdict <= 10).toBe(true);
      }),
    );
    for (const text of ['{', '"', 'score ', '1/', '{"score":', ' 7']) {
      expect(() => readScore(text.repeat(30_000), scale)).not.toThrow();
    }
  });
});

describe('the better answer in a reply', () => {
  it.each([
    ['{"reason": "x", "better": "first"}', 'first'],
    ['{"better": "second"}', 'second'],
    ['{"better": "equal"}', 'equal'],
    ['{"winner": "B"}', 'second'],
    ['{"better": 2}', 'second'],
    ['Better: first', 'first'],
    ['**Winner:** Answer B', 'second'],
    ['Verdict: tie', 'equal'],
    ['[[A]]', 'first'],
    ['[[C]]', 'equal'],
    ['B', 'second'],
    ['The second answer.', 'second'],
    ['The first answer is clearly better, since it is right.', 'first'],
    ['Both answers are equally good.', 'equal'],
    ['<think>The second is better</think>first', 'first'],
  ])('%j is %s', (reply, expected) => {
    expect(readComparison(reply)).toMatchObject({ verdict: expected });
  });

  it.each([
    '',
    'Hm.',
    '{"better": "both of them, or none"}',
    'The first answer is better. No, the second answer is better.',
  ])('%j cannot be read', (reply) => {
    expect(readComparison(reply)).toHaveProperty('unreadable');
  });
});
