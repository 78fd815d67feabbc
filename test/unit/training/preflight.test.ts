/** The pre-flight: held back without a signal, told of otherwise, and no trace of it in what is learnt. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { trainLoop } from '../../../src-main/training/train-loop.ts';
import { eventsOf, makeRun, temporaryFolder } from './loop-parts.ts';
import type { Changes } from './loop-parts.ts';

const root = temporaryFolder();
afterAll(() => rm(root, { recursive: true, force: true }));
let folders = 0;

async function train(preflight: 'block' | 'warn' | 'off', changes: Changes = {}) {
  const folder = join(root, String(folders++));
  await mkdir(folder);
  const run = makeRun({ ...changes, budget: { steps: 3, preflight, ...changes.budget } });
  await trainLoop(run.parts, folder, null);
  return run;
}

const always = (total: number) => () => ({
  total,
  components: [{ name: 'same', value: total, reason: '' }],
});
const log = (run: Awaited<ReturnType<typeof train>>) =>
  eventsOf(run.events, 'log').map(({ message }) => message);

describe('the pre-flight', () => {
  it.each([
    ['rloo', 0, 'easier questions'],
    ['rloo', 1, 'harder questions'],
    ['reinforce', 0, 'easier questions'],
    ['remax', 0, 'easier questions'],
  ])('holds %s back where every reward is %d', async (estimator, reward, advice) => {
    const run = await train('block', { reward: always(reward), method: { estimator, groupSize: undefined } });
    expect(run.events.at(-1)).toMatchObject({
      type: 'failed',
      error: { kind: 'user', code: 'no-signal', advice: expect.stringContaining(advice) },
    });
    expect(eventsOf(run.events, 'step')).toEqual([]);
    expect(eventsOf(run.events, 'evaluation')).toEqual([]);
  });

  it('only warns where it is told to, and asks nothing where it is off', async () => {
    const warned = await train('warn', { reward: always(0) });
    expect(warned.events.at(-1)).toMatchObject({ type: 'end', status: 'done' });
    expect(log(warned)[0]).toContain('0 % of the groups carry a signal');
    const off = await train('off', { reward: always(0) });
    expect(off.events.at(-1)).toMatchObject({ type: 'end', status: 'done' });
    expect(log(off).join()).not.toContain('Pre-flight');
  });

  it('tells the share of groups with a signal, and changes nothing of what is learnt', async () => {
    const tried = await train('block');
    expect(log(tried)[0]).toMatch(
      /^Pre-flight: 48 answers to 6 questions; \d+ % of the groups carry a signal/,
    );
    const off = await train('off');
    const steps = (run: typeof tried) =>
      eventsOf(run.events, 'step').map(({ metrics }) => [
        metrics['loss'],
        metrics['gradNorm'],
        metrics['rewardMean'],
      ]);
    expect(steps(tried)).toEqual(steps(off));
    expect(tried.policy).toEqual(off.policy);
  });
});
