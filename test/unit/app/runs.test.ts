import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostEventSchema } from '../../../src-main/contract/calls.ts';
import type { TrainerEvent } from '../../../src-main/contract/events.ts';
import { serviceBench, type Behaviour, type ServiceBench } from './service-bench.ts';

let bench: ServiceBench;
beforeEach(() => {
  bench = serviceBench();
});
afterEach(async () => {
  await bench.close();
});
const get = (runId: string) => bench.services.call('runs.get', { runId });

describe('a run', () => {
  it('is stored with everything that its trainer tells', async () => {
    const observed: TrainerEvent['type'][] = [];
    bench.services.observe((_runId, event) => observed.push(event.type));
    const [id = ''] = await bench.start();
    await bench.until(id, 'done');
    const run = await get(id);
    expect(run).toMatchObject({
      name: 'Addition',
      status: 'done',
      step: 5,
      steps: 5,
      reward: 0.5,
      score: 0.25,
      bestScore: 0.25,
      phase: null,
      error: null,
      sparkline: [0.1, 0.2, 0.3, 0.4, 0.5],
      facts: { family: 'llama', trainRows: 5 },
      summary: { after: 0.75 },
      secondsLeft: null,
      config: { seed: 1, model: { path: 'builtin:tiny' } },
    });
    expect(run.endedAt).not.toBeNull();
    expect(await bench.services.call('runs.metrics', { runId: id, names: ['loss'] })).toEqual([
      { name: 'loss', steps: [1, 2, 3, 4, 5], values: [1, 0.5, 1 / 3, 0.25, 0.2] },
    ]);
    const page = await bench.services.call('samples.list', {
      runId: id,
      search: 'step 4',
      sort: 'best',
      limit: 2,
    });
    expect(page.total).toBe(4);
    expect(page.rows.map((row) => row.text)).toEqual(['step 4 answer 3', 'step 4 answer 2']);
    expect(await bench.services.call('samples.steps', { runId: id })).toEqual([0, 1, 2, 3, 4, 5]);
    expect(observed.slice(0, 3)).toEqual(['ready', 'samples', 'evaluation']);
    expect(observed.at(-1)).toBe('end');
    // Windows saw the same, in the shape of the contract.
    for (const event of bench.events) expect(hostEventSchema.safeParse(event).error).toBeUndefined();
    const kinds = new Set(bench.events.map((event) => event.type));
    expect([...kinds].sort()).toEqual(['checkpoint', 'evaluation', 'metrics', 'run', 'samples']);
    expect(bench.events.at(-1)).toMatchObject({ type: 'run', run: { id, status: 'done' } });
  });

  it('trains one at a time, the others wait in order', async () => {
    bench.behaviour = 'slow';
    const ids = await bench.start({ budget: { seeds: [1, 2, 3] }, name: 'Three' });
    const [first = '', second = '', third = ''] = ids;
    await bench.until(first, 'running');
    expect((await get(second)).status).toBe('queued');
    expect((await get(second)).name).toBe('Three · seed 2');
    await bench.services.call('runs.stop', { runId: second });
    expect((await get(second)).status).toBe('stopped');
    await bench.until(third, 'running', 'done');
    expect((await get(first)).status).toBe('done');
    await bench.until(third, 'done');
    expect((await get(second)).status).toBe('stopped');
    expect(new Set((await bench.services.call('runs.list', {})).map((run) => run.experimentId)).size).toBe(1);
  });

  it('tells windows at most ten times a second', async () => {
    bench.behaviour = 'slow';
    const started = Date.now();
    const [id = ''] = await bench.start({ budget: { steps: 30 } });
    await bench.until(id, 'done');
    const seconds = (Date.now() - started) / 1000;
    const pushes = bench.events.filter((event) => event.type === 'metrics').length;
    expect(pushes).toBeGreaterThan(3);
    expect(pushes).toBeLessThanOrEqual(seconds * 10 + 2);
    const steps = bench.events.flatMap((event) =>
      event.type === 'metrics' ? (event.series[0]?.steps ?? []) : [],
    );
    expect(steps).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  });

  it('stops with a checkpoint and goes on from it', async () => {
    bench.behaviour = 'slow';
    const [id = ''] = await bench.start({ budget: { steps: 40 } });
    await bench.until(id, 'running');
    while ((await get(id)).step < 4) await new Promise((done) => setTimeout(done, 20));
    await bench.services.call('runs.stop', { runId: id });
    await bench.until(id, 'stopped');
    const stopped = await get(id);
    expect(stopped.step).toBeLessThan(40);
    expect(stopped.checkpoints[0]?.step).toBe(stopped.step);
    bench.behaviour = 'done';
    await bench.services.call('runs.resume', { runId: id });
    await bench.until(id, 'done');
    const series = await bench.services.call('runs.metrics', { runId: id, names: ['rewardMean'] });
    expect(series[0]?.steps).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    // Each step's answers are there once, also those of the evaluation that was asked again.
    expect(
      (await bench.services.call('samples.list', { runId: id, step: stopped.step, split: 'evaluation' }))
        .total,
    ).toBe(1);
    expect((await bench.services.call('samples.list', { runId: id, split: 'train' })).total).toBe(160);
    await expect(bench.services.call('runs.resume', { runId: id })).rejects.toThrow(/complete/);
    await expect(bench.services.call('runs.stop', { runId: id })).rejects.toThrow(/nothing to stop/);
  });

  it('is killed when it does not stop, and can still be resumed', async () => {
    bench.behaviour = 'hangs';
    const [id = ''] = await bench.start();
    await bench.until(id, 'running');
    await bench.services.call('runs.stop', { runId: id });
    expect((await get(id)).status).toBe('stopping');
    await bench.until(id, 'stopped');
    expect((await get(id)).log.at(-1)?.message).toContain('ended by force');
    bench.behaviour = 'done';
    await bench.services.call('runs.resume', { runId: id });
    await bench.until(id, 'done');
  });

  it('may take longer to stop while it tells of progress', async () => {
    bench.behaviour = 'saves-long';
    const [id = ''] = await bench.start({ budget: { steps: 100 } });
    await bench.until(id, 'running');
    while ((await get(id)).step < 2) await new Promise((done) => setTimeout(done, 20));
    await bench.services.call('runs.stop', { runId: id });
    await bench.until(id, 'stopped');
    const run = await get(id);
    expect(run.log).toEqual([]);
    expect(run.summary?.steps).toBe(run.step);
  });

  it('ends a trainer that does not go after its end', async () => {
    bench.behaviour = 'lingers';
    const [first = '', second = ''] = await bench.start({ budget: { seeds: [1, 2] } });
    await bench.until(first, 'done');
    bench.behaviour = 'done';
    await bench.until(second, 'done');
  });

  it('is deleted, restored, and not while it is at work', async () => {
    bench.behaviour = 'slow';
    const [id = ''] = await bench.start({ budget: { steps: 20 } });
    await bench.until(id, 'running');
    await expect(bench.services.call('runs.delete', { runId: id })).rejects.toThrow(/at work/);
    await bench.services.call('runs.rename', { runId: id, name: 'Other' });
    await bench.until(id, 'done');
    await bench.services.call('runs.delete', { runId: id });
    expect(await bench.services.call('runs.list', {})).toEqual([]);
    expect((await bench.services.call('runs.list', { deleted: true }))[0]?.name).toBe('Other');
    await bench.services.call('runs.restore', { runId: id });
    expect(await bench.services.call('runs.list', {})).toHaveLength(1);
  });
});

