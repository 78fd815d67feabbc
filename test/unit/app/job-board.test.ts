import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JobBoard, type JobWork } from '../../../src-main/app/job-board.ts';
import { Pace } from '../../../src-main/app/pace.ts';
import { userError } from '../../../src-main/contract/errors.ts';
import type { Job } from '../../../src-main/contract/jobs.ts';

function board() {
  const told: Job[] = [];
  let ids = 0;
  const clock = { now: 0 };
  const jobs = new JobBoard({
    now: () => clock.now,
    newId: () => `job${++ids}`,
    publish: (job) => told.push(job),
  });
  return { jobs, told, clock };
}
const done = { kind: 'tokenize' } as const;
const work = (run: JobWork['run'], more: Partial<JobWork> = {}): JobWork => ({
  kind: 'fetch',
  title: 'A job',
  unit: 'bytes',
  canPause: true,
  run,
  ...more,
});
const ended = async (jobs: JobBoard, id: string): Promise<Job> => {
  while (jobs.get(id).state === 'running') await new Promise((next) => setImmediate(next));
  return jobs.get(id);
};
/** Lets work that was started begin. */
const begun = () => new Promise((next) => setImmediate(next));
/** Work that ends only when it is stopped. */
const endless: JobWork['run'] = ({ signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')));
  });

describe('jobs', () => {
  it('tell how far they are, how fast and how long still', async () => {
    const { jobs, told, clock } = board();
    const id = jobs.start(
      work(async ({ report }) => {
        report({ total: 1000, done: 0, detail: 'begins' });
        clock.now = 1000;
        report({ done: 100 });
        clock.now = 2000;
        report({ done: 200, detail: 'goes on' });
        return done;
      }),
    );
    expect(await ended(jobs, id)).toMatchObject({
      state: 'done',
      result: done,
      endedAt: 2000,
      secondsLeft: null,
    });
    expect(told.map(({ state, done: here }) => [state, here])).toEqual([
      ['running', 0],
      ['running', 100],
      ['running', 200],
      ['done', 200],
    ]);
    expect(told[2]).toMatchObject({ rate: 100, secondsLeft: 8, detail: 'goes on' });
  });

  it('are told about at most ten times a second', async () => {
    const { jobs, told, clock } = board();
    const id = jobs.start(
      work(async ({ report }) => {
        for (let i = 1; i <= 1000; i++) {
          clock.now = i;
          report({ done: i, total: 1000 });
        }
        return done;
      }),
    );
    await ended(jobs, id);
    expect(told.length).toBeLessThanOrEqual(13);
    expect(told.at(-1)).toMatchObject({ state: 'done', done: 1000 });
  });

  it('fail with what was thrown, and can be tried again', async () => {
    const { jobs } = board();
    let tries = 0;
    const id = jobs.start(
      work(async () => {
        if (tries++ === 0) throw userError('odd', 'It is odd.');
        return done;
      }),
    );
    expect(await ended(jobs, id)).toMatchObject({
      state: 'failed',
      error: { code: 'odd', message: 'It is odd.' },
    });
    jobs.resume(id);
    expect(await ended(jobs, id)).toMatchObject({ state: 'done', error: null });
  });

  it('are paused, gone on with and cancelled; only cancelling takes away what they left', async () => {
    const { jobs } = board();
    let [starts, discarded] = [0, 0];
    const id = jobs.start(
      work(
        (context) => {
          starts++;
          return endless(context);
        },
        {
          discard: async () => {
            discarded++;
          },
        },
      ),
    );
    await begun();
    await jobs.pause(id);
    expect([jobs.get(id).state, starts, discarded]).toEqual(['paused', 1, 0]);
    await jobs.pause(id);
    jobs.resume(id);
    await begun();
    await jobs.cancel(id);
    expect([jobs.get(id).state, starts, discarded]).toEqual(['cancelled', 2, 1]);
    jobs.resume(id);
    expect(jobs.get(id).state).toBe('cancelled');
    const other = jobs.start(work(endless, { discard: async () => void discarded++ }));
    await jobs.pause(other);
    await jobs.cancel(other);
    expect([jobs.get(other).state, discarded]).toEqual(['cancelled', 2]);
  });

  it('do nothing when they are cancelled before they began', async () => {
    const { jobs } = board();
    let starts = 0;
    const id = jobs.start(
      work(async () => {
        starts++;
        return done;
      }),
    );
    await jobs.cancel(id);
    expect([jobs.get(id).state, starts]).toEqual(['cancelled', 0]);
  });

  it('say when they cannot be paused', async () => {
    const { jobs } = board();
    const id = jobs.start(work(endless, { canPause: false }));
    await expect(jobs.pause(id)).rejects.toThrow('cannot be paused');
    await jobs.close();
    expect(jobs.get(id).state).toBe('cancelled');
  });

  it('are listed newest first, ended ones up to a limit', async () => {
    const { jobs } = board();
    const running = jobs.start(work(endless));
    for (let i = 0; i < 80; i++) await ended(jobs, jobs.start(work(async () => done)));
    const list = jobs.list();
    expect(list[0]?.id).toBe('job81');
    expect(list.length).toBeLessThan(60);
    expect(list.at(-1)?.id).toBe(running);
    await jobs.close();
  });
});

describe('pace', () => {
  it('of steady work is its speed, however often it is marked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 2, maxLength: 300 }),
        fc.integer({ min: 1, max: 1e9 }),
        (steps, speed) => {
          const pace = new Pace();
          let at = 0;
          pace.mark(0, 0);
          for (const step of steps) {
            at += step;
            pace.mark((at * speed) / 1000, at);
          }
          const last = steps.at(-1) ?? 0;
          if (at < 500 || last > 8000) return;
          expect(pace.rate()! / speed).toBeCloseTo(1, 6);
          expect(pace.secondsLeft((at * speed) / 1000 + 2 * speed)).toBeCloseTo(2, 4);
        },
      ),
    );
  });

  it('is not known at the beginning, without a total, and when nothing moves', () => {
    const pace = new Pace();
    expect([pace.rate(), pace.secondsLeft(10)]).toEqual([null, null]);
    pace.mark(0, 0);
    pace.mark(0, 1000);
    expect([pace.rate(), pace.secondsLeft(10), pace.secondsLeft(null)]).toEqual([0, null, null]);
    pace.mark(50, 1500);
    pace.mark(5, 2000);
    expect(pace.rate()).toBe(null);
  });
});
