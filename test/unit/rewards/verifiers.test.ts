/** What each built-in verifier says of answers, right and wrong, and when it cannot grade. */
import { describe, expect, it } from 'vitest';
import { verdict } from './reward-item.ts';

const value = (...given: Parameters<typeof verdict>): number | null => verdict(...given).value;

describe('exact', () => {
  it.each([
    [false, 'Paris', 'Paris', 1],
    [false, ' Paris\n', 'Paris', 1],
    [false, 'paris', 'Paris', 0],
    [true, 'pARIS', 'Paris', 1],
    [true, 'ÉCOLE', 'école', 1],
    [true, '', 'Paris', 0],
    [true, 'x', ' ', null],
  ])('ignoring case %j: %j against %j gives %j', (ignoreCase, response, reference, wanted) => {
    expect(value('exact', { ignoreCase }, { response, reference })).toBe(wanted);
  });
});

describe('number behind a mark', () => {
  it.each([
    ['So 3 and 4.\n#### 7', '7', 1],
    ['So 3 and 4.\n####\n7\nBye 9', '7', 1],
    ['#### 3\n#### 7', '7', 1],
    ['The answer is 7', '7', 0],
    ['####', '7', 0],
    ['#### seven', '7', 0],
    ['#### 7', '3 + 4 = <<3+4=7>>7\n#### 7', 1],
    ['#### 1,234.0', '#### 1234', 1],
    ['#### 7', 'no number', null],
  ])('%j against %j gives %j', (response, reference, wanted) => {
    expect(value('number', { find: 'marked' }, { response, reference })).toBe(wanted);
  });
  it('takes any mark, and says when it is missing', () => {
    expect(
      value('number', { find: 'marked', mark: 'A:' }, { response: 'Well.\nA: 12', reference: '12' }),
    ).toBe(1);
    expect(verdict('number', { find: 'marked' }, { response: '7', reference: '7' }).reason).toContain('####');
  });
});

describe('choice', () => {
  it.each([
    ['B', 'B', 1],
    ['(b).', 'B', 1],
    [' **B** ', '(B)', 1],
    ['B) Paris', 'B', 1],
    ['B. Because the rest is wrong.', 'B', 1],
    ['The answer is (B).', 'B', 1],
    ['The answer is B because A is wrong.', 'B', 1],
    ['First I thought the answer is A. No: the correct answer is C', 'C', 1],
    ['Answer: C', 'C', 1],
    ['I choose option D', 'D', 1],
    ['\\boxed{C}', 'C', 1],
    ['Thus $\\boxed{\\text{C}}$, the answer is A', 'C', 1],
    ['It must be (C), as shown above.', 'C', 1],
    ['Therefore B', 'B', 1],
    ['A cat sat on the mat', 'A', 0],
    ['I think so', 'A', 0],
    ['The answer is a dog', 'A', 0],
    ['A B C D', 'D', 0],
    ['(A) (B) (C) (D)', 'D', 0],
    ['The answer is A or B', 'A', 0],
    ['The answer is B, C', 'B', 0],
    ['', 'B', 0],
    ['E', 'B', 0],
    ['A', 'B', 0],
    ['B', 'B: Paris', 1],
    ['B', 'Paris', null],
    ['B', '', null],
    ['B', 'F', null],
  ])('%j against %j gives %j', (response, reference, wanted) => {
    expect(value('choice', {}, { response, reference })).toBe(wanted);
  });
  it('knows as many letters as there are choices', () => {
    expect(value('choice', { options: 6 }, { response: 'F', reference: 'F' })).toBe(1);
    expect(value('choice', { options: 2 }, { response: 'C', reference: 'C' })).toBeNull();
  });
});

describe('contains', () => {
  const texts = ['red', 'Green'];
  it.each([
    ['all', 'a GREEN and red hat', 1],
    ['all', 'a green hat', 0],
    ['any', 'a green hat', 1],
    ['any', 'a blue hat', 0],
    ['none', 'a blue hat', 1],
    ['none', 'bored', 0],
    ['none', ' ', 0],
  ])('%s of red and green in %j gives %d', (need, response, wanted) => {
    expect(value('contains', { texts, need }, { response })).toBe(wanted);
  });
  it('looks for whole words only where asked', () => {
    const settings = { texts: ['red'], words: true };
    expect(value('contains', settings, { response: 'bored' })).toBe(0);
    expect(value('contains', settings, { response: 'bored, red.' })).toBe(1);
    expect(value('contains', settings, { response: 'réd red_ redé' })).toBe(0);
    expect(value('contains', { texts: ['ход'], words: true }, { response: 'переход ход' })).toBe(1);
  });
  it('heeds case where asked', () => {
    expect(value('contains', { texts, ignoreCase: false }, { response: 'red green' })).toBe(0);
  });
  it('fills in the right answer and columns of the row', () => {
    expect(value('contains', {}, { response: 'It is Paris.', reference: 'paris' })).toBe(1);
    const settings = { texts: ['{topic.name} {answer}'] };
    const row = { topic: { name: 'big' } };
    expect(value('contains', settings, { response: 'a big 3', row })).toBe(1);
    expect(value('contains', settings, { response: 'a big 3' })).toBeNull();
    expect(value('contains', {}, { response: 'x', reference: '' })).toBeNull();
  });
  it('takes braces without a name as they are', () => {
    expect(value('contains', { texts: ['f() {}'] }, { response: 'function f() {}' })).toBe(1);
  });
});