describe('a trainer that crashes', () => {
  it.each<[Behaviour, string, RegExp]>([
    ['exits', 'trainer-crashed', /exit code 7.*the weights are on fire/],
    ['aborts', 'trainer-crashed', /SIGABRT/],
    ['killed', 'trainer-killed', /memory ran out/],
    ['out-of-memory', 'trainer-out-of-memory', /ran out of memory/],
    ['fails', 'data-empty', /no rows/],
  ])('%s', async (behaviour, code, message) => {
    bench.behaviour = behaviour;
    const [id = '', next = ''] = await bench.start({ budget: { seeds: [1, 2] } });
    await bench.until(id, 'failed');
    const run = await get(id);
    expect(run.error?.code).toBe(code);
    expect(run.error?.message).toMatch(message);
    expect(run.error?.advice).toMatch(/resume/i);
    expect(run.phase).toBeNull();
    // What came before the crash is kept, the next run starts, and this one goes on from its checkpoint.
    expect(run.step).toBe(2);
    bench.behaviour = 'done';
    await bench.until(next, 'done', 'failed');
    await bench.services.call('runs.resume', { runId: id });
    await bench.until(id, 'done');
    expect((await get(id)).error).toBeNull();
    expect((await bench.services.call('runs.metrics', { runId: id, names: ['loss'] }))[0]?.steps).toEqual([
      1, 2, 3, 4, 5,
    ]);
  });

  it('goes on past messages that cannot be read, and says so', async () => {
    bench.behaviour = 'garbage';
    const [id = ''] = await bench.start();
    await bench.until(id, 'done');
    const lines = (await get(id)).log.map((line) => line.message);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('step');
  });

  it('fails a run whose program cannot be started, and leaves none running', async () => {
    await bench.services.close();
    const { forkTrainer } = await import('../../../src-main/app/fork-trainer.ts');
    bench.open({ spawnTrainer: forkTrainer('/nowhere/trainer.ts') });
    const [id = ''] = await bench.start();
    await bench.until(id, 'failed');
    expect((await get(id)).error?.details).toContain('/nowhere/trainer.ts');
  });
});

