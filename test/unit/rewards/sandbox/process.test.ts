/** The sandbox as a real process: batches, endings that it does not survive, and what it may do. */
import { afterEach, describe, expect, it } from 'vitest';
import { rewardSchema } from '../../../../src-main/contract/reward.ts';
import { createGrader } from '../../../../src-main/rewards/grader.ts';
import { sandboxEnvironment } from '../../../../src-main/rewards/sandbox/child.ts';
import type { SandboxChild, SpawnSandbox } from '../../../../src-main/rewards/sandbox/child.ts';
import { SandboxClient } from '../../../../src-main/rewards/sandbox/client.ts';
import { checkSandboxed, sandboxGraders } from '../../../../src-main/rewards/sandbox/graders.ts';
import { unavailableKind } from '../../../../src-main/rewards/unavailable-kind.ts';
import { spawnSandbox } from '../../../helpers/spawn-sandbox.ts';
import { answerItem, component } from '../reward-item.ts';

const open: SandboxClient[] = [];
afterEach(() => {
  for (const client of open.splice(0)) client.close();
});

/** A client with its processes, in the order of their start. */
function sandbox(
  spawn: SpawnSandbox = spawnSandbox,
  grace = 60_000,
): { client: SandboxClient; started: SandboxChild[] } {
  const started: SandboxChild[] = [];
  const client = new SandboxClient(
    () => {
      const child = spawn();
      started.push(child);
      return child;
    },
    7,
    { start: 60_000, grace },
  );
  open.push(client);
  return { client, started };
}

/** Cannot be interrupted: one call of the engine that takes minutes. */
const stuck = '[1].concat(new Array(4e9)).indexOf(7)';

describe('the process', () => {
  it('grades batches of every kind in order', async () => {
    const { client, started } = sandbox();
    const reward = rewardSchema.parse({
      components: [
        { kind: 'regex', pattern: '^\\d+$' },
        { kind: 'json-schema', schema: { type: 'number', minimum: 100 } },
        { kind: 'function', code: 'function reward({ response }) { return Number(response) }' },
        { kind: 'code', before: 'function f() { return {response} }' },
        { kind: 'exact' },
      ],
    });
    const nowhere = {
      'reward-model': unavailableKind('reward-model', ''),
      judge: unavailableKind('judge', ''),
    };
    const grader = createGrader(reward, { ...sandboxGraders(client), ...nowhere });
    await checkSandboxed(reward, client);
    const items = Array.from({ length: 300 }, (_, i) =>
      answerItem({
        response: String(i),
        reference: '7',
        row: { response: i, entry_point: 'f', tests: [{ args: [], expected: 5 }] },
      }),
    );
    // The answer itself is put behind the program that its row makes; as a statement it does nothing.
    const scores = await grader.grade(items);
    const column = (place: number) => scores.map(({ components }) => components[place]?.value);
    expect(column(0)).toEqual(items.map(() => 1));
    expect(column(1)).toEqual(items.map((_, i) => (i >= 100 ? 1 : 0)));
    expect(column(2)).toEqual(items.map((_, i) => i));
    expect(column(3)).toEqual(items.map((_, i) => (i === 5 ? 1 : 0)));
    expect(column(4)).toEqual(items.map((_, i) => (i === 7 ? 1 : 0)));
    expect(started).toHaveLength(1);
  });

  it('is ended when it cannot be interrupted; that answer is not gradable and all others are graded', async () => {
    const { client, started } = sandbox(spawnSandbox, 500);
    const code = `function reward({ response }) { return response === 'stuck' ? ${stuck} : response.length }`;
    const made = component('function', { code, timeout: 50 });
    const items = ['a', 'bb', 'stuck', 'ccc', 'dddd'].map((response) => answerItem({ response }));
    const outcomes = await client.grade(made, items);
    expect(outcomes.map(({ value }) => value)).toEqual([1, 2, null, 3, 4]);
    expect(outcomes[2]?.reason).toBe('grading this answer took too long and could not be interrupted');
    // One for the batch, one for the answer alone, one for the rest.
    expect(started).toHaveLength(3);
  });

  it('calls a program that cannot be interrupted wrong', async () => {
    const { client } = sandbox(spawnSandbox, 500);
    const row = { entry_point: 'f', tests: [{ args: [], expected: 1 }] };
    const [outcome] = await client.grade(component('code', { timeout: 0.05 }), [
      answerItem({ response: `const f = () => ${stuck}`, row }),
    ]);
    expect(outcome).toMatchObject({ value: 0, reason: 'the code took too long (more than 0.05 s)' });
  });

  it('is started again after a crash', async () => {
    const { client, started } = sandbox();
    const made = component('regex', { pattern: 'a' });
    expect((await client.grade(made, [answerItem({ response: 'a' })]))[0]?.value).toBe(1);
    started[0]?.kill();
    expect((await client.grade(made, [answerItem({ response: 'b' })]))[0]?.value).toBe(0);
    expect(started).toHaveLength(2);
  });

  it('says before anything is graded what is wrong, and where', async () => {
    const { client } = sandbox();
    const reward = rewardSchema.parse({
      components: [{ kind: 'exact' }, { kind: 'function', code: 'function reward( {' }],
    });
    await expect(checkSandboxed(reward, client)).rejects.toMatchObject({
      kind: 'user',
      code: 'reward-invalid',
      where: 'reward.components.1.code, line 1, column 19',
    });
    await expect(
      client.prepare(component('regex', { pattern: '[' }), 'reward.components.0'),
    ).rejects.toMatchObject({ where: 'reward.components.0.pattern' });
  });

  it('keeps its memory bounded over many bombs', async () => {
    const { client, started } = sandbox();
    const code = 'function reward() { const all = []; for (;;) all.push(new Array(1e5).fill(1)) }';
    const outcomes = await client.grade(
      component('function', { code, timeout: 5000 }),
      Array.from({ length: 50 }, () => answerItem({})),
    );
    expect(new Set(outcomes.map(({ reason }) => reason))).toEqual(
      new Set(['line 1: InternalError: out of memory']),
    );
    expect(started).toHaveLength(1);
  });

  it('gets neither keys nor paths, and one time zone', () => {
    const own = { API_KEY: 'secret', HOME: '/home/x', SystemRoot: 'C:\\Windows', TZ: 'Asia/Tokyo' };
    expect(sandboxEnvironment(own)).toEqual({ SystemRoot: 'C:\\Windows', TZ: 'UTC' });
  });
});