describe('json', () => {
  it.each([
    ['{"a": 1}', {}, 1],
    [' [1, 2]\n', {}, 1],
    ['```json\n{"a": 1}\n```', {}, 1],
    ['```\n{"a": 1}```', {}, 1],
    ['```json\n{"a": 1}\n```', { fenced: false }, 0],
    ['Here: {"a": 1}', {}, 0],
    ["{'a': 1}", {}, 0],
    ['{"a": 1,}', {}, 0],
    ['', {}, 0],
    ['42', {}, 1],
    ['42', { shape: 'object' }, 0],
    ['[1]', { shape: 'object' }, 0],
    ['null', { shape: 'object' }, 0],
    ['{}', { shape: 'object' }, 1],
    ['[]', { shape: 'list' }, 1],
    ['['.repeat(501) + ']'.repeat(501), {}, 0],
    ['['.repeat(400) + ']'.repeat(400), {}, 1],
    [`"${'['.repeat(2000)}"`, {}, 1],
  ])('%j with %j gives %d', (response, settings, wanted) => {
    expect(value('json', settings, { response })).toBe(wanted);
  });
});

describe('tags', () => {
  const good = '<think>2 and 2</think>\n<answer>4</answer>';
  it.each([
    [good, {}, 1],
    [` ${good}\n`, {}, 1],
    [`Well: ${good}`, {}, 0],
    [`Well: ${good}`, { alone: false }, 1],
    ['<think>a</think> so <answer>4</answer>', {}, 0],
    ['<answer>4</answer><think>2</think>', {}, 0],
    ['<answer>4</answer><think>2</think>', { need: 'share', alone: false }, 0.5],
    ['<answer>4</answer>', {}, 0],
    ['<answer>4</answer>', { need: 'share' }, 0.5],
    ['<think>a<answer>4</answer></think>', {}, 0],
    [`${good}<answer>5</answer>`, {}, 0],
    ['<think></think><answer></answer>', {}, 0],
    ['<think></think><answer></answer>', { filled: false }, 1],
    ['</think>a<think><answer>4</answer>', {}, 0],
    ['<Think>a</Think><answer>4</answer>', {}, 0],
    ['', {}, 0],
    ['no tags at all', { need: 'share' }, 0],
  ])('%j with %j gives %d', (response, settings, wanted) => {
    expect(value('tags', settings, { response })).toBe(wanted);
  });
  it('says what is wrong', () => {
    expect(verdict('tags', {}, { response: '<think>a</think>' }).reason).toBe('<answer> is missing');
    expect(verdict('tags', { need: 'share' }, { response: '<think>a</think>' }).reason).toBe(
      '<answer> is missing',
    );
  });
});

describe('length', () => {
  it.each([
    ['words', 'one two, three!', 3],
    ['words', 'well - – 2 *', 2],
    ['words', '', 0],
    ['words', '私は学生です', 6],
    ['words', 'привет мир', 2],
    ['characters', ' añ😀 ', 3],
    ['characters', '\ud800x', 2],
    ['sentences', 'One. Two? Three!', 3],
    ['sentences', 'Dr. Smith met Mr. J. Doe at 3.30 p.m. today. He left.', 2],
    ['sentences', '1. First thing\n2. Second thing.', 1],
    ['sentences', 'no mark', 1],
    ['sentences', 'Wait... what?!', 1],
    ['sentences', 'Wait... What?!', 2],
    ['sentences', 'J.K. Rowling was born in 1965. She writes books, films, etc. Most are long.', 3],
    ['sentences', 'It costs 3.50 at 5 p.m. and more later, e.g. on Sundays.', 1],
    ['sentences', '今日は。明日は！', 2],
    ['sentences', '"Stop!" he said. "Why?"', 3],
    ['sentences', '...', 0],
  ])('counts %s of %j as %d', (unit, response, count) => {
    const at = (more: Record<string, number>) => value('length', { unit, ...more }, { response });
    expect(at({ min: count })).toBe(1);
    expect(at({ min: count + 1 })).toBe(0);
    if (count > 0) expect(at({ max: count })).toBe(1);
    if (count > 1) expect(at({ max: count - 1 })).toBe(0);
  });
  it('counts tokens where they are known', () => {
    expect(value('length', { unit: 'tokens', max: 5 }, { tokens: 5 })).toBe(1);
    expect(value('length', { unit: 'tokens', max: 5 }, { tokens: 6 })).toBe(0);
    expect(value('length', { unit: 'tokens', max: 5 }, { tokens: null })).toBeNull();
  });
  it('falls over the margin', () => {
    const settings = { min: 4, max: 6, margin: 4 };
    const at = (words: number) => value('length', settings, { response: 'w '.repeat(words) });
    expect([0, 1, 3, 4, 6, 7, 9, 10, 11].map(at)).toEqual([0, 0.25, 0.75, 1, 1, 0.75, 0.25, 0, 0]);
  });
});