describe('when the host ends', () => {
  it('stops the run at work with a checkpoint, keeps the queue, and goes on with it at the next start', async () => {
    bench.behaviour = 'slow';
    const [first = '', second = ''] = await bench.start({ budget: { steps: 30, seeds: [1, 2] } });
    await bench.until(first, 'running');
    while ((await get(first)).step < 2) await new Promise((done) => setTimeout(done, 20));
    await bench.services.close();
    bench.behaviour = 'done';
    bench.open();
    expect((await get(first)).status).toBe('stopped');
    await bench.until(second, 'done');
  });

  it('leaves waiting runs alone where only own runs are wanted', async () => {
    bench.behaviour = 'slow';
    const [, second = ''] = await bench.start({ budget: { steps: 30, seeds: [1, 2] } });
    await bench.services.close();
    bench.behaviour = 'done';
    bench.open({ startWaiting: false });
    const [own = ''] = await bench.start();
    await bench.until(own, 'done');
    expect((await get(second)).status).toBe('queued');
  });

  it('shows a run that was cut off as failed and resumable, never as running', async () => {
    const { openStore } = await import('../../../src-main/store/store.ts');
    const [id = ''] = await bench.start();
    await bench.until(id, 'done');
    await bench.services.close();
    const store = openStore(`${bench.folder}/data/espalier.db`);
    store.runs.update(id, { status: 'running', phase: 'training', step: 3 });
    store.close();
    bench.open();
    const run = await get(id);
    expect(run).toMatchObject({ status: 'failed', phase: null, error: { code: 'host-ended' } });
    expect(run.error?.advice).toContain('checkpoint of step 2');
    await bench.services.call('runs.resume', { runId: id });
    await bench.until(id, 'done');
  });

  it('cleans up deleted runs with their files', async () => {
    const { existsSync } = await import('node:fs');
    const [id = ''] = await bench.start();
    await bench.until(id, 'done');
    const { directory } = await get(id);
    expect(existsSync(directory)).toBe(true);
    await bench.services.call('runs.delete', { runId: id });
    await bench.services.close();
    bench.open();
    expect(await bench.services.call('runs.list', { deleted: true })).toEqual([]);
    await expect(get(id)).rejects.toThrow(/no run/);
    while (existsSync(directory)) await new Promise((done) => setTimeout(done, 10));
  });
});