/** A process that is not there: what it is sent is answered by `reply`. */
function pretended(reply: (request: { id: number; type: string }) => unknown): SpawnSandbox {
  return () => {
    let listener: (message: unknown) => void = () => {};
    let exit: (words: string) => void = () => {};
    return {
      send: (message) =>
        queueMicrotask(() => {
          const answer = reply(message as { id: number; type: string });
          if (answer === 'exit') exit('its last words');
          else if (answer !== undefined) listener(answer);
        }),
      kill: () => exit(''),
      onMessage: (given) => {
        listener = given;
      },
      onExit: (given) => {
        exit = given;
      },
    };
  };
}

describe('the client', () => {
  const made = component('regex', { pattern: 'a' });
  const prepared = ({ id, type }: { id: number; type: string }) =>
    type === 'prepare' ? { type: 'prepared', id, problem: null } : undefined;

  it('reports a process that cannot start', async () => {
    const { client } = sandbox(pretended(() => 'exit'));
    await expect(client.grade(made, [answerItem({})])).rejects.toMatchObject({
      kind: 'environment',
      code: 'sandbox-failed',
      message: expect.stringContaining('its last words') as string,
    });
  });

  it('does not believe what is not in the form of a reply', async () => {
    const { client } = sandbox(
      pretended(
        (request) => prepared(request) ?? { type: 'graded', id: request.id, outcomes: [{ value: 'a lot' }] },
      ),
    );
    const [outcome] = await client.grade(made, [answerItem({})]);
    expect(outcome).toMatchObject({
      value: null,
      reason: 'the sandbox ended by itself while it graded this answer',
    });
  });

  it('gives up after many ends in one call, and says so', async () => {
    const { client, started } = sandbox(pretended((request) => prepared(request) ?? 'exit'));
    const outcomes = await client.grade(
      made,
      Array.from({ length: 30 }, () => answerItem({})),
    );
    expect(outcomes).toHaveLength(30);
    expect(outcomes.every(({ value }) => value === null)).toBe(true);
    expect(outcomes[29]?.reason).toBe('not tried: 20 answers before it ended the sandbox');
    expect(started.length).toBeLessThan(25);
  });

  it('takes partial replies and asks for the rest', async () => {
    const asked: number[] = [];
    const { client } = sandbox(
      pretended((request) => {
        const ready = prepared(request);
        if (ready !== undefined) return ready;
        asked.push(request.id);
        return { type: 'graded', id: request.id, outcomes: [{ value: asked.length, reason: '', lines: [] }] };
      }),
    );
    const outcomes = await client.grade(made, [answerItem({}), answerItem({}), answerItem({})]);
    expect(outcomes.map(({ value }) => value)).toEqual([1, 2, 3]);
  });

  it('stops when it is closed', async () => {
    const { client } = sandbox(pretended((request) => prepared(request)));
    const grading = client.grade(made, [answerItem({})]);
    setTimeout(() => client.close(), 0);
    await expect(grading).rejects.toMatchObject({ kind: 'cancelled' });
  });
});