describe('overlong', () => {
  it('costs over the last tokens', () => {
    const at = (tokens: number | null, maxTokens: number | null) =>
      value('overlong', { buffer: 10 }, { tokens, maxTokens });
    expect(at(90, 100)).toBe(0);
    expect(at(95, 100)).toBe(-0.5);
    expect(at(100, 100)).toBe(-1);
    expect(at(null, 100)).toBeNull();
    expect(at(5, null)).toBeNull();
  });
});

describe('repetition', () => {
  it.each([
    ['one two three four', 1],
    ['one two', 1],
    ['a b c a b c a b c', 3 / 7],
    ['no no no no no', 1 / 3],
    ['A b c, a B c,', 3 / 4],
    ['', 0],
    ['?!', 0],
    ['a'.repeat(100), 1 / 8],
  ])('%j gives %d', (response, wanted) => {
    expect(value('repetition', {}, { response })).toBeCloseTo(wanted, 12);
  });
  it('counts runs of any size, as a plain count does', () => {
    const words = Array.from({ length: 200 }, (_, i) => 'abc'[(i * i + (i >> 3)) % 3]!);
    for (const size of [1, 2, 3, 5, 8, 13, 20]) {
      const runs = words.slice(size - 1).map((_, i) => words.slice(i, i + size).join(' '));
      expect(value('repetition', { size }, { response: words.join(' ') })).toBe(
        new Set(runs).size / runs.length,
      );
    }
  });
});

describe('script', () => {
  it.each([
    ['Latin', 'Hello, wörld 123', 1],
    ['Cyrillic', 'Привет, world', 6 / 11],
    ['Greek', 'καλημέρα', 1],
    ['Han', '你好', 1],
    ['Japanese', '東京へ行く', 1],
    ['Han', '東京へ', 2 / 3],
    ['Hangul', '안녕', 1],
    ['Arabic', 'مرحبا', 1],
    ['Hebrew', 'שלום', 1],
    ['Devanagari', 'नमस्ते', 1],
    ['Bengali', 'নমস্কার', 1],
    ['Thai', 'สวัสดี', 1],
    ['Latin', '42', 0],
    ['Latin', '', 0],
  ])('%s share of %j is %d', (script, response, wanted) => {
    expect(value('script', { script }, { response })).toBeCloseTo(wanted, 12);
  });
});

describe('balance', () => {
  const lists = { good: ['calm', 'Bright'], bad: ['dull'] };
  const row = { check: { topic: 'garden', more: 'good', margin: 2, max_words: 6 } };
  it.each([
    ['The garden is calm and bright.', 1],
    ['The GARDEN is Calm and bright!', 1],
    ['The garden is calm and calm.', 0],
    ['The house is calm and bright.', 0],
    ['The garden is calm and bright', 0],
    ['The garden is calm. And bright.', 0],
    ['The garden is\ncalm and bright.', 0],
    ['The big garden is calm and bright.', 0],
    ['A garden, calm, bright, dull.', 0],
  ])('%j gives %d', (response, wanted) => {
    expect(value('balance', lists, { response, row })).toBe(wanted);
  });
  it('takes rules from the settings, and leaves out those that are off', () => {
    const settings = { ...lists, margin: '1', more: 'bad', topic: null, maxWords: null };
    expect(value('balance', settings, { response: 'It is very very very very dull.' })).toBe(1);
    expect(value('balance', settings, { response: 'It is calm and dull.' })).toBe(0);
  });
  it('cannot grade a row without its rules', () => {
    for (const name of ['topic', 'more', 'margin', 'max_words']) {
      const { [name]: _left, ...rest } = row.check as Record<string, string | number>;
      expect(value('balance', lists, { response: 'The garden.', row: { check: rest } })).toBeNull();
    }
  });
});
