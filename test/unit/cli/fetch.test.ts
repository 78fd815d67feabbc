// `fetch` and `models` against a Hub on this computer.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommandLine } from '../../../src-main/app/cli/command-line.ts';
import { cliOutputs, fetchOutputSchema } from '../../../src-main/contract/cli-output.ts';
import { modelEntrySchema } from '../../../src-main/contract/model-library.ts';
import { hubBench, rows, type HubBench } from '../app/hub/hub-bench.ts';
import { root } from './run-launcher.ts';

let bench: HubBench;
let folder: string;
beforeEach(async () => {
  bench = await hubBench([
    {
      kind: 'dataset',
      name: 'owner/lines',
      branches: { main: { 'train.jsonl': rows(3, 'A'), 'test.jsonl': rows(2, 'B') } },
    },
    { kind: 'model', name: 'owner/gated', branches: { main: {} }, gated: true, private: true },
  ]);
  folder = mkdtempSync(path.join(tmpdir(), 'espalier-fetch-'));
});
afterEach(async () => {
  await bench.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(signal: AbortSignal, ...words: string[]) {
  let [standard, errors] = ['', ''];
  const code = await runCommandLine(words, {
    standard: { write: (text) => (standard += text) },
    errors: { write: (text) => (errors += text) },
    interrupts: { signal, first: new Promise(() => {}), onSecond: () => {}, dispose: () => {} },
    root,
    workingDirectory: folder,
    environment: { ...bench.world.environment, ESPALIER_HOME: path.join(folder, 'home') },
    now: () => 0,
  });
  return { code, standard, errors };
}
const never = new AbortController().signal;

test('fetches a model, which "models" then lists', async () => {
  const { code, standard, errors } = await run(never, 'fetch', 'owner/tiny', '--json');
  expect(code).toBe(0);
  const fetched = fetchOutputSchema.parse(JSON.parse(standard));
  expect(fetched).toMatchObject({
    kind: 'model',
    name: 'owner/tiny',
    commit: bench.hub.commit('owner/tiny'),
  });
  expect(fetched.files).toContain('model.safetensors');
  expect(errors).toContain('fits this computer');
  expect(errors).toContain('all hashes checked');
  const listed = await run(never, 'models', '--source', 'cache', '--json');
  const [entry, ...others] = modelEntrySchema.array().parse(JSON.parse(listed.standard));
  expect(others).toEqual([]);
  expect(entry).toMatchObject({ path: fetched.path, name: 'owner/tiny', revision: 'main', supported: true });
  // Other commands take it by its name.
  const out = path.join(folder, 'copy');
  expect((await run(never, 'export', 'owner/tiny', '--out', out)).code).toBe(0);
  expect(readFileSync(path.join(out, 'config.json'), 'utf8')).toContain('llama');
  const unknown = await run(never, 'export', 'owner/other', '--out', out);
  expect(unknown.errors).toContain('espalier fetch owner/other');
  const table = await run(never, 'models');
  expect(table.standard).toMatch(/owner\/tiny +llama .* trains/);
});

test('only says what would be fetched with --dry-run', async () => {
  const { code, standard } = await run(never, 'fetch', 'owner/tiny', '--dry-run', '--json');
  expect(code).toBe(0);
  const found = cliOutputs.fetch.schema.parse(JSON.parse(standard));
  expect(found).toMatchObject({ model: { family: 'llama', supported: true }, fits: true });
  expect((await run(never, 'models', '--source', 'cache')).standard).toContain('No models were found');
});

test('fetches one split of a dataset', async () => {
  const { code, standard } = await run(
    never,
    'fetch',
    'owner/lines',
    '--dataset',
    '--split',
    'test',
    '--json',
  );
  expect(code).toBe(0);
  const { splits } = fetchOutputSchema.parse(JSON.parse(standard));
  expect(splits.map(({ split }) => split)).toEqual(['test']);
  expect(readFileSync(splits[0]?.paths[0] ?? '', 'utf8')).toBe(rows(2, 'B'));
});

test('explains what cannot be fetched', async () => {
  const missing = await run(never, 'fetch', 'owner/gated');
  expect(missing.code).toBe(2);
  expect(missing.errors).toContain('or it is private');
  expect(missing.errors).toContain('HF_TOKEN');
  expect((await run(never, 'fetch', 'owner/lines', '--dataset', '--split', 'tests')).errors).toContain(
    'Did you mean test?',
  );
});

test('ends with 130 when it is interrupted', async () => {
  const controller = new AbortController();
  bench.hub.misbehave = (seen, response) => {
    if (seen.server === 'hub') return false;
    response.writeHead(200);
    response.write(Buffer.alloc(10));
    setImmediate(() => controller.abort());
    return true;
  };
  const { code, errors } = await run(controller.signal, 'fetch', 'owner/tiny');
  expect(code).toBe(130);
  expect(errors).toContain('goes on from there');
});
