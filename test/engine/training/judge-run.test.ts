/** Runs whose reward is a judge: real services, real trainer processes, a real server that fails in between. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { forkTrainer } from '../../../src-main/app/fork-trainer.ts';
import { createKeyStore } from '../../../src-main/app/judge/key-store.ts';
import { createServices, type Services } from '../../../src-main/app/services.ts';
import type { RunDetail } from '../../../src-main/contract/calls.ts';
import type { TrainerEvent } from '../../../src-main/contract/events.ts';
import { fails, says, startJudgeServer, type JudgeServer } from '../../helpers/judge-server.ts';
import { runConfig, writeQuestions } from './run-folder.ts';

const secret = 'sk-secret-of-this-test-93151';
let folder: string;
let server: JudgeServer;
let services: Services;
let events: TrainerEvent[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-judge-'));
  server = await startJudgeServer();
  events = [];
  services = open();
});
afterEach(async () => {
  await services.close();
  await server.down().catch(() => undefined);
  rmSync(folder, { recursive: true, force: true });
});

function open(): Services {
  const opened = createServices({
    dataDirectory: join(folder, 'data'),
    resourcesDirectory: resolve('resources'),
    spawnTrainer: forkTrainer(resolve('src-main/training/trainer-process.ts')),
    version: '1.2.3',
    keys: createKeyStore({ directory: join(folder, 'config'), environment: {} }),
    judging: {
      clock: {
        now: () => performance.now(),
        // Limits of requests are kept, pauses are short.
        sleep: (milliseconds, signal) =>
          after(milliseconds === 60_000 ? milliseconds : 20, undefined, { signal }),
      },
    },
  });
  opened.observe((_run, event) => events.push(event));
  return opened;
}

async function start(judge: Record<string, unknown> = {}, seeds = [1]): Promise<string> {
  const { seed: _seed, ...config } = runConfig(await writeQuestions(folder));
  const { runIds } = await services.call('experiments.start', {
    experiment: {
      ...config,
      reward: {
        components: [
          {
            kind: 'judge',
            endpoint: server.endpoint,
            model: 'small-judge',
            rubric: 'builtin:helpfulness',
            concurrency: 2,
            ...judge,
          },
        ],
      },
      budget: { ...config.budget, seeds, steps: 3 },
    },
  });
  return runIds[0]!;
}

async function until(runId: string, holds: (run: RunDetail) => boolean): Promise<RunDetail> {
  for (;;) {
    const run = await services.call('runs.get', { runId });
    if (holds(run)) return run;
    if (run.status === 'failed' || run.status === 'done')
      throw new Error(`the run ended: ${JSON.stringify(run.error)}`);
    await after(20);
  }
}
const isDone = ({ status }: RunDetail): boolean => status === 'done';

/** Everything that lies in a folder, as one text. */
function contents(directory: string): string {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
}

