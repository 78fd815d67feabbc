import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { trainerEventSchema } from '../../../src-main/contract/events.ts';
import { findCheckpoint } from '../../../src-main/training/checkpoint.ts';
import { readLoopState } from '../../../src-main/training/loop-state.ts';
import { trainLoop } from '../../../src-main/training/train-loop.ts';
import { eventsOf, exactReward, makeRun, temporaryFolder } from './loop-parts.ts';
import type { Changes, TestRun } from './loop-parts.ts';
import { TabularPolicy } from './tabular-policy.ts';

const root = temporaryFolder();
afterAll(() => rm(root, { recursive: true, force: true }));
let folders = 0;
async function newFolder(): Promise<string> {
  const folder = join(root, String(folders++));
  await mkdir(folder);
  return folder;
}

async function train(changes: Changes = {}, policy?: TabularPolicy): Promise<TestRun & { folder: string }> {
  const run = makeRun(changes, policy);
  const folder = await newFolder();
  await trainLoop(run.parts, folder, null);
  return { ...run, folder };
}

function summaryOf(run: TestRun) {
  const last = run.events.at(-1);
  if (last?.type !== 'end') throw new Error(`the run ended with ${JSON.stringify(last)}`);
  return last.summary;
}

/** Events without what a clock or a folder decides. */
function comparable(run: TestRun, fromStep = 0): unknown[] {
  return run.events.flatMap((event): unknown[] => {
    if (event.type === 'samples' && event.step > fromStep) return [event];
    if (event.type === 'evaluation' && event.step > fromStep) return [{ ...event, seconds: 0 }];
    if (event.type !== 'step' || event.step <= fromStep) return [];
    return [
      {
        ...event,
        metrics: Object.fromEntries(Object.entries(event.metrics).filter(([name]) => !/econd/.test(name))),
      },
    ];
  });
}

describe('learning', () => {
  const methods: [string, Record<string, unknown>][] = [
    ['REINFORCE with moving average', { estimator: 'reinforce', groupSize: 4 }],
    ['REINFORCE without baseline', { estimator: 'reinforce', groupSize: 4, baseline: 'none' }],
    ['RLOO', { estimator: 'rloo' }],
    ['GRPO', { estimator: 'grpo' }],
    ['Dr. GRPO', { estimator: 'dr-grpo' }],
    ['ReMax', { estimator: 'remax', groupSize: 2 }],
    [
      'GRPO, two epochs of two minibatches',
      { estimator: 'grpo', epochs: 2, minibatches: 2, learningRate: 0.05 },
    ],
  ];
  it.each(methods)('%s raises the reward from checked answers', async (_name, method) => {
    const run = await train({
      method: { ...method, groupSize: method['groupSize'] ?? 8 },
      budget: { steps: 60 },
    });
    const summary = summaryOf(run);
    expect(summary.before).toBeLessThan(0.5);
    expect(summary.after).toBe(1);
    expect(summary.steps).toBe(60);
    const steps = eventsOf(run.events, 'step');
    expect(steps.at(-1)!.metrics['rewardMean']).toBeGreaterThan(2 * steps[0]!.metrics['rewardMean']!);
  });

  it('SFT learns the answers of the data set, with and without a reward to evaluate by', async () => {
    const method = { estimator: 'sft', groupSize: undefined };
    const graded = await train({ method });
    expect(summaryOf(graded)).toMatchObject({ after: 1, answers: 0 });
    const losses = eventsOf(graded.events, 'step').map((event) => event.metrics['loss']!);
    expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
    const ungraded = await train({ method, reward: null });
    const scores = eventsOf(ungraded.events, 'evaluation').map((event) => event.score);
    expect(scores).toEqual([...scores].sort((a, b) => a - b));
    expect(scores[0]).toBeLessThan(-1);
    expect(scores.at(-1)).toBeGreaterThan(-0.5);
    expect(eventsOf(ungraded.events, 'samples')).toEqual([]);
  });

  it.each([
    ['k1 in the reward', { where: 'reward', estimator: 'k1', coefficient: 1 }],
    ['k2 in the loss', { where: 'loss', estimator: 'k2', coefficient: 1 }],
    ['k3 in the loss', { where: 'loss', estimator: 'k3', coefficient: 1 }],
  ])('%s keeps the policy closer to where it began', async (_name, kl) => {
    const start = new TabularPolicy({ prompts: 6, vocabulary: 5 });
    const free = await train({ method: { estimator: 'dr-grpo' } });
    const held = await train({ method: { estimator: 'dr-grpo', kl } });
    expect(held.policy.divergence(start)).toBeLessThan(0.5 * free.policy.divergence(start));
    expect(eventsOf(held.events, 'step').at(-1)!.metrics['klMean']).toBeGreaterThan(0);
    expect(eventsOf(held.events, 'samples').at(-2)!.samples[0]!.referenceLogprobs).toBeInstanceOf(
      Float32Array,
    );
  });
});

