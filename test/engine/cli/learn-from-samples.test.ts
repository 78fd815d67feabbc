// Stored answers become training data: pairs that DPO learns from, and best answers that SFT learns, by the command line.
import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { cliOutputs, trainOutputSchema, type TrainLine } from '../../../src-main/contract/cli-output.ts';
import { runLauncher } from '../../unit/cli/run-launcher.ts';
import { newFolder, undecidedModel, undecidedQuestions } from '../training/run-folder.ts';

let folder: string;
let model: string;
let run: string;

/** Standard output as JSON lines. */
async function espalier(...words: string[]): Promise<unknown[]> {
  const result = await runLauncher([...words, '--json', '--data', path.join(folder, 'data')], {
    directory: folder,
  });
  expect(result.code, result.errors).toBe(0);
  return result.standard
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

async function train(name: string, experiment: Record<string, unknown>): Promise<TrainLine[]> {
  const file = `${name}.json`;
  writeFileSync(
    path.join(folder, file),
    JSON.stringify({ version: 1, name, model: { path: model }, ...experiment }),
  );
  return (await espalier('train', file)).map((line) => trainOutputSchema.parse(line));
}

const budget = { steps: 20, promptsPerStep: 4, maxTokens: 4, evaluateEvery: 10, checkpointEvery: 20 };
const jsonl = (name: string): unknown[] =>
  readFileSync(path.join(folder, name), 'utf8')
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

beforeAll(async () => {
  folder = await newFolder();
  model = await undecidedModel(folder);
  const rows = undecidedQuestions.map((prompt) => JSON.stringify({ prompt, answer: '7' }));
  writeFileSync(path.join(folder, 'questions.jsonl'), rows.join('\n'));
  const lines = await train('asked', {
    data: { path: 'questions.jsonl', holdOut: 0 },
    reward: { components: [{ kind: 'exact' }] },
    method: { estimator: 'dr-grpo', groupSize: 8, learningRate: 1e-6 },
    budget: { ...budget, steps: 6 },
  });
  run = lines.at(-1)?.run ?? '';
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('answers of a run', () => {
  test('become pairs, and DPO learns to prefer the better ones', async () => {
    const [output] = await espalier('samples', run, '--pairs', 'pairs.jsonl');
    const { pairs } = cliOutputs.samples.schema.parse(output);
    const rows = z
      .array(z.looseObject({ prompt: z.string(), chosen: z.string(), rejected: z.string() }))
      .parse(jsonl('pairs.jsonl'));
    expect(pairs).toEqual({ path: path.join(folder, 'pairs.jsonl'), count: rows.length });
    expect(new Set(rows.map(({ prompt }) => prompt))).toEqual(new Set(undecidedQuestions));
    for (const { chosen, rejected } of rows) expect([chosen, rejected === chosen]).toEqual(['7', false]);
    const lines = await train('preferred', {
      data: { path: 'pairs.jsonl', holdOut: 0.25 },
      method: { estimator: 'dpo', learningRate: 1e-3 },
      budget,
    });
    const end = lines.at(-1);
    expect(end).toMatchObject({ event: 'end', status: 'done', summary: { before: 0.5, after: 1 } });
    const margins = lines.flatMap((line) =>
      line.event === 'step' ? [line.metrics['rewards/margins'] ?? NaN] : [],
    );
    expect(margins[0]).toBeCloseTo(0, 6);
    expect(margins.at(-1)).toBeGreaterThan(0.1);
  });

  test('become training rows of the best, and SFT learns them', async () => {
    const [best] = await espalier('samples', run, '--best', 'best.jsonl');
    expect(cliOutputs.samples.schema.parse(best).best?.count).toBe(undecidedQuestions.length);
    const [right] = await espalier('samples', run, '--best', 'right.jsonl', '--min-reward', '1');
    expect(cliOutputs.samples.schema.parse(right).best?.count).toBe(undecidedQuestions.length);
    expect(jsonl('right.jsonl')).toEqual(
      expect.arrayContaining(undecidedQuestions.map((prompt) => ({ prompt, answer: '7', reward: 1 }))),
    );
    const lines = await train('imitated', {
      data: { path: 'best.jsonl', holdOut: 0.25 },
      method: { estimator: 'sft', learningRate: 1e-3 },
      budget,
    });
    const summary =
      lines.at(-1)?.event === 'end' ? (lines.at(-1) as Extract<TrainLine, { event: 'end' }>).summary : null;
    // Mean log-probability of a token of the best answers: half of ln 2 at first, as one of two tokens is uncertain.
    expect(summary?.before).toBeLessThan(-0.2);
    expect(summary?.after).toBeGreaterThan(-0.1);
  });
});
