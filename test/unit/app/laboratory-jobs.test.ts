/** Measurements as jobs of the host: a trainer process that the test speaks for, and a clock that it moves. */
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { LaboratoryJobs } from '../../../src-main/app/laboratory-jobs.ts';
import type { TrainerChild } from '../../../src-main/app/trainer-child.ts';
import type { HostEvent } from '../../../src-main/contract/calls.ts';
import type { TrainerCommand, TrainerEvent } from '../../../src-main/contract/events.ts';
import { experimentSchema } from '../../../src-main/contract/experiment.ts';
import { sampledOptionsSchema } from '../../../src-main/contract/laboratory.ts';
import type { MeasuringCommand } from '../../../src-main/app/sampled-measurement.ts';
import { sampledJobSchema } from '../../../src-main/contract/sampled-job.ts';

const experiment = experimentSchema.parse({
  version: 1,
  name: 'Sums',
  model: { path: join(resolve('test/fixtures/models'), 'llama-mha') },
  data: { path: '/data/sums.jsonl' },
  reward: { components: [{ kind: 'number' }] },
});
const options = sampledOptionsSchema.parse({
  questions: 2,
  answers: 8,
  groupSize: 2,
  directions: 8,
  methods: ['rloo', 'grpo'],
});

/** A trainer process of which every message is written by the test. */
class SpokenTrainer implements TrainerChild {
  readonly commands: TrainerCommand[] = [];
  killed = false;
  #message: (message: unknown) => void = () => undefined;
  #exit: (exit: { code: number | null; signal: string | null }) => void = () => undefined;

  send(command: TrainerCommand): void {
    this.commands.push(command);
  }
  kill(): void {
    this.killed = true;
    this.exit(null, 'SIGKILL');
  }
  onMessage(listener: (message: unknown) => void): void {
    this.#message = listener;
  }
  onOutput(): void {}
  onExit(listener: (exit: { code: number | null; signal: string | null }) => void): void {
    this.#exit = listener;
  }
  say(event: TrainerEvent): void {
    this.#message(event);
  }
  exit(code: number | null = 0, signal: string | null = null): void {
    this.#exit({ code, signal });
  }
  command(): MeasuringCommand {
    const [first] = this.commands;
    if (first?.type !== 'lab') throw new Error('no lab command was sent');
    return first;
  }
}