describe('events', () => {
  it('can all be parsed by the contract, and store every answer once with what was computed of it', async () => {
    const run = await train({ budget: { steps: 4, evaluateEvery: 2 } });
    for (const event of run.events) trainerEventSchema.parse(event);
    expect(run.events[0]!.type).toBe('ready');
    expect(eventsOf(run.events, 'evaluation').map((event) => event.step)).toEqual([0, 2, 4]);
    const samples = eventsOf(run.events, 'samples');
    for (const { step, samples: list } of samples.filter(
      ({ samples: [first] }) => first!.split === 'train',
    )) {
      expect(new Set(list.map((sample) => `${sample.promptIndex} ${sample.sampleIndex}`)).size).toBe(6 * 8);
      for (const sample of list) {
        expect(sample.advantages).toHaveLength(sample.ids.length);
        if (step === 1) expect(sample.logprobs).toHaveLength(sample.ids.length);
        if (sample.logprobs)
          expect(Math.abs(sample.logprobs[0]! - sample.samplerLogprobs[0]!)).toBeLessThan(1e-6);
      }
    }
    expect(samples.filter(({ samples: [first] }) => first!.split === 'evaluation')).toHaveLength(3);
    const { metrics } = eventsOf(run.events, 'step')[0]!;
    expect(metrics).toMatchObject({
      learningRate: 0.1,
      memoryResident: 1000,
      ungradableShare: 0,
      updates: 1,
    });
    expect(metrics['reward.exact']).toBe(metrics['rewardMean']);
    expect(
      metrics['secondsGenerate']! + metrics['secondsReward']! + metrics['secondsLearn']!,
    ).toBeLessThanOrEqual(metrics['secondsStep']!);
  });

  it('score the answers before learning only while the sampler may differ', async () => {
    const exact = await train({ budget: { steps: 10 } });
    expect(exact.policy.scorePasses).toBe(1);
    expect(eventsOf(exact.events, 'step').at(-1)!.metrics['samplerLogpGapMax']).toBeLessThan(1e-6);
    const policy = new TabularPolicy({ prompts: 6, vocabulary: 5 });
    policy.samplerNoise = policy.table.map((_, place) => 0.1 * Math.sin(place));
    const inexact = await train({ budget: { steps: 10 } }, policy);
    expect(policy.scorePasses).toBe(10);
    const { metrics } = eventsOf(inexact.events, 'step').at(-1)!;
    expect(metrics['samplerLogpGapMax']).toBeGreaterThan(0.01);
    expect(metrics['samplerWeightMean']).not.toBe(1);
  });
});

