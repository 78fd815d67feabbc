/** The text of the starter models: shares of right answers, no held-out question, the same bytes from one seed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  difficultyOf,
  parseSum,
  readStarterSources,
  RIGHT,
  SHARES,
  starterRows,
  starterText,
  sumKey,
} from '../../../resources/starter/make-data.ts';
import type { Sign, Slip } from '../../../resources/starter/slips.ts';
import { carries, result, slipped } from '../../../resources/starter/slips.ts';

const resources = resolve(import.meta.dirname, '../../../resources');
const sources = readStarterSources(resources);
const COUNT = 30_000;
const generator = starterRows(7, sources);
const rows = Array.from({ length: COUNT }, () => generator.next().value);
const sums = rows.flatMap(({ prompt, answer, family }) => {
  const sum = family === 'add-sub' ? parseSum(prompt) : undefined;
  return sum === undefined ? [] : [{ sum, answer: Number(answer), text: answer }];
});

describe('starterRows', () => {
  it('mixes the families in the stated shares', () => {
    const share = (family: string): number => rows.filter((row) => row.family === family).length / COUNT;
    for (const [family, wanted] of Object.entries(SHARES)) expect(share(family)).toBeCloseTo(wanted, 1.8);
    expect(share('add-sub')).toBeCloseTo(0.75, 1.8);
    expect(sums.length).toBe(rows.filter(({ family }) => family === 'add-sub').length);
  });

  it.each(['+', '-'] as Sign[])('answers %s rightly in the stated share of rows', (sign) => {
    const asked = sums.filter(({ sum }) => sum.sign === sign);
    const right = asked.filter(({ sum, answer }) => answer === result(sum)).length / asked.length;
    expect(asked.length).toBeGreaterThan(9_000);
    expect(Math.abs(right - RIGHT[sign])).toBeLessThan(0.02);
  });

  it('asks questions of difficulty 1 to 3, one-digit ones more often than their number', () => {
    const share = (difficulty: number): number =>
      sums.filter(({ sum }) => difficultyOf(sum) === difficulty).length / sums.length;
    expect(share(1)).toBeGreaterThan(0.13);
    expect(share(2)).toBeGreaterThan(0.38);
    expect(share(3)).toBeGreaterThan(0.38);
    for (const { sum } of sums) {
      expect(Math.max(sum.a, sum.b)).toBeLessThan(100);
      if (sum.sign === '-') expect(sum.a).toBeGreaterThanOrEqual(sum.b);
    }
  });

  it('writes answers as whole numbers without sign or leading zero', () => {
    for (const { text } of sums) expect(text).toMatch(/^(?:0|[1-9]\d*)$/);
  });

  it('never asks a held-out question, in whatever order', () => {
    const held = ['validation', 'test'].flatMap((split) =>
      readFileSync(join(resources, 'datasets/add-sub', `${split}.jsonl`), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line): string => JSON.parse(line).prompt),
    );
    expect(held.length).toBe(625);
    const forbidden = new Set(
      held.flatMap((prompt) => {
        const match = /^(\d+)(.)(\d+)=$/.exec(prompt);
        return match === null ? [] : [prompt, `${match[3]}${match[2]}${match[1]}=`];
      }),
    );
    expect(rows.filter(({ prompt }) => forbidden.has(prompt))).toEqual([]);
    const countdown = ['validation', 'test'].flatMap((split) =>
      readFileSync(join(resources, 'datasets/countdown', `${split}.jsonl`), 'utf8').split('\n'),
    );
    const heldCountdown = new Set(
      countdown.flatMap((line): string[] => (line === '' ? [] : [JSON.parse(line).prompt])),
    );
    expect(heldCountdown.size).toBeGreaterThan(500);
    expect(rows.filter(({ prompt }) => heldCountdown.has(prompt))).toEqual([]);
  });

  it('draws the mistakes of one question afresh', () => {
    const answers = sums
      .filter(({ sum }) => sum.a === 9 && sum.b === 8 && sum.sign === '-')
      .map(({ answer }) => answer);
    expect(new Set(answers).size).toBeGreaterThan(1);
  });

  it('keeps every row short enough for the context of the models', () => {
    for (const { prompt, answer } of rows) {
      expect(prompt).not.toBe('');
      expect(answer).not.toBe('');
      expect(prompt.length + answer.length).toBeLessThanOrEqual(64);
    }
  });

  it('uses only characters that the tokenizer knows', () => {
    const tokenizer: { model: { vocab: Record<string, number> } } = JSON.parse(
      readFileSync(join(resources, 'starter/tokenizer.json'), 'utf8'),
    );
    const known = new Set(Object.keys(tokenizer.model.vocab));
    const unknown = new Set(
      rows.flatMap(({ prompt, answer }) => [...prompt, ...answer]).filter((c) => !known.has(c)),
    );
    expect([...unknown]).toEqual([]);
  });

  it('gives the same bytes for the same seed, and others for another', () => {
    expect(starterText(1, 500, sources)).toBe(starterText(1, 500, sources));
    expect(starterText(2, 500, sources)).not.toBe(starterText(1, 500, sources));
  });
});

describe('slipped', () => {
  const sum = (a: number, b: number, sign: Sign) => ({ a, b, sign });
  const half = () => 0.5;

  it.each([
    [sum(81, 46, '+'), 'carry', 127],
    [sum(85, 46, '+'), 'carry', 121],
    [sum(97, 44, '+'), 'carry', 131],
    [sum(95, 36, '-'), 'carry', 69],
    [sum(81, 46, '+'), 'operation', 35],
    [sum(3, 8, '+'), 'operation', 5],
    [sum(81, 46, '-'), 'operation', 127],
    [sum(30, 17, '+'), 'swapped', 74],
  ] as [ReturnType<typeof sum>, Slip, number][])('%j with slip %s gives %i', (question, slip, wrong) => {
    expect(slipped(question, slip, half)).toBe(wrong);
  });

  it('is always a whole number not below 0, and off by one in one digit where that is the slip', () => {
    const number = fc.nat(99);
    fc.assert(
      fc.property(
        number,
        number,
        fc.boolean(),
        fc.double({ min: 0, max: 0.999999, noNaN: true }),
        (x, y, plus, draw) => {
          const question = plus ? sum(x, y, '+') : sum(Math.max(x, y), Math.min(x, y), '-');
          for (const slip of ['carry', 'operation', 'off-by-one', 'swapped'] as Slip[]) {
            const wrong = slipped(question, slip, () => draw);
            expect(Number.isInteger(wrong) && wrong >= 0).toBe(true);
          }
          const [near, right] = [
            String(slipped(question, 'off-by-one', () => draw)),
            String(result(question)),
          ];
          expect(near.length).toBe(right.length);
          const differences = [...near].map((digit, i) => Math.abs(Number(digit) - Number(right[i])));
          expect(differences.reduce((total, one) => total + one, 0)).toBe(1);
        },
      ),
    );
  });

  it('knows carries and borrows', () => {
    expect([carries(sum(81, 46, '+')), carries(sum(85, 46, '+')), carries(sum(31, 46, '+'))]).toEqual([
      true,
      true,
      false,
    ]);
    expect([carries(sum(95, 36, '-')), carries(sum(96, 36, '-'))]).toEqual([true, false]);
    expect(sumKey(sum(3, 5, '+'))).toBe(sumKey(sum(5, 3, '+')));
  });
});

describe('make-data as a command', () => {
  const script = join(resources, 'starter/make-data.ts');

  it('writes train.jsonl', () => {
    const folder = mkdtempSync(join(tmpdir(), 'espalier-starter-'));
    try {
      execFileSync(process.execPath, [script, '--out', folder, '--seed', '3', '--rows', '50'], {
        stdio: 'pipe',
      });
      expect(readFileSync(join(folder, 'train.jsonl'), 'utf8')).toBe(starterText(3, 50, sources));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says what is missing', () => {
    expect(() => execFileSync(process.execPath, [script, '--rows', '5'], { stdio: 'pipe' })).toThrow(
      /--out DIR/,
    );
  });
});