describe('measurements as jobs', () => {
  let now: number;
  let children: SpokenTrainer[];
  let events: HostEvent[];
  let jobs: LaboratoryJobs;

  beforeEach(() => {
    now = 1_000;
    children = [];
    events = [];
    jobs = new LaboratoryJobs({
      spawnTrainer: () => {
        const child = new SpokenTrainer();
        children.push(child);
        return child;
      },
      times: { stopGrace: 1_000, exitGrace: 1_000 },
      now: () => now,
      newId: () => 'job',
      modelsDirectory: resolve('test/fixtures/models'),
      publish: (event) => events.push(event),
    });
  });

  /** Every second answer is right; `each` milliseconds pass for each. */
  function answer(
    child: SpokenTrainer,
    answers: number,
    each: number,
    reward = (place: number) => place % 2,
  ): void {
    const { questions, directions } = child.command();
    for (let question = 0; question < questions; question++) {
      child.say({ type: 'lab-question', question, prompt: '1+1=', greedyReward: 1, greedyTokens: 2 });
    }
    for (let question = 0; question < questions; question++) {
      for (let place = 0; place < answers; place++) {
        now += each;
        child.say({
          type: 'projected',
          question,
          answer: place,
          reward: reward(place),
          tokens: 2,
          finish: 'stop',
          projection: Float32Array.from(
            { length: directions },
            (_, index) => Math.sin(7 * place + index) + 1,
          ),
          looks: [],
        });
      }
    }
  }
  const settled = () => new Promise((done) => setImmediate(done));

  it('tells progress and time left, then the report', async () => {
    jobs.start(experiment, options);
    const [child] = children;
    child!.say({ type: 'phase', phase: 'loading' });
    expect(jobs.status()).toMatchObject({
      status: 'running',
      detail: 'loading',
      done: 0,
      total: 16,
      secondsLeft: null,
    });
    answer(child!, 4, 500);
    expect(jobs.status()).toMatchObject({ done: 8, secondsLeft: 4 });
    for (const event of events) if (event.type === 'laboratory') sampledJobSchema.parse(event.job);
    child!.kill();
    await settled();
  });

  it('keeps the report of the last one, and draws it', async () => {
    expect(() => jobs.picture()).toThrow('There is no measurement');
    jobs.start(experiment, options);
    expect(() => jobs.start(experiment, options)).toThrow('at work already');
    const [child] = children;
    expect(child!.command()).toMatchObject({ questions: 2, answers: 8, groupSize: 2, looks: [] });
    answer(child!, 8, 10);
    child!.say({ type: 'job-end', status: 'done', rows: 16, tokens: 32, seconds: 1 });
    child!.exit();
    await settled();
    const job = sampledJobSchema.parse(jobs.status());
    expect(job).toMatchObject({
      status: 'done',
      done: 16,
      error: null,
      report: { complete: true, batches: 4 },
    });
    expect(job.report?.rows.map(({ id }) => id)).toEqual(['rloo', 'grpo']);
    expect(jobs.picture()).toContain('GRPO');
    expect(events.at(-1)).toEqual({ type: 'laboratory', job });
    jobs.start(experiment, options);
    children[1]!.kill();
    await settled();
  });

  it('shows what was measured before it was cancelled, where that suffices', async () => {
    for (const [answers, batches] of [
      [4, 2],
      [3, undefined],
    ] as const) {
      jobs.start(experiment, options);
      const child = children.at(-1)!;
      answer(child, answers, 10);
      expect(jobs.cancel()).toMatchObject({ status: 'stopping' });
      expect(child.commands.at(-1)).toEqual({ type: 'stop' });
      child.say({ type: 'job-end', status: 'stopped', rows: answers, tokens: 1, seconds: 1 });
      child.exit();
      await settled();
      expect(jobs.status()).toMatchObject({ status: 'cancelled', error: null });
      expect(jobs.status()?.report?.batches).toBe(batches);
      if (batches !== undefined) expect(jobs.status()?.report?.complete).toBe(false);
    }
  });

  it('ends at once when it is cancelled twice', async () => {
    jobs.start(experiment, options);
    jobs.cancel();
    expect(children[0]!.killed).toBe(false);
    jobs.cancel();
    expect(children[0]!.killed).toBe(true);
    await settled();
    expect(jobs.status()).toMatchObject({ status: 'cancelled', report: null });
  });

  it('says why it failed: a crash, no signal', async () => {
    jobs.start(experiment, options);
    children[0]!.exit(1);
    await settled();
    expect(jobs.status()).toMatchObject({ status: 'failed', error: { code: 'trainer-crashed' } });
    jobs.start(experiment, options);
    answer(children[1]!, 8, 10, () => 1);
    children[1]!.say({ type: 'job-end', status: 'done', rows: 16, tokens: 32, seconds: 1 });
    children[1]!.exit();
    await settled();
    expect(jobs.status()).toMatchObject({ status: 'failed', error: { kind: 'user', code: 'no-signal' } });
  });

  it('tries out how long it takes, once, and gives way to the measurement itself', async () => {
    const large = { ...options, questions: 10, answers: 100 };
    const asked = jobs.estimate(experiment, large);
    now += 3_000;
    // Two questions with six answers each: the first answer after 3 s, then one each 20 ms.
    answer(children[0]!, 6, 20);
    children[0]!.say({ type: 'job-end', status: 'done', rows: 12, tokens: 1, seconds: 1 });
    children[0]!.exit();
    expect(await asked).toBeCloseTo(3.02 + 1_000 * 0.02, 6);
    expect(await jobs.estimate(experiment, { ...large, answers: 200 })).toBeCloseTo(3.02 + 2_000 * 0.02, 6);
    expect(children).toHaveLength(1);
    const other = jobs.estimate({ ...experiment, name: 'Other' }, large);
    jobs.start(experiment, options);
    await expect(other).rejects.toMatchObject({ kind: 'cancelled' });
    await jobs.close();
    expect(children.at(-1)!.killed).toBe(true);
  });

  it('refuses what cannot be measured', () => {
    const { reward: _reward, ...silent } = experiment;
    expect(() => jobs.start(silent, options)).toThrow('learn from rewards');
    expect(() => jobs.start(experiment, { ...options, answers: 3 })).toThrow('fewer than two groups');
    expect(() => jobs.start(experiment, { ...options, methods: ['sft'] })).toThrow('None of these methods');
    expect(children).toHaveLength(0);
  });
});
