import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { listenForInterrupts } from '../../../src-main/app/cli/interrupts.ts';

function listen() {
  const source = new EventEmitter();
  const clock = { now: 0 };
  let exits = 0;
  const interrupts = listenForInterrupts(
    source,
    () => clock.now,
    () => (exits += 1),
  );
  return { source, clock, interrupts, exits: () => exits };
}

test('the first asks, the second ends', async () => {
  const { source, clock, interrupts, exits } = listen();
  expect(interrupts.signal.aborted).toBe(false);
  source.emit('SIGINT');
  expect(interrupts.signal.aborted).toBe(true);
  await interrupts.first;
  expect(exits()).toBe(0);
  clock.now = 1000;
  source.emit('SIGTERM');
  expect(exits()).toBe(1);
});

test('the same signal from the terminal and from npm counts once', () => {
  const { source, clock, interrupts, exits } = listen();
  source.emit('SIGINT');
  clock.now = 20;
  source.emit('SIGINT');
  expect(interrupts.signal.aborted).toBe(true);
  expect(exits()).toBe(0);
});

test('what the second does can be chosen, and listening ends', () => {
  const { source, clock, interrupts, exits } = listen();
  let killed = 0;
  interrupts.onSecond(() => (killed += 1));
  source.emit('SIGHUP');
  clock.now = 500;
  source.emit('disconnect');
  expect([killed, exits()]).toEqual([1, 0]);
  interrupts.dispose();
  expect(source.listenerCount('SIGINT')).toBe(0);
});
