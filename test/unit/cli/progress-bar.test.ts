import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createProgressWriter,
  renderPlainProgress,
  renderProgress,
  runFacts,
} from '../../../src-main/app/cli/progress-bar.ts';

const state = {
  title: 'Addition',
  share: 0.42,
  facts: runFacts({ step: 126, steps: 300, reward: 0.71234, score: 0.5, tokensPerSecond: 5123.4 }),
  secondsLeft: 72,
};

function sink(isTTY: boolean, columns?: number) {
  const written: string[] = [];
  return {
    written,
    isTTY,
    ...(columns === undefined ? {} : { columns }),
    write: (text: string) => written.push(text),
  };
}

describe('one line', () => {
  test('holds share, step, reward, held-out score, speed and time left', () => {
    expect(renderProgress(state, 200)).toBe(
      '████████░░░░░░░░░░░░  42 % Addition · step 126/300 · reward 0.712 · held-out 0.500 · 5,123 tokens/s · 1:12 min left',
    );
    expect(renderPlainProgress(state)).toBe(
      'Addition · 42 % · step 126/300 · reward 0.712 · held-out 0.500 · 5,123 tokens/s · 1:12 min left',
    );
  });

  test('is never longer than the terminal and keeps the time left as long as it can', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 200 }),
        fc.string({ maxLength: 80 }),
        fc.double({ min: -1, max: 2, noNaN: true }),
        (width, title, share) => {
          const line = renderProgress({ ...state, title, share }, width);
          expect(Array.from(line).length).toBeLessThanOrEqual(width);
          expect(line).not.toMatch(/[\r\n]/);
        },
      ),
    );
    expect(renderProgress(state, 70)).toContain('1:12 min left');
  });
});

describe('writing', () => {
  test('redraws in place on a terminal, at most ten times a second', () => {
    const screen = sink(true, 80);
    let now = 0;
    const writer = createProgressWriter(screen, () => now);
    for (now = 0; now < 1000; now += 10) writer.update(state);
    expect(screen.written.length).toBe(10);
    expect(screen.written.every((text) => text.startsWith('\r\x1b[2K'))).toBe(true);
  });

  test('a terminal that does not know its width counts as 80 columns', () => {
    const screen = sink(true, 0);
    createProgressWriter(screen, () => 0).update(state);
    expect(screen.written[0]).toContain('126/300');
  });

  test('lines stand above the bar, which comes back', () => {
    const screen = sink(true, 80);
    const writer = createProgressWriter(screen, () => 0);
    writer.update(state);
    writer.line('hello');
    expect(screen.written.slice(1)).toEqual(['\r\x1b[2K', 'hello\n', screen.written[0]]);
    writer.end();
    expect(screen.written.at(-1)).toBe('\r\x1b[2K');
  });

  test('elsewhere writes plain lines every ten seconds and when the work changes', () => {
    const file = sink(false);
    let now = 0;
    const writer = createProgressWriter(file, () => now);
    for (now = 0; now < 30_000; now += 100) writer.update(state);
    expect(file.written.length).toBe(3);
    writer.update({ ...state, title: 'Subtraction' });
    expect(file.written.length).toBe(4);
    expect(file.written.join('')).not.toContain('\x1b');
  });
});
