// The bench command: its arguments, real output of a cheap figure, peers that are missing or do other work, stopping.
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { benchTable, describeMachine } from '../../../src-main/app/bench/bench-table.ts';
import { finishFigure, runBench } from '../../../src-main/app/bench/bench.ts';
import { advantageEstimators } from '../../../src-main/app/bench/advantages.ts';
import { chooseJobs, figureNames, jobs } from '../../../src-main/app/bench/figures.ts';
import { additionReward } from '../../../src-main/app/bench/grpo.ts';
import { readPeerResult } from '../../../src-main/app/bench/peers.ts';
import { runProcess } from '../../../src-main/app/bench/run-process.ts';
import { differentWork } from '../../../src-main/app/bench/same-work.ts';
import { measureStore } from '../../../src-main/app/bench/store.ts';
import { median } from '../../../src-main/app/bench/stopwatch.ts';
import { measureVerifiers, verifierCases } from '../../../src-main/app/bench/verifiers.ts';
import { runCommandLine } from '../../../src-main/app/cli/command-line.ts';
import { benchOutputSchema, errorOutputSchema } from '../../../src-main/contract/cli-output.ts';
import { root } from './run-launcher.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'espalier-test-bench-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(words: readonly string[], signal = new AbortController().signal) {
  let standard = '';
  let errors = '';
  const code = await runCommandLine(['bench', ...words], {
    standard: { write: (text) => (standard += text) },
    errors: { write: (text) => (errors += text) },
    interrupts: { signal, first: new Promise(() => {}), onSecond: () => {}, dispose: () => {} },
    root,
    workingDirectory: folder,
    environment: { ...process.env, ESPALIER_HOME: path.join(folder, 'home') },
    now: () => 0,
  });
  return { code, standard, errors };
}

const figure = (name: string) => jobs.flatMap((job) => job.figures).find((each) => each.name === name)!;

describe('arguments', () => {
  test('--list names every figure', async () => {
    const { code, standard } = await run(['--list']);
    expect(code).toBe(0);
    for (const name of figureNames) expect(standard).toContain(`${name} `);
  });

  test.each([
    [['--only', 'train-startr'], 'Did you mean train-starter?'],
    [['--list', '--json'], 'exclude each other'],
    [['--rounds', '0'], 'at least 1'],
    [['--only', 'matmul', '--peer', './no-python'], 'cannot be started'],
  ])('%j is refused', async (words, message) => {
    const { code, errors } = await run(words);
    expect(code).toBe(2);
    expect(errors).toContain(message);
  });

  test('names choose figures, the beginning of several all of them', () => {
    const names = (only: string[]) =>
      chooseJobs(only, false).flatMap((job) => job.figures.map(({ name }) => name));
    expect(names([])).toEqual(figureNames);
    expect(names(['matmul'])).toEqual(['matmul']);
    expect(names(['train', 'store-list'])).toEqual(['train-starter', 'train-smol135', 'store-list']);
    expect(new Set(figureNames).size).toBe(figureNames.length);
    for (const name of ['matmul-share', 'train-smol135', 'sample-starter', 'grpo-smol135'])
      expect(figureNames).toContain(name);
  });

  test('peers go with the figure that is compared, faster set-ups only when asked for', () => {
    const peers = (only: string, extra: boolean) =>
      chooseJobs([only], extra).flatMap((job) => job.peers.map(({ name }) => name));
    expect(peers('train-smol135', false)).toEqual(['pytorch-f32', 'pytorch-bf16']);
    expect(peers('matmul-share', false)).toEqual([]);
    expect(peers('sample-starter', false)).toEqual(['transformers', 'llama.cpp', 'onnxruntime-genai']);
    expect(peers('sample-starter', true)).toContain('onnxruntime-genai-int8');
    expect(peers('grpo-starter', false)).toEqual(['trl']);
  });
});

