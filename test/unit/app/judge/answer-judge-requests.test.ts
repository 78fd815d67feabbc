import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Dialects } from '../../../../src-main/app/judge/ask-chat.ts';
import { answerJudgeRequests } from '../../../../src-main/app/judge/answer-judge-requests.ts';
import { JudgeSession } from '../../../../src-main/app/judge/judge-session.ts';
import {
  trainerCommandSchema,
  type TrainerCommand,
  type TrainerEvent,
} from '../../../../src-main/contract/events.ts';
import {
  judgeOf,
  says,
  startJudgeServer,
  testClock,
  type JudgeServer,
} from '../../../helpers/judge-server.ts';

let server: JudgeServer;
beforeEach(async () => {
  server = await startJudgeServer();
});
afterEach(() => server.down().catch(() => undefined));

function desk(session: JudgeSession | null) {
  const events: TrainerEvent[] = [];
  const { promise, resolve } = Promise.withResolvers<TrainerCommand>();
  let time = 0;
  const made = answerJudgeRequests(
    session,
    { reply: (reply) => resolve(trainerCommandSchema.parse(reply)), emit: (event) => events.push(event) },
    () => (time += 400),
  );
  return { ...made, events, reply: promise };
}
const clock = testClock(200);
const session = () =>
  new JudgeSession({
    fetch,
    clock,
    random: () => 0.5,
    cache: { get: () => undefined, put: () => {} },
    dialects: new Dialects(),
    key: () => undefined,
  });
const request = (): TrainerEvent => ({
  type: 'judge-request',
  id: 7,
  component: judgeOf(server.endpoint, { timeout: 0.2, concurrency: 1 }),
  items: ['a', 'b', 'c'].map((response) => ({ prompt: 'q', response, reference: '', row: {} })),
});

describe('requests of a trainer', () => {
  it('are answered, with progress, and the phase from before is told again', async () => {
    const { take, events, reply } = desk(session());
    expect(take({ type: 'phase', phase: 'training', detail: 'sampling answers', done: 1 })).toBe(false);
    expect(take(request())).toBe(true);
    expect(await reply).toMatchObject({
      type: 'judge-reply',
      id: 7,
      result: { outcomes: [{ value: 0.8 }, { value: 0.8 }, { value: 0.8 }], counts: { requests: 3 } },
    });
    expect(events[0]).toMatchObject({
      type: 'phase',
      phase: 'grading',
      detail: expect.stringContaining('of 3') as string,
    });
    expect(events.at(-1)).toEqual({ type: 'phase', phase: 'training' });
  });

  it('tell what is waited for, once as a warning and at each try as a phase', async () => {
    await server.down();
    clock.onPause = async () => {
      clock.onPause = () => {};
      await server.up();
    };
    const { take, events, reply } = desk(session());
    take(request());
    await reply;
    expect(events.filter(({ type }) => type === 'log')).toMatchObject([
      { level: 'warning' },
      { level: 'info' },
    ]);
    expect(events).toContainEqual({
      type: 'phase',
      phase: 'waiting',
      detail: `for the judge at ${server.endpoint} (connection refused), trying again in 1 s`,
    });
  });

  it('come back with the error where nothing can be judged', async () => {
    server.answer = () => ({ status: 404, body: '' });
    const refused = desk(session());
    refused.take(request());
    expect(await refused.reply).toMatchObject({ result: { error: { code: 'judge-refused', kind: 'user' } } });
    const nobody = desk(null);
    nobody.take(request());
    expect(await nobody.reply).toMatchObject({ result: { error: { kind: 'bug' } } });
  });

  it('are given up when the process is gone: nothing more is sent, asked or told', async () => {
    const asked = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    server.answer = async () => {
      asked.resolve();
      await go.promise;
      return says({ score: 1 });
    };
    const { take, end, events, reply } = desk(session());
    take(request());
    await asked.promise;
    end();
    go.resolve();
    const nothing = new Promise((resolve) => setTimeout(() => resolve('nothing'), 50));
    expect(await Promise.race([reply, nothing])).toBe('nothing');
    expect(server.seen).toHaveLength(1);
    expect(events).toEqual([]);
  });
});
