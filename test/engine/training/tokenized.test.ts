// The tokenised preview through the services and the real trainer program.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forkTrainer } from '../../../src-main/app/fork-trainer.ts';
import { createServices, type Services } from '../../../src-main/app/services.ts';
import type { Job } from '../../../src-main/contract/jobs.ts';

let folder: string;
let services: Services;
const model = { path: resolve('test/fixtures/models/llama-mha') };
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-tokenized-'));
  services = createServices({
    dataDirectory: join(folder, 'data'),
    resourcesDirectory: resolve('resources'),
    spawnTrainer: forkTrainer(resolve('src-main/training/trainer-process.ts')),
    version: '0',
    startWaiting: false,
  });
});
afterAll(async () => {
  await services.close();
  rmSync(folder, { recursive: true, force: true });
});

async function ended(jobId: string): Promise<Job> {
  for (;;) {
    const job = (await services.call('jobs.list', {})).find(({ id }) => id === jobId);
    if (job !== undefined && job.state !== 'running') return job;
    await new Promise((done) => setTimeout(done, 20));
  }
}

test('tells how the model reads the rows', async () => {
  const path = join(folder, 'sums.jsonl');
  writeFileSync(
    path,
    Array.from({ length: 40 }, (_, i) => JSON.stringify({ prompt: `${i}+1=`, answer: `${i + 1}` })).join(
      '\n',
    ),
  );
  const { jobId } = await services.call('data.tokenized', { model, data: { path, holdOut: 0.25 }, rows: 2 });
  expect(await ended(jobId)).toMatchObject({ state: 'done', kind: 'tokenize', result: { kind: 'tokenize' } });
  const report = await services.call('data.tokenizedReport', { jobId });
  expect(report).toMatchObject({ train: { rows: 30, used: 30 }, evaluation: { rows: 10 }, shared: 0 });
  expect(report.examples).toHaveLength(2);
  expect(report.examples[0]?.tokens.join('')).toContain(report.examples[0]?.question);
});

test("fails with the reader's own words, and can be cancelled", async () => {
  const path = join(folder, 'broken.jsonl');
  writeFileSync(path, '{"prompt": "a"}\n{"prompt": ');
  const { jobId } = await services.call('data.tokenized', { model, data: { path } });
  expect((await ended(jobId)).error).toMatchObject({
    kind: 'user',
    where: expect.stringContaining('line 2'),
  });
  const other = await services.call('data.tokenized', { model, data: { path } });
  await services.call('jobs.cancel', other);
  expect((await ended(other.jobId)).state).toBe('cancelled');
});
