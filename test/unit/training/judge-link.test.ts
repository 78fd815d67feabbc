import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EspalierError } from '../../../src-main/contract/errors.ts';
import { trainerEventSchema, type TrainerEvent } from '../../../src-main/contract/events.ts';
import { createGrader } from '../../../src-main/rewards/grader.ts';
import { rewardSchema } from '../../../src-main/contract/reward.ts';
import {
  createJudgeLink,
  judgeMetricDefinitions,
  judgeMetrics,
} from '../../../src-main/training/judge-link.ts';
import { spawnSandbox } from '../../helpers/spawn-sandbox.ts';
import { externalGraders } from '../../../src-main/training/reward-graders.ts';
import { serveCommands } from '../../../src-main/training/serve-commands.ts';
import { judgeOf } from '../../helpers/judge-server.ts';
import { eventsOf, makeRun, temporaryFolder } from './loop-parts.ts';
import { trainLoop } from '../../../src-main/training/train-loop.ts';

const component = judgeOf('http://127.0.0.1:1/v1', { rubric: 'Is it in {style.tone}?' });
const item = {
  prompt: 'q',
  response: 'a',
  reference: 'r',
  row: { style: { tone: 'plain' }, secret: 'not told' },
};
const reply = (id: number, ...values: number[]) => ({
  type: 'judge-reply' as const,
  id,
  result: {
    outcomes: values.map((value) => ({ value, reason: 'said' })),
    counts: { questions: 1, requests: 1 },
  },
});

describe('the line to the judges of the host', () => {
  it('asks with the columns of the rubric alone, and hands out replies in any order', async () => {
    const events: TrainerEvent[] = [];
    const link = createJudgeLink((event) => events.push(event));
    const first = link.ask(component, [item]);
    const second = link.ask(component, [item, item]);
    const [request] = eventsOf(events, 'judge-request');
    expect(trainerEventSchema.parse(request)).toEqual(request);
    expect(request?.items[0]?.row).toEqual({ 'style.tone': 'plain' });
    link.receive(reply(1, 0.5, 0.25));
    link.receive(reply(0, 1));
    expect((await first).map(({ value }) => value)).toEqual([1]);
    expect((await second).map(({ value }) => value)).toEqual([0.5, 0.25]);
    expect(link.takeCounts()).toEqual({ questions: 2, requests: 2 });
    expect(judgeMetrics(link.takeCounts())).toEqual({});
  });

  it('throws what the host says, and gives up at a stop', async () => {
    const link = createJudgeLink(() => {});
    const asked = link.ask(component, [item]);
    link.receive({
      type: 'judge-reply',
      id: 0,
      result: { error: { kind: 'user', code: 'judge-budget', message: 'used up', advice: 'Go on.' } },
    });
    await expect(asked).rejects.toMatchObject({ kind: 'user', code: 'judge-budget', advice: 'Go on.' });
    const waiting = link.ask(component, [item]);
    link.stop();
    await expect(waiting).rejects.toMatchObject({ kind: 'cancelled' });
    await expect(link.ask(component, [item])).rejects.toMatchObject({ kind: 'cancelled' });
    // A reply that was under way meanwhile does no harm.
    link.receive(reply(1, 1));
  });

  it('gets replies while a command is at work', async () => {
    const events: TrainerEvent[] = [];
    const scores: unknown[] = [];
    const server = serveCommands(
      (event) => events.push(event),
      async (_command, { judge }) => {
        const reward = rewardSchema.parse({ components: [component] });
        const graded = createGrader(
          reward,
          externalGraders({ judge, spawnSandbox, availableMemory: () => 4e9 }, 0).external,
        ).grade([{ ...item, finish: 'stop', tokens: null, maxTokens: null }]);
        scores.push(...(await graded));
      },
    );
    const work = server.receive({
      type: 'score',
      model: { path: '/m', train: 'all', chat: 'auto', init: 'weights' },
      rows: [{ prompt: 'a', response: 'b' }],
      temperature: 1,
    });
    await Promise.resolve();
    expect(await server.receive(reply(0, 0.75))).toBe('open');
    await work;
    expect(scores).toMatchObject([{ total: 0.75, components: [{ name: 'judge', reason: 'said' }] }]);
  });

  it('makes metrics of what it counted, defined as in docs/metrics.md', () => {
    const counts = {
      requests: 6,
      questions: 8,
      cached: 2,
      unreadable: 1,
      compared: 4,
      alwaysFirst: 1,
      alwaysSecond: 1,
    };
    expect(judgeMetrics(counts)).toEqual({
      judgeRequests: 6,
      judgeCachedShare: 0.25,
      judgeUnreadableShare: 0.125,
      judgePlaceShare: 0.5,
      judgeFirstShare: 0.5,
    });
    const text = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8').replace(
      / +/g,
      ' ',
    );
    for (const [name, meaning] of Object.entries(judgeMetricDefinitions))
      expect(text).toContain(`| \`${name}\` | ${meaning} |`);
  });
});

describe('a run whose judge fails', () => {
  const failing = (after: number, error: () => Error) => {
    const run = makeRun({ budget: { steps: 6, checkpointEvery: 100, evaluateEvery: 100 }, evaluation: [] });
    const grade = run.parts.grade!;
    let calls = 0;
    return {
      ...run,
      parts: {
        ...run.parts,
        grade: (async (split, answers) => {
          if (++calls > after) throw error();
          return grade(split, answers);
        }) as typeof grade,
      },
    };
  };

  it('ends with a checkpoint of the last finished step', async () => {
    const run = failing(3, () => new EspalierError('environment', 'judge-unavailable', 'gone'));
    expect(await trainLoop(run.parts, temporaryFolder(), null)).toBe('failed');
    expect(eventsOf(run.events, 'checkpoint').map(({ step }) => step)).toEqual([3]);
    expect(eventsOf(run.events, 'failed')[0]?.error.code).toBe('judge-unavailable');
  });

  it('stops in the middle of a step, which is done again with the same outcome', async () => {
    const whole = makeRun({ budget: { steps: 6, checkpointEvery: 100, evaluateEvery: 100 }, evaluation: [] });
    await trainLoop(whole.parts, temporaryFolder(), null);
    const folder = temporaryFolder();
    const run = failing(3, () => {
      run.control.stop = true;
      return new EspalierError('cancelled', 'stopped', 'Stopped.');
    });
    expect(await trainLoop(run.parts, folder, null)).toBe('stopped');
    const saved = eventsOf(run.events, 'checkpoint').at(-1)!;
    expect(saved.step).toBe(3);
    const rest = makeRun({ budget: { steps: 6, checkpointEvery: 100, evaluateEvery: 100 }, evaluation: [] });
    expect(await trainLoop(rest.parts, folder, saved.path)).toBe('done');
    const texts = (events: readonly TrainerEvent[]) =>
      eventsOf(events, 'samples').flatMap(({ step, samples }) =>
        samples.map(({ text }) => `${step} ${text}`),
      );
    expect([...texts(run.events), ...texts(rest.events)]).toEqual(texts(whole.events));
  });
});