describe('a run with a judge', () => {
  it('waits while the judge is away, says so, goes on by itself, and gives no answer 0 for it', async () => {
    let away = false;
    server.answer = (_, number) => {
      if (number === 6) away = true;
      return away ? 'reset' : says({ reason: 'well said', score: 7 });
    };
    const runId = await start({ retries: 0 });
    const waiting = await until(runId, ({ phase }) => phase === 'waiting');
    expect(waiting.status).toBe('running');
    expect(waiting.phaseDetail).toContain(`for the judge at ${server.endpoint}`);
    away = false;
    const run = await until(runId, isDone);
    expect(run.phaseDetail).toBeNull();
    expect(run.log.map(({ message }) => message)).toEqual(
      expect.arrayContaining([expect.stringContaining('does not answer'), 'The judge answers again.']),
    );
    const { rows } = await services.call('samples.list', { runId, limit: 1000 });
    expect(rows.length).toBeGreaterThan(8);
    for (const { text, reward } of rows) expect(reward).toBe(text.trim() === '' ? 0 : 0.7);
    const series = await services.call('runs.metrics', {
      runId,
      names: ['judgeRequests', 'ungradableShare'],
    });
    expect(series.find(({ name }) => name === 'ungradableShare')?.values).toEqual([0, 0, 0]);
    expect(series.some(({ name }) => name === 'judgeRequests')).toBe(true);

    // The same run again asks nothing: it is bit by bit the same, and every judgement is kept.
    const before = server.seen.length;
    const again = await start({ retries: 0 });
    await until(again, isDone);
    expect(server.seen).toHaveLength(before);
    const { rows: same } = await services.call('samples.list', { runId: again, limit: 1000 });
    expect(same.map(({ text, reward }) => [text, reward])).toEqual(
      rows.map(({ text, reward }) => [text, reward]),
    );
    expect(await services.call('judge.cache', {})).toMatchObject({ replies: expect.any(Number) as number });
  });

  it('can be stopped while it waits, and goes on where it was', async () => {
    server.answer = (_, number) => (number > 6 ? fails(503, 'loading') : says({ score: 7 }));
    const runId = await start();
    await until(runId, ({ phase }) => phase === 'waiting');
    await services.call('runs.stop', { runId });
    const stopped = await until(runId, ({ status }) => status === 'stopped');
    expect(stopped.error).toBeNull();
    server.answer = () => says({ score: 7 });
    await services.call('runs.resume', { runId });
    const run = await until(runId, isDone);
    expect(run.step).toBe(3);
  });

  it('ends with a checkpoint where waiting does not help, and says what to do', async () => {
    server.answer = (_, number) => (number > 8 ? fails(404, 'model not found') : says({ score: 7 }));
    const runId = await start();
    let failed: RunDetail;
    for (;;) {
      failed = await services.call('runs.get', { runId });
      if (failed.status === 'failed') break;
      await after(20);
    }
    expect(failed.error).toMatchObject({ code: 'judge-refused', kind: 'user' });
    expect(failed.error?.message).toContain('model not found');
    expect(failed.error?.advice).toContain('continue the run');
    server.answer = () => says({ score: 7 });
    await services.call('runs.resume', { runId });
    await until(runId, isDone);
  });

  it('keeps its key out of database, checkpoints, logs and events', async () => {
    await services.call('judge.setKey', { name: 'mine', key: secret });
    server.answer = ({ headers }, number) =>
      number === 2
        ? fails(500, `bad ${headers.authorization}`)
        : says({ reason: `Hello ${secret}`, score: 5 });
    const runId = await start({ key: 'mine' });
    await until(runId, isDone);
    expect(server.seen[0]?.headers.authorization).toBe(`Bearer ${secret}`);
    await services.close();
    expect(contents(join(folder, 'data'))).not.toContain(secret);
    expect(JSON.stringify(events)).not.toContain(secret);
    services = open();
    expect(JSON.stringify(await services.call('judge.keys', {}))).not.toContain(secret);
    // It was there to be found.
    expect(contents(join(folder, 'config'))).toContain(secret);
  });
});

describe('before a run', () => {
  const check = async (judge: Record<string, unknown> = {}) => {
    const { seed: _seed, ...config } = runConfig(await writeQuestions(folder));
    return services.call('experiments.check', {
      experiment: {
        ...config,
        reward: {
          components: [
            {
              kind: 'judge',
              endpoint: server.endpoint,
              model: 'small-judge',
              rubric: 'builtin:helpfulness',
              ...judge,
            },
          ],
        },
      },
    });
  };

  it('says what is wrong with the judge', async () => {
    expect((await check()).warnings.join()).not.toContain('judge');
    expect((await check({ model: 'other' })).warnings.join()).toContain('It lists: small-judge');
    await expect(check({ key: 'nobody' })).rejects.toMatchObject({ code: 'judge-key' });
    await expect(check({ rubric: 'builtin:helpfulnes' })).rejects.toMatchObject({
      code: 'judge-rubric-unknown',
      advice: expect.stringContaining('builtin:helpfulness') as string,
    });
    await expect(check({ rubric: 'Is {} good?' })).rejects.toMatchObject({ code: 'data-template' });
    server.models = fails(401, 'who are you?');
    await expect(check()).rejects.toMatchObject({ code: 'judge-refused' });
    server.models = fails(404, 'no list here');
    expect((await check()).warnings.join()).not.toContain('judge');
    await server.down();
    expect((await check()).warnings.join()).toContain('connection refused');
    await server.up();
  });
});