describe('measurements', () => {
  test('one figure, measured in a process of its own, is a line of the schema', async () => {
    const { code, standard, errors } = await run(['--only', 'advantages-rloo', '--rounds', '1', '--json']);
    expect(errors).toContain('advantages-rloo');
    expect(code).toBe(0);
    const line = benchOutputSchema.parse(JSON.parse(standard));
    expect(line).toMatchObject({ name: 'advantages-rloo', unit: 'ms', peer: null, peerName: null });
    expect(line.ratio).toBeNull();
    expect(line.espalier).toBeGreaterThan(0);
    expect(line.memory).toBeGreaterThan(1e7);
  }, 60_000);

  test('there is a figure for each estimator with advantages and for each verifier', () => {
    for (const estimator of advantageEstimators) expect(figureNames).toContain(`advantages-${estimator}`);
    expect(figureNames.filter((name) => name.startsWith('advantages-'))).toHaveLength(
      advantageEstimators.length,
    );
    for (const verifier of Object.keys(verifierCases)) expect(figureNames).toContain(`verifier-${verifier}`);
    expect(figureNames.filter((name) => name.startsWith('verifier-'))).toHaveLength(
      Object.keys(verifierCases).length,
    );
  });

  test('verifiers and store give every number that their figures take', async () => {
    const measured = { verifiers: measureVerifiers(), store: await measureStore(600) };
    for (const kind of ['verifiers', 'store'] as const) {
      for (const { key } of jobs.find((job) => job.kind === kind)!.figures)
        expect(measured[kind][key]).toBeGreaterThan(0);
    }
  }, 60_000);

  test('the reward is that of the peer', () => {
    expect(additionReward(' 95 apples', '95')).toBe(1);
    expect(additionReward('095', '95')).toBeCloseTo(0.1, 12);
    expect(additionReward('a1b2', '95')).toBeCloseTo(0.05, 12);
    expect(additionReward('', '95')).toBe(0);
  });

  test('median', () => {
    expect([median([3, 1, 2]), median([4, 1]), median([])]).toEqual([2, 2.5, NaN]);
  });
});

describe('peers', () => {
  const train = {
    benchmark: 'peer_train_step',
    median_s: 0.3,
    gflops_matmul: 100,
    first_loss: 2,
    first_gradient_norm: 0.5,
    last_loss: 1.9,
    peak_rss_mb: 700,
  };

  test('results, left-out peers and nonsense are told apart', () => {
    expect(readPeerResult(train)).toMatchObject({
      ok: true,
      measured: { seconds: 0.3, memory: 7e8, firstLoss: 2 },
    });
    expect(readPeerResult({ benchmark: 'peer_generate', skipped: 'not installed' })).toEqual({
      ok: false,
      reason: 'not installed',
    });
    expect(readPeerResult({ benchmark: 'peer_train_step' }).ok).toBe(false);
  });

  test('ratios are above 1 where Espalier is better, for times and for speeds', () => {
    const peer = 'pytorch-f32';
    const times = finishFigure(
      figure('train-starter'),
      { seconds: 0.1, memory: 1 },
      new Map([[peer, { seconds: 0.3, memory: 2 }]]),
    );
    expect(times.lines).toMatchObject([{ espalier: 100, peer: 300, peerName: 'pytorch-f32', peerMemory: 2 }]);
    expect(times.lines[0]?.ratio).toBeCloseTo(3, 12);
    const speeds = finishFigure(
      figure('sample-starter'),
      { tokensPerSecond: 100 },
      new Map([[peer, { tokensPerSecond: 200 }]]),
    );
    expect(speeds.lines[0]?.ratio).toBe(0.5);
    const table = benchTable([times]);
    expect(table).toContain('3.00×');
    expect(table).toContain('≥ 1.8 ✓');
    expect(table).toContain('≤ 0.5 ✓');
  });

  test('other work is noticed', () => {
    expect(
      differentWork({ firstLoss: 2.00001, firstNorm: 0.50001 }, { firstLoss: 2, firstNorm: 0.5 }),
    ).toBeNull();
    expect(differentWork({ firstLoss: 2.001, firstNorm: 0.5 }, { firstLoss: 2, firstNorm: 0.5 })).toContain(
      'loss',
    );
    expect(differentWork({ firstLoss: 2, firstNorm: 0.51 }, { firstLoss: 2, firstNorm: 0.5 })).toContain(
      'norm',
    );
    expect(differentWork({}, { firstLoss: 2, firstNorm: 0.5 })).not.toBeNull();
  });

  test.skipIf(process.platform === 'win32')(
    'a Python without the peers leaves them out and says so; nothing stays behind',
    async () => {
      const python = path.join(folder, 'python');
      writeFileSync(
        python,
        '#!/bin/sh\nif [ "$1" = -c ]; then echo "{}"; exit 0; fi\necho "ModuleNotFoundError: No module named \'torch\'" >&2\nexit 1\n',
      );
      chmodSync(python, 0o755);
      // A place of its own: another bench may be at work on this computer.
      const place = mkdtempSync(path.join(folder, 'temporary-'));
      vi.stubEnv('TMPDIR', place);
      vi.stubEnv('TEMP', place);
      const job = {
        ...chooseJobs(['advantages-rloo'], false)[0]!,
        peers: chooseJobs(['grpo-starter'], false)[0]!.peers,
      };
      const notes: string[] = [];
      const lines: unknown[] = [];
      const failures = await runBench(
        {
          jobs: [job],
          python,
          peerFolder: path.join(root, 'test', 'peers'),
          rounds: 1,
          environment: process.env,
          workingDirectory: folder,
          signal: new AbortController().signal,
        },
        {
          onProgress: () => {},
          onFigure: (each) => lines.push(...each.lines),
          onNote: (text) => notes.push(text),
        },
      );
      expect(failures).toBe(0);
      expect(notes).toEqual([
        expect.stringContaining(
          "trl left out: the weights could not be written: ModuleNotFoundError: No module named 'torch'",
        ),
      ]);
      expect(lines).toHaveLength(1);
      vi.unstubAllEnvs();
      expect(readdirSync(place)).toEqual([]);
    },
    60_000,
  );
});

