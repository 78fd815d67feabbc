import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainerEventSchema } from '../../../src-main/contract/events.ts';
import type { TrainerEvent } from '../../../src-main/contract/events.ts';
import { openCheckpoint } from '../../../src-main/models/open-checkpoint.ts';
import { findCheckpoint } from '../../../src-main/training/checkpoint.ts';
import { newFolder, runConfig, trainHere, writeQuestions } from './run-folder.ts';

let root: string;
let data: string;
beforeAll(async () => {
  root = await newFolder();
  data = await writeQuestions(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Hashes of weights and optimizer state of a checkpoint. */
async function fingerprint(runDirectory: string): Promise<string[]> {
  const folder = (await findCheckpoint(runDirectory, 'last'))!;
  return Promise.all(
    ['model/model.safetensors', 'optimizer.safetensors'].map(async (name) =>
      createHash('sha256')
        .update(await readFile(join(folder, name)))
        .digest('hex'),
    ),
  );
}

/** What a run computed, without what a clock decides. */
function computed(events: readonly TrainerEvent[], fromStep = 0): unknown[] {
  return events.flatMap((event): unknown[] => {
    if (!('step' in event) || event.step <= fromStep) return [];
    if (event.type === 'samples') return [event];
    if (event.type === 'evaluation') return [{ ...event, seconds: 0 }];
    if (event.type !== 'step') return [];
    const metrics = Object.entries(event.metrics).filter(([name]) => !/econd|memory/.test(name));
    return [{ ...event, metrics: Object.fromEntries(metrics) }];
  });
}

describe('a short run of a real model', () => {
  const kinds: [string, Record<string, unknown>][] = [
    ['GRPO', { estimator: 'grpo', groupSize: 4 }],
    [
      'REINFORCE, two epochs, k2 in the loss',
      {
        estimator: 'reinforce',
        groupSize: 4,
        epochs: 2,
        kl: { where: 'loss', estimator: 'k2', coefficient: 0.01 },
      },
    ],
    ['SFT', { estimator: 'sft', groupSize: undefined }],
  ];
  it.each(kinds)('is equal bit by bit the second time and when resumed (%s)', async (name, method) => {
    const config = runConfig(data, { method });
    const folder = (kind: string): string => join(root, `${name} ${kind}`);
    const first = await trainHere(config, folder('first'));
    expect(first.events.at(-1)).toMatchObject({ type: 'end', status: 'done', summary: { steps: 6 } });
    for (const event of first.events) trainerEventSchema.parse(event);
    const second = await trainHere(config, folder('second'));
    expect(computed(second.events)).toEqual(computed(first.events));
    expect(await fingerprint(folder('second'))).toEqual(await fingerprint(folder('first')));
    const halves = folder('halves');
    await trainHere(config, halves, null, (event) => event.type === 'step' && event.step === 3);
    const rest = await trainHere(config, halves, await findCheckpoint(halves, 'last'));
    expect(rest.events.find((event) => event.type === 'ready')).toMatchObject({ fromStep: 3 });
    expect(computed(rest.events, 3)).toEqual(computed(first.events, 3));
    expect(await fingerprint(halves)).toEqual(await fingerprint(folder('first')));
  });

  it('measures a sampler that agrees with the learner, and keeps a checkpoint that opens', async () => {
    const folder = join(root, 'gap');
    const { events } = await trainHere(runConfig(data, { method: { estimator: 'rloo' } }), folder);
    for (const event of events) {
      if (event.type === 'step' && event.metrics['samplerLogpGapMax'] !== undefined) {
        expect(event.metrics['samplerLogpGapMax']).toBeLessThan(1e-4);
      }
      if (event.type !== 'samples') continue;
      for (const { ids, text, tokenEnds } of event.samples) {
        if (tokenEnds === undefined) continue;
        expect(tokenEnds).toHaveLength(ids.length);
        expect(tokenEnds.at(-1)).toBe(text.length);
      }
    }
    const checkpoint = await openCheckpoint(join((await findCheckpoint(folder, 'best'))!, 'model'));
    expect(checkpoint.config.architecture).toBe('llama');
  });

  it('learns from right answers (SFT)', async () => {
    const method = { estimator: 'sft', groupSize: undefined, learningRate: 1e-2 };
    const budget = { steps: 40, promptsPerStep: 9, evaluateEvery: 40 };
    const { events } = await trainHere(
      runConfig(data, { method, budget, model: { init: 'random' } }),
      join(root, 'sft'),
    );
    const losses = events.flatMap((event) => (event.type === 'step' ? [event.metrics['loss']!] : []));
    expect(losses[0]).toBeGreaterThan(4);
    expect(losses.at(-1)).toBeLessThan(1);
  });

  it('learns from rewards alone (Dr. GRPO)', async () => {
    const path = join(root, 'sevens.jsonl');
    const rows = Array.from({ length: 12 }, (_, row) => ({ prompt: `${row}?`, answer: '7' }));
    await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
    const config = runConfig(path, {
      reward: { components: [{ kind: 'number', find: 'last' }] },
      method: { estimator: 'dr-grpo', groupSize: 16, learningRate: 5e-3 },
      budget: { steps: 60, promptsPerStep: 8, evaluateEvery: 20 },
    });
    const { events } = await trainHere(config, join(root, 'sevens'));
    expect(events.at(-1)).toMatchObject({
      type: 'end',
      summary: { before: 0, after: 1, answers: 60 * 8 * 16 },
    });
  });
});
