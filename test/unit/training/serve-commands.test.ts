import { describe, expect, it } from 'vitest';
import type { TrainerEvent } from '../../../src-main/contract/events.ts';
import { serveCommands } from '../../../src-main/training/serve-commands.ts';
import { userError } from '../../../src-main/contract/errors.ts';

const score = {
  type: 'score',
  model: { path: '/m', train: 'all', chat: 'auto', init: 'weights' },
  rows: [{ prompt: 'a', response: 'b' }],
  temperature: 1,
};

describe('serveCommands', () => {
  it('hands a parsed command to the work and tells it of a stop', async () => {
    const events: TrainerEvent[] = [];
    const seen: boolean[] = [];
    let go: () => void = () => {};
    const waiting = new Promise<void>((resolve) => (go = resolve));
    const server = serveCommands(
      (event) => events.push(event),
      async (command, { stopRequested }) => {
        expect(command).toEqual(score);
        seen.push(stopRequested());
        await waiting;
        seen.push(stopRequested());
      },
    );
    const work = server.receive(score);
    expect(await server.receive(score)).toBe('open');
    // A refusal is no end of the work.
    expect(events).toMatchObject([{ type: 'log', level: 'error' }]);
    expect(await server.receive({ type: 'stop' })).toBe('open');
    go();
    expect(await work).toBe('over');
    expect(seen).toEqual([false, true]);
    expect(events).toHaveLength(1);
  });

  it('answers what it cannot parse, and errors of the work, with their shape', async () => {
    const events: TrainerEvent[] = [];
    const server = serveCommands(
      (event) => events.push(event),
      async () => {
        throw userError('data-empty', 'There are no rows.', { where: 'x.jsonl', advice: 'Add some.' });
      },
    );
    await server.receive({ type: 'train', config: {} });
    expect(await server.receive('hello')).toBe('over');
    await server.receive(score);
    expect(events).toMatchObject([
      { type: 'failed', error: { code: 'bad-command' } },
      { type: 'failed', error: { code: 'bad-command' } },
      {
        type: 'failed',
        error: {
          kind: 'user',
          code: 'data-empty',
          message: 'There are no rows.',
          where: 'x.jsonl',
          advice: 'Add some.',
        },
        summary: null,
      },
    ]);
  });
});
