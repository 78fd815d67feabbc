import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainerEventSchema } from '../../../src-main/contract/events.ts';
import type { TrainerCommand, TrainerEvent } from '../../../src-main/contract/events.ts';
import { findCheckpoint } from '../../../src-main/training/checkpoint.ts';
import { modelFolder, newFolder, runConfig, writeQuestions } from './run-folder.ts';

const program = resolve('src-main/training/trainer-process.ts');
const model = { path: modelFolder, train: 'all', chat: 'auto', init: 'weights' } as const;
let root: string;
let data: string;
beforeAll(async () => {
  root = await newFolder();
  data = await writeQuestions(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Conversation {
  readonly child: ChildProcess;
  readonly events: TrainerEvent[];
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

function start(
  command: unknown,
  onEvent: (event: TrainerEvent, child: ChildProcess) => void = () => {},
): Conversation {
  const child = fork(program, [], {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const events: TrainerEvent[] = [];
  child.on('message', (message) => {
    const event = trainerEventSchema.parse(message);
    events.push(event);
    onEvent(event, child);
  });
  child.send(command as TrainerCommand);
  const ended = once(child, 'exit').then(([code, signal]: (number | string | null)[]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  return { child, events, ended };
}

async function weights(runDirectory: string): Promise<Buffer> {
  return readFile(join((await findCheckpoint(runDirectory, 'last'))!, 'model', 'model.safetensors'));
}

describe('the trainer program', () => {
  it('trains, survives being killed, is stopped, and comes to the same weights', async () => {
    const config = runConfig(data, { budget: { steps: 60, evaluateEvery: 30 } });
    const whole = join(root, 'whole');
    const run = start({ type: 'train', config, runDirectory: whole, resumeFrom: null });
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.events.at(-1)).toMatchObject({ type: 'end', status: 'done' });
    expect(run.events.filter((event) => event.type === 'step')).toHaveLength(60);

    const parts = join(root, 'parts');
    const killed = start({ type: 'train', config, runDirectory: parts, resumeFrom: null }, (event, child) => {
      if (event.type === 'step' && event.step === 5) child.kill('SIGKILL');
    });
    expect((await killed.ended).signal).toBe('SIGKILL');
    const stopped = start(
      { type: 'train', config, runDirectory: parts, resumeFrom: await findCheckpoint(parts, 'last') },
      (event, child) => {
        if (event.type === 'step' && event.step === 20) child.send({ type: 'stop' });
      },
    );
    expect(await stopped.ended).toEqual({ code: 0, signal: null });
    expect(stopped.events.at(-1)).toMatchObject({ type: 'end', status: 'stopped' });
    const rest = start({
      type: 'train',
      config,
      runDirectory: parts,
      resumeFrom: await findCheckpoint(parts, 'last'),
    });
    await rest.ended;
    expect(rest.events.at(-1)).toMatchObject({ type: 'end', status: 'done', summary: { steps: 60 } });
    expect((await weights(parts)).equals(await weights(whole))).toBe(true);
  });

  it('answers bad commands and bad configurations with an error, and ends', async () => {
    const unknown = start({ type: 'dance' });
    expect(await unknown.ended).toEqual({ code: 0, signal: null });
    expect(unknown.events).toMatchObject([
      { type: 'failed', error: { kind: 'bug', code: 'bad-command' }, summary: null },
    ]);
    const config = runConfig(data, { model: { path: join(root, 'nowhere') } });
    const missing = start({ type: 'train', config, runDirectory: join(root, 'missing'), resumeFrom: null });
    await missing.ended;
    expect(missing.events.at(-1)).toMatchObject({
      type: 'failed',
      error: { kind: 'user', code: 'model-not-found' },
      summary: null,
    });
  });

  it('ends when its host is gone', async () => {
    const config = runConfig(data, { budget: { steps: 100_000 } });
    const run = start(
      { type: 'train', config, runDirectory: join(root, 'orphan'), resumeFrom: null },
      (event, child) => {
        if (event.type === 'step' && event.step === 2) child.disconnect();
      },
    );
    expect((await run.ended).code).toBe(1);
  });

  it('generates what transformers generates, and scores as it does', async () => {
    const reference = JSON.parse(await readFile(join(modelFolder, 'reference.json'), 'utf8')) as {
      sequences: number[][];
      promptLengths: number[];
      greedyPrefix: number;
      greedy: number[][];
    };
    const rows = reference.sequences.map((ids) => ({ ids: ids.slice(0, reference.greedyPrefix) }));
    const generated = start({
      type: 'generate',
      model,
      rows,
      maxTokens: 16,
      temperature: 0,
      topP: 1,
      topK: 0,
      seed: 1,
      answers: 1,
    });
    await generated.ended;
    const answers = generated.events.filter((event) => event.type === 'generated');
    expect(answers.map(({ row }) => row)).toEqual([0, 1, 2]);
    for (const { row, ids, logprobs } of answers) {
      // The reference does not stop at the end token.
      expect([...ids]).toEqual(reference.greedy[row]!.slice(0, ids.length));
      expect(logprobs).toHaveLength(ids.length);
    }
    expect(generated.events.at(-1)).toMatchObject({ type: 'job-end', status: 'done', rows: 3 });

    const continued = answers.map(({ promptIds, ids }) => ({
      ids: [...promptIds, ...ids],
      promptLength: promptIds.length,
    }));
    const scored = start({ type: 'score', model, rows: continued, temperature: 1 });
    await scored.ended;
    const scores = scored.events.filter((event) => event.type === 'scored');
    for (const [place, { row, logprobs, entropies }] of scores.entries()) {
      expect(row).toBe(place);
      for (const [token, value] of logprobs.entries())
        expect(value).toBeCloseTo(answers[place]!.logprobs[token]!, 4);
      expect(entropies.every((entropy) => entropy > 0 && entropy < Math.log(104))).toBe(true);
    }
    expect(scored.events.at(-1)).toMatchObject({ type: 'job-end', status: 'done', rows: 3 });
  });

  it('generates several answers for each row, equal for equal seeds, and names the row that cannot be read', async () => {
    const job = {
      type: 'generate',
      model,
      rows: [{ prompt: '1+1=' }, { prompt: '2' }],
      maxTokens: 5,
      temperature: 1,
      topP: 1,
      topK: 0,
      seed: 3,
      answers: 3,
    };
    const texts = async (): Promise<string[]> => {
      const run = start(job);
      await run.ended;
      return run.events.flatMap((event) =>
        event.type === 'generated' ? [`${event.row} ${event.answer} ${event.text}`] : [],
      );
    };
    const first = await texts();
    expect(first).toHaveLength(6);
    expect(new Set(first).size).toBe(6);
    expect(await texts()).toEqual(first);
    const bad = start({ ...job, rows: [{ prompt: '1' }, { ids: [5, 4000] }] });
    await bad.ended;
    expect(bad.events.at(-1)).toMatchObject({
      type: 'failed',
      error: { kind: 'user', code: 'token-out-of-range', where: 'row 2' },
    });
  });
});