describe('reproducibility', () => {
  it('gives the same run twice, and another with another seed', async () => {
    const [first, second] = [await train(), await train()];
    expect(comparable(first)).toEqual(comparable(second));
    expect(first.policy.table).toEqual(second.policy.table);
    const other = makeRun();
    await trainLoop({ ...other.parts, config: { ...other.parts.config, seed: 2 } }, await newFolder(), null);
    expect(other.policy.table).not.toEqual(first.policy.table);
  });

  const kinds: [string, Record<string, unknown>][] = [
    ['moving average', { estimator: 'reinforce', groupSize: 4, schedule: 'cosine', warmupSteps: 5 }],
    [
      'reference and several updates',
      {
        estimator: 'grpo',
        epochs: 2,
        minibatches: 3,
        kl: { where: 'loss', estimator: 'k2', coefficient: 0.1 },
      },
    ],
  ];
  it.each(kinds)('a run stopped and resumed equals an uninterrupted one (%s)', async (_name, method) => {
    const whole = await train({ method });
    const folder = await newFolder();
    const halves = makeRun({ method });
    halves.control.onEvent = (event) => {
      if (event.type === 'step' && event.step === 17) halves.control.stop = true;
    };
    expect(await trainLoop(halves.parts, folder, null)).toBe('stopped');
    expect(summaryOf(halves).steps).toBe(17);
    const saved = await findCheckpoint(folder, 'last');
    const rest = makeRun({ method }, new TabularPolicy({ prompts: 6, vocabulary: 5 }));
    expect(await trainLoop(rest.parts, folder, saved)).toBe('done');
    expect(eventsOf(rest.events, 'ready')[0]!.fromStep).toBe(17);
    expect(rest.policy.table).toEqual(whole.policy.table);
    expect(comparable(rest, 17)).toEqual(comparable(whole, 17));
    expect(await finalFiles(folder)).toEqual(await finalFiles(whole.folder));
    const { seconds: _a, generatedTokensPerSecond: _b, ...summary } = summaryOf(rest);
    expect(summaryOf(whole)).toMatchObject(summary);
  });

  it('warns once of what ails it, stopped and resumed or not', async () => {
    const budget = { maxTokens: 1, steps: 24 };
    const told = (run: TestRun): string[] =>
      eventsOf(run.events, 'log').flatMap(({ message }) => (message.startsWith('Steps ') ? [message] : []));
    const whole = told(await train({ budget }));
    expect(whole[0]).toMatch(/^Steps 1 to 10: .* cut off/);
    const folder = await newFolder();
    const parts: string[][] = [];
    for (const stopAt of [6, 14, Infinity]) {
      const run = makeRun({ budget });
      run.control.onEvent = (event) => {
        if (event.type === 'step' && event.step === stopAt) run.control.stop = true;
      };
      await trainLoop(run.parts, folder, await findCheckpoint(folder, 'last'));
      parts.push(told(run));
    }
    expect(parts[0]).toEqual([]);
    expect(parts.flat()).toEqual(whole);
  });

  it('a killed run goes on from its newest checkpoint and equals an uninterrupted one', async () => {
    const whole = await train();
    const folder = await newFolder();
    const killed = makeRun();
    killed.control.onEvent = (event) => {
      if (event.type === 'step' && event.step === 24) throw new Error('killed');
    };
    expect(await trainLoop(killed.parts, folder, null)).toBe('failed');
    // Files that a killed process leaves behind.
    await mkdir(join(folder, 'checkpoints', '.unfinished-last-00000030'));
    await writeFile(join(folder, 'checkpoints', '.unfinished-last-00000030', 'tables.json'), '{"tab');
    const rest = makeRun();
    const recorded = join(folder, 'checkpoints', 'last-00000010');
    expect(await trainLoop(rest.parts, folder, recorded)).toBe('done');
    expect(eventsOf(rest.events, 'ready')[0]!.fromStep).toBe(20);
    expect(rest.policy.table).toEqual(whole.policy.table);
    expect((await readdir(join(folder, 'checkpoints'))).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(await finalFiles(folder)).toEqual(await finalFiles(whole.folder));
  });

  it('a stop during an evaluation leaves it to the resumed run', async () => {
    const folder = await newFolder();
    const run = makeRun();
    run.control.onEvent = (event) => {
      if (event.type === 'phase' && event.phase === 'evaluating') run.control.stop = true;
    };
    const sampler = {
      ...run.parts.sampler,
      generate: async (...call: Parameters<typeof run.policy.generate>) => {
        if (call[1].onProgress?.(0, 0) === false) {
          const { EspalierError } = await import('../../../src-main/contract/errors.ts');
          throw new EspalierError('cancelled', 'cancelled', 'stopped');
        }
        return run.policy.generate(...call);
      },
      dispose: () => run.policy.dispose(),
    };
    expect(await trainLoop({ ...run.parts, sampler }, folder, null)).toBe('stopped');
    expect(eventsOf(run.events, 'evaluation')).toEqual([]);
    const rest = makeRun({ budget: { steps: 40 } });
    expect(await trainLoop(rest.parts, folder, await findCheckpoint(folder, 'last'))).toBe('done');
    expect(rest.policy.table).toEqual((await train()).policy.table);
    expect(eventsOf(rest.events, 'evaluation')[0]!.step).toBe(0);
  });

  it('refuses to go on with other settings, another model or a damaged checkpoint', async () => {
    const run = await train({ budget: { steps: 5 } });
    const saved = (await findCheckpoint(run.folder, 'last'))!;
    const other = makeRun({ budget: { steps: 5 }, method: { learningRate: 0.2 } });
    expect(await trainLoop(other.parts, run.folder, saved)).toBe('failed');
    expect(other.events).toMatchObject([
      {
        type: 'failed',
        error: { kind: 'user', code: 'resume-mismatch', message: expect.stringContaining('settings') },
      },
    ]);
    const model = makeRun({ budget: { steps: 5 } });
    await trainLoop(
      { ...model.parts, identity: { ...model.parts.identity, model: 'other' } },
      run.folder,
      saved,
    );
    expect(model.events).toMatchObject([
      { type: 'failed', error: { message: expect.stringContaining('starting model') } },
    ]);
    await writeFile(join(saved, 'loop.json'), '{"version":1');
    const damaged = makeRun({ budget: { steps: 5 } });
    await trainLoop(damaged.parts, run.folder, saved);
    expect(damaged.events).toMatchObject([{ type: 'failed', error: { code: 'checkpoint-broken' } }]);
    const gone = makeRun({ budget: { steps: 5 } });
    await trainLoop(gone.parts, await newFolder(), join(root, 'no', 'checkpoints', 'last-00000001'));
    expect(gone.events).toMatchObject([{ type: 'failed', error: { code: 'checkpoint-missing' } }]);
  });
});

/** Weights, optimizer and loop state (without times) of both checkpoints. */
async function finalFiles(folder: string): Promise<unknown> {
  const roles = ['last', 'best'] as const;
  return Promise.all(
    roles.map(async (role) => {
      const path = (await findCheckpoint(folder, role))!;
      const { seconds: _seconds, generateSeconds: _generate, ...state } = await readLoopState(path);
      return { tables: await readFile(join(path, 'tables.json'), 'utf8'), state };
    }),
  );
}

describe('what goes wrong', () => {
  function leftOut(run: TestRun) {
    return eventsOf(run.events, 'log').filter(({ message }) => message.includes('not a finite number'));
  }

  /** Rewards that overflow single precision, from one call on, for so many calls. */
  function overflowing(from: number, count: number): Changes['reward'] {
    let calls = 0;
    return (split, prompt, text) => {
      if (split === 'evaluation') return exactReward(split, prompt, text);
      calls++;
      if (calls <= from || calls > from + count) return exactReward(split, prompt, text);
      const total = calls % 2 === 0 ? 1e300 : 0;
      return { total, components: [{ name: 'exact', value: total, reason: 'huge' }] };
    };
  }

  it('leaves out an update that is not finite, says so and goes on', async () => {
    const run = await train({ reward: overflowing(48 * 4, 48), budget: { steps: 60 } });
    expect(summaryOf(run).after).toBe(1);
    const bad = eventsOf(run.events, 'step').find((event) => event.step === 5)!;
    expect(bad.metrics['updatesLeftOut']).toBe(1);
    for (const value of Object.values(bad.metrics)) expect(value).toBeTypeOf('number');
    expect(leftOut(run)).toMatchObject([{ level: 'warning', message: expect.stringContaining('Step 5') }]);
    for (const event of run.events) trainerEventSchema.parse(event);
  });

  it('ends after three such steps in a row with the last good checkpoint and untouched weights', async () => {
    const run = await train({ reward: overflowing(48 * 12, Infinity) });
    const last = run.events.at(-1)!;
    expect(last).toMatchObject({
      type: 'failed',
      error: { kind: 'user', code: 'training-diverged', advice: expect.stringContaining('step 10') },
      summary: { steps: 15 },
    });
    expect(leftOut(run)).toHaveLength(3);
    const good = await train({ budget: { steps: 12 } });
    expect(run.policy.table).toEqual(good.policy.table);
    expect(await findCheckpoint(run.folder, 'last')).toContain('last-00000010');
  });

  it('stops when too many answers cannot be graded, keeps them, and goes on once the grader works', async () => {
    let broken = true;
    let calls = 0;
    const reward: Changes['reward'] = (split, prompt, text) => {
      if (split === 'train') calls++;
      if (split === 'evaluation' || !broken || calls <= 48 * 7 || calls % 4 !== 0)
        return exactReward(split, prompt, text);
      return { total: null, components: [{ name: 'exact', value: null, reason: 'no reference' }] };
    };
    const folder = await newFolder();
    const run = makeRun({ reward });
    expect(await trainLoop(run.parts, folder, null)).toBe('failed');
    expect(run.events.at(-1)).toMatchObject({
      type: 'failed',
      error: { kind: 'user', code: 'not-gradable', message: expect.stringContaining('12 of 48') },
    });
    expect(eventsOf(run.events, 'samples').at(-1)).toMatchObject({ step: 8 });
    broken = false;
    const rest = makeRun({ reward });
    expect(await trainLoop(rest.parts, folder, await findCheckpoint(folder, 'last'))).toBe('done');
    expect(eventsOf(rest.events, 'ready')[0]!.fromStep).toBe(7);
    expect(rest.policy.table).toEqual((await train()).policy.table);
  });

  it('leaves single answers that cannot be graded out of gradient and divisors', async () => {
    let calls = 0;
    const run = await train({
      budget: { steps: 60 },
      reward: (split, prompt, text) =>
        split === 'train' && ++calls % 20 === 0
          ? { total: null, components: [{ name: 'exact', value: null, reason: 'time-out' }] }
          : exactReward(split, prompt, text),
    });
    expect(summaryOf(run).after).toBe(1);
    expect(eventsOf(run.events, 'step')[0]!.metrics['ungradableShare']).toBeCloseTo(2 / 48, 6);
  });

  it('reports an error of the engine with what was reached', async () => {
    const run = makeRun();
    const learner = { ...run.parts.learner };
    const failing = Object.assign(Object.create(run.policy) as TabularPolicy, learner, {
      accumulate: () => Promise.reject(new Error('no memory left')),
    });
    expect(await trainLoop({ ...run.parts, learner: failing }, await newFolder(), null)).toBe('failed');
    expect(run.events.at(-1)).toMatchObject({
      type: 'failed',
      error: { kind: 'bug', message: 'internal: no memory left' },
      summary: { steps: 0 },
    });
  });
});