describe('processes', () => {
  const surroundings = (signal: AbortSignal) => ({ directory: folder, environment: process.env, signal });

  test('the last line of JSON is the result; an error is its message', async () => {
    const { signal } = new AbortController();
    const script = (text: string) => runProcess(process.execPath, ['-e', text], surroundings(signal));
    expect(await script('console.log("{loading"); console.log(JSON.stringify({ a: 1 }))')).toEqual({
      ok: true,
      value: { a: 1 },
    });
    expect(await script('throw new RangeError("too far")')).toMatchObject({ reason: 'RangeError: too far' });
    expect(await script('console.log("nothing")')).toMatchObject({ ok: false });
    expect(await runProcess('./nowhere', [], surroundings(signal))).toMatchObject({
      ok: false,
      missing: true,
    });
  });

  test('a stop ends the process and what it started', async () => {
    const controller = new AbortController();
    const sign = path.join(folder, 'alive');
    const grandchild = `setTimeout(() => require('fs').writeFileSync(${JSON.stringify(sign)}, ''), 1500)`;
    const parent = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}]); setTimeout(() => {}, 60000)`;
    const started = runProcess(process.execPath, ['-e', parent], surroundings(controller.signal));
    setTimeout(() => controller.abort(), 700);
    await expect(started).rejects.toMatchObject({ kind: 'cancelled' });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(existsSync(sign)).toBe(false);
  }, 20_000);

  test('an interrupted bench ends with 130', async () => {
    const controller = new AbortController();
    controller.abort();
    const { code, standard } = await run(['--only', 'matmul', '--json'], controller.signal);
    expect(code).toBe(130);
    expect(errorOutputSchema.parse(JSON.parse(standard)).error.kind).toBe('cancelled');
  });
});

test('a busy machine is warned of, a quiet one is not', () => {
  const machine = {
    processor: 'Some processor',
    cores: 2,
    memory: 8 * 1024 ** 3,
    load: 0.1,
    node: 'v24.0.0',
  };
  expect(describeMachine(machine)).toHaveLength(1);
  expect(describeMachine({ ...machine, load: 3 }).at(-1)).toContain('warning');
});
