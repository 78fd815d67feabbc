// The command line over the real engine: a run of a tiny model with --json, then everything that looks at it.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import {
  cliOutputs,
  errorOutputSchema,
  trainOutputSchema,
  type TrainLine,
} from '../../../src-main/contract/cli-output.ts';
import { laboratoryReportSchema, sampledReportSchema } from '../../../src-main/contract/laboratory.ts';
import type { RescoreReport, RewardBenchReport } from '../../../src-main/contract/reward-bench.ts';
import { launcher, root, runLauncher, type Finished } from '../../unit/cli/run-launcher.ts';

let folder: string;
let data: string;
let lines: TrainLine[];
let runId: string;

const espalier = (...words: string[]): Promise<Finished> =>
  runLauncher([...words, '--data', data], { directory: folder });

/** Parses standard output as JSON lines of a schema, and checks that nothing else stood there. */
function parsed<S extends z.ZodType>(result: Finished, schema: S, code = 0): z.output<S>[] {
  expect({ code: result.code, errors: code === 0 ? '' : result.errors }).toEqual({
    code,
    errors: code === 0 ? '' : result.errors,
  });
  return result.standard
    .trim()
    .split('\n')
    .map((line) => schema.parse(JSON.parse(line)));
}

const experiment = {
  version: 1,
  name: 'Tiny',
  model: { path: 'model' },
  data: { path: 'questions.jsonl', holdOut: 0.25 },
  reward: { components: [{ kind: 'exact' }] },
  method: { estimator: 'dr-grpo', groupSize: 4, learningRate: 1e-3 },
  budget: {
    steps: 3,
    promptsPerStep: 2,
    maxTokens: 4,
    evaluateEvery: 2,
    checkpointEvery: 2,
    preflight: 'off',
  },
};

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'espalier-cli-engine-'));
  data = path.join(folder, 'data');
  cpSync(path.join(root, 'test', 'fixtures', 'models', 'llama-mha'), path.join(folder, 'model'), {
    recursive: true,
  });
  const rows = Array.from({ length: 12 }, (_, index) =>
    JSON.stringify({ prompt: `${index}+1=`, answer: String(index + 1) }),
  );
  writeFileSync(path.join(folder, 'questions.jsonl'), rows.join('\n'));
  writeFileSync(path.join(folder, 'tiny.json'), JSON.stringify(experiment));
  const result = await espalier('train', 'tiny.json', '--json');
  lines = parsed({ ...result, errors: '' }, trainOutputSchema);
  runId = lines.at(-1)?.run ?? '';
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const only = <E extends TrainLine['event']>(event: E): Extract<TrainLine, { event: E }>[] =>
  lines.filter((line): line is Extract<TrainLine, { event: E }> => line.event === event);

describe('train --json', () => {
  test('streams every step, its answers, evaluations and checkpoints', () => {
    expect(lines[0]?.event).toBe('start');
    expect(only('step').map((line) => line.step)).toEqual([1, 2, 3]);
    expect(only('evaluation').map((line) => line.step)).toEqual([0, 2, 3]);
    const answers = only('samples').flatMap((line) =>
      line.samples.filter((sample) => sample.split === 'train'),
    );
    expect(answers.length).toBe(3 * 2 * 4);
    for (const sample of answers) expect(sample.samplerLogprobs.length).toBe(sample.ids.length);
    expect(only('checkpoint').some((line) => line.role === 'best')).toBe(true);
  });

  test('ends with one line that sums up', () => {
    expect(only('end').length).toBe(1);
    expect(only('run-end')).toEqual([]);
    const end = lines.at(-1);
    expect(end).toMatchObject({
      event: 'end',
      status: 'done',
      run: runId,
      summary: { steps: 3, answers: 24 },
    });
  });
});

describe('looking at the run', () => {
  test('runs, show, metrics and samples print what their schemas say', async () => {
    const [runs, show, metrics, samples, tokens] = await Promise.all([
      espalier('runs', '--json'),
      espalier('show', runId, '--json'),
      espalier('metrics', 'last', '--name', 'rewardMean', '--json'),
      espalier('samples', runId.slice(0, 6), '--split', 'train', '--limit', '5', '--json'),
      espalier('samples', 'last', '--limit', '1', '--tokens', '--json'),
    ]);
    expect(parsed(runs, cliOutputs.runs.schema)[0]).toMatchObject([{ id: runId, status: 'done', step: 3 }]);
    expect(parsed(show, cliOutputs.show.schema)[0]).toMatchObject({
      id: runId,
      config: { budget: { steps: 3 } },
      summary: { steps: 3 },
    });
    expect(parsed(metrics, cliOutputs.metrics.schema)[0]).toMatchObject([
      { name: 'rewardMean', steps: [1, 2, 3] },
    ]);
    const page = parsed(samples, cliOutputs.samples.schema)[0];
    expect(page?.rows.length).toBe(5);
    expect(page?.total).toBe(24);
    const detailed = parsed(tokens, cliOutputs.samples.schema)[0]?.rows[0];
    expect(detailed).toHaveProperty('samplerLogprobs');
  });

  test('tables for people, and the nearest metric', async () => {
    const [show, samples, wrong] = await Promise.all([
      espalier('show', 'last'),
      espalier('samples', 'last', '--limit', '2'),
      espalier('metrics', 'last', '--name', 'rewardMeen'),
    ]);
    expect(show.standard).toContain('Held-out evaluations');
    expect(samples.standard).toContain('2 of');
    expect(wrong).toMatchObject({ code: 2, standard: '' });
    expect(wrong.errors).toContain('Did you mean rewardMean?');
  });
});

describe('the trained model', () => {
  test('is exported as a folder that generate and score take', async () => {
    const [exported] = parsed(
      await espalier('export', 'last', '--out', 'out', '--json'),
      cliOutputs.export.schema,
    );
    expect(exported).toMatchObject({ run: runId, role: 'best' });
    expect(readdirSync(path.join(folder, 'out'))).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
    );

    writeFileSync(path.join(folder, 'rows.jsonl'), '{"prompt":"1+1="}\n{"ids":[20,21]}\n');
    const generate = (...words: string[]) =>
      espalier('generate', 'out', '--in', 'rows.jsonl', '--max-tokens', '3', '--json', ...words);
    const [first, second, greedy] = await Promise.all([
      generate('--n', '2'),
      generate('--n', '2'),
      generate('--temperature', '0'),
    ]);
    const answers = parsed({ ...first, errors: '' }, cliOutputs.generate.schema);
    expect(answers.length).toBe(4);
    expect(second.standard).toBe(first.standard);
    expect(parsed({ ...greedy, errors: '' }, cliOutputs.generate.schema).length).toBe(2);

    // What was sampled scores the same under the learner.
    const sampled = answers[2];
    writeFileSync(
      path.join(folder, 'score.jsonl'),
      JSON.stringify({ ids: [20, 21, ...(sampled?.ids ?? [])], promptLength: 2 }),
    );
    const scored = await espalier('score', 'out', '--in', 'score.jsonl', '--json');
    const [row] = parsed({ ...scored, errors: '' }, cliOutputs.score.schema);
    const logprobs = row !== undefined && 'logprobs' in row ? row.logprobs : [];
    expect(logprobs.length).toBe(sampled?.ids.length);
    for (const [index, value] of logprobs.entries())
      expect(value).toBeCloseTo(sampled?.logprobs[index] ?? 0, 3);
  });

  test('rows that cannot be are refused with their number', async () => {
    writeFileSync(path.join(folder, 'bad.jsonl'), '{"ids":[1,2]}\n{"ids":[1,999999]}\n');
    const result = await espalier('generate', 'model', '--in', 'bad.jsonl', '--max-tokens', '2');
    expect(result).toMatchObject({ code: 2, standard: '' });
    expect(result.errors).toContain('row 2');
  });
});

describe('a reward model', () => {
  test('is trained from pairs by the command, and scores as its folder does', async () => {
    const rows = Array.from({ length: 12 }, (_, index) =>
      JSON.stringify({ prompt: `${index}+1=`, chosen: `${index}7`, rejected: `${index} no` }),
    );
    writeFileSync(path.join(folder, 'pairs.jsonl'), rows.join('\n'));
    const { reward: _reward, ...rest } = experiment;
    const training = {
      ...rest,
      data: { path: 'pairs.jsonl', holdOut: 0.25 },
      method: { estimator: 'reward-model', learningRate: 1e-3 },
    };
    writeFileSync(path.join(folder, 'reward-model.json'), JSON.stringify(training));
    const trained = parsed(
      { ...(await espalier('train', 'reward-model.json', '--json')), errors: '' },
      trainOutputSchema,
    );
    const evaluation = trained.find((line) => line.event === 'evaluation');
    expect(evaluation?.components).toHaveProperty('calibrationError');
    const run = trained.at(-1)?.run ?? '';
    expect((await espalier('export', run, '--to', 'hf', '--out', 'rewards')).code).toBe(0);

    writeFileSync(
      path.join(folder, 'texts.jsonl'),
      '{"prompt":"5+1=","response":"57"}\n{"prompt":"5+1=","response":"5 no"}\n{"ids":[25,15,21]}\n',
    );
    const [named, exported] = await Promise.all(
      [run, 'rewards'].map((model) => espalier('score', model, '--in', 'texts.jsonl', '--json')),
    );
    const scores = parsed({ ...named!, errors: '' }, cliOutputs.score.schema);
    expect(scores).toHaveLength(3);
    for (const row of scores) expect('score' in row && Number.isFinite(row.score)).toBe(true);
    expect(exported!.standard).toBe(named!.standard);

    const refused = await espalier('generate', 'rewards', '--prompt', '5');
    expect(refused).toMatchObject({ code: 2, standard: '' });
    expect(refused.errors).toContain('gives scores to texts');

    // The whole reward is graded where the model is; its folder is relative to the file.
    const components = [
      { kind: 'reward-model', models: ['rewards'] },
      { kind: 'regex', pattern: '7$', weight: 2 },
    ];
    writeFileSync(path.join(folder, 'reward.json'), JSON.stringify({ components }));
    writeFileSync(
      path.join(folder, 'answers.jsonl'),
      '{"prompt":"5+1=","response":"57"}\n{"prompt":"5+1=","response":"5 no"}\n',
    );
    const rewarded = await espalier('reward', 'reward.json', '--in', 'answers.jsonl', '--json');
    const graded = parsed({ ...rewarded, errors: '' }, cliOutputs.reward.schema);
    expect(graded.map((row) => row.components['regex'])).toEqual([1, 0]);
    graded.forEach((row, index) => {
      const score = scores[index] !== undefined && 'score' in scores[index] ? scores[index].score : NaN;
      expect(row.components['reward-model']).toBeCloseTo(score, 5);
      expect(row.total).toBeCloseTo(score + 2 * (index === 0 ? 1 : 0), 5);
    });

    // The run reads the folder relative to its file, and learns from its scores.
    const served = { ...experiment, reward: { components: [{ kind: 'reward-model', models: ['rewards'] }] } };
    writeFileSync(path.join(folder, 'served.json'), JSON.stringify(served));
    const learnt = parsed(
      { ...(await espalier('train', 'served.json', '--json')), errors: '' },
      trainOutputSchema,
    );
    expect(learnt.at(-1)).toMatchObject({ event: 'end', status: 'done' });
    const samples = learnt.flatMap((line) => (line.event === 'samples' ? line.samples : []));
    expect(samples.every(({ reward }) => Number.isFinite(reward.total))).toBe(true);
  });
});

describe.skipIf(process.platform === 'win32')('Ctrl+C', () => {
  /** Starts a long run, interrupts its process group after the first step, and waits for the end. */
  function interrupted(words: string[]): Promise<{ code: number | null; lines: TrainLine[] }> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [launcher, ...words, '--json', '--data', data], {
        cwd: folder,
        detached: true,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let text = '';
      let asked = false;
      child.once('error', reject);
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (asked || !text.includes('"event":"step"')) return;
        asked = true;
        process.kill(-(child.pid ?? 0), 'SIGINT');
      });
      child.once('close', (code) => {
        resolve({
          code,
          lines: text
            .trim()
            .split('\n')
            .map((line) => trainOutputSchema.parse(JSON.parse(line))),
        });
      });
    });
  }

  test('stops with a checkpoint, and --resume goes on from there', async () => {
    const stopped = await interrupted(['train', 'tiny.json', '--set', 'budget.steps=100000']);
    expect(stopped.code).toBe(130);
    const end = stopped.lines.at(-1);
    expect(end).toMatchObject({ event: 'end', status: 'stopped' });
    const last = stopped.lines.findLast((line) => line.event === 'checkpoint' && line.role === 'last');
    expect(last?.event === 'checkpoint' && existsSync(last.path)).toBe(true);
    const steps = stopped.lines.filter((line) => line.event === 'step').length;

    const resumed = await interrupted(['train', '--resume', end?.run ?? '']);
    expect(resumed.code).toBe(130);
    expect(resumed.lines.find((line) => line.event === 'ready')).toMatchObject({ fromStep: steps });
    expect(resumed.lines.find((line) => line.event === 'step')).toMatchObject({ step: steps + 1 });
  });
});

test('several runs of one experiment follow each other, each with its end', async () => {
  const result = await espalier(
    'train',
    'tiny.json',
    '--set',
    'vary={"method.estimator":["rloo","grpo"]}',
    '--set',
    'budget.steps=1',
    '--json',
  );
  const all = parsed({ ...result, errors: '' }, trainOutputSchema);
  const ends = all.filter((line) => line.event === 'run-end');
  expect(ends.map((line) => line.status)).toEqual(['done', 'done']);
  const end = all.at(-1);
  expect(end?.event === 'end' && end.runs.map((run) => run.estimator)).toEqual(['rloo', 'grpo']);
});

describe('lab --json', () => {
  test('is in the form of the contract: exact', async () => {
    const [report] = parsed(
      await espalier('lab', '--estimators', 'rloo,grpo', '--json'),
      laboratoryReportSchema,
    );
    expect(report?.rows.map(({ id }) => id)).toEqual(['rloo', 'grpo']);
    cliOutputs.lab.schema.parse(report);
  });

  test('is in the form of the contract: measured on a model', async () => {
    const words = ['lab', '--sample', path.join(root, 'resources/experiments/first-run.json')];
    const budget = ['--questions', '2', '--answers', '16', '--directions', '64'];
    const result = await espalier(
      ...words,
      ...budget,
      '--estimators',
      'rloo,grpo,ppo,vineppo,trepo,sft',
      '--json',
    );
    const [report] = parsed(result, sampledReportSchema);
    expect(report).toMatchObject({ questions: 2, answers: 32, batches: 4, complete: true });
    expect(report?.rows.map(({ id }) => id)).toEqual(['rloo', 'grpo', 'ppo', 'vineppo', 'trepo']);
    expect(report?.left.map(({ id }) => id)).toEqual(['sft']);
    for (const row of report?.rows ?? []) expect(row.variance).toBeGreaterThan(0);
    cliOutputs.lab.schema.parse(report);
  });

  test('names what is wrong with methods and budgets', async () => {
    const words = ['lab', '--sample', 'tiny.json', '--json'];
    const code = async (...more: string[]) => {
      const result = await espalier(...words, ...more);
      expect(result.code).toBe(2);
      return errorOutputSchema.parse(JSON.parse(result.standard)).error;
    };
    expect(await code('--estimators', 'grpoo')).toMatchObject({
      code: 'estimator-unknown',
      advice: 'Did you mean grpo?',
    });
    expect(await code('--answers', '5')).toMatchObject({ code: 'answers-too-few' });
    expect(await code('--estimators', 'sft')).toMatchObject({ code: 'methods-none' });
  });
});

describe('rewards without training', () => {
  const lengths = { components: [{ kind: 'length', unit: 'characters', max: 3 }] };
  beforeAll(() => writeFileSync(path.join(folder, 'lengths.json'), JSON.stringify(lengths)));

  test('reward-bench grades fresh answers of the model and planted cheats', async () => {
    const result = await espalier(
      'reward-bench',
      'lengths.json',
      '--model',
      'tiny.json',
      '--limit',
      '4',
      '--json',
    );
    // Every answer may be short enough: then the bench says that nothing would be learnt, with exit code 1.
    const [report] = parsed({ ...result, code: 0 }, cliOutputs['reward-bench'].schema) as [RewardBenchReport];
    expect(report).toMatchObject({ from: 'model', answers: 16, questions: 4, notGradable: 0 });
    expect(report.components.map(({ name }) => name)).toEqual(['length']);
    expect(report.planted.map(({ name, count }) => [name, count])).toContainEqual(['very-long', 4]);
    expect(report.planted.find(({ name }) => name === 'very-long')).toMatchObject({ mean: 0 });
    expect(report.planted.find(({ name }) => name === 'empty')).toMatchObject({ mean: 1 });
    expect(result.code).toBe(report.advice.some(({ level }) => level === 'blocking') ? 1 : 0);
  });

  test('reward-bench holds the right answers of the data to full marks', async () => {
    const result = await espalier('reward-bench', 'tiny.json', '--references', 'questions.jsonl', '--json');
    const [report] = parsed(result, cliOutputs['reward-bench'].schema) as [RewardBenchReport];
    expect(report).toMatchObject({ from: 'references', answers: 12, total: { low: 1, high: 1 } });
    expect(report.advice[0]).toMatchObject({ level: 'good' });
  });

  test('rescore grades the stored answers of a run anew', async () => {
    const [report] = parsed(
      await espalier('rescore', 'lengths.json', runId, '--json'),
      cliOutputs.rescore.schema,
    ) as [RescoreReport];
    expect(report).toMatchObject({
      runId,
      answers: 3 * 2 * 4,
      notGradable: 0,
      steps: [1, 2, 3],
      warning: null,
    });
    const stored = only('samples').flatMap((line) => line.samples.filter(({ split }) => split === 'train'));
    const short = stored.filter(({ text }) => Array.from(text.trim()).length <= 3).length / stored.length;
    const mean = report.after.reduce<number>((sum, value) => sum + (value ?? NaN), 0) / 3;
    expect(mean).toBeCloseTo(short, 9);
  });

  test('a run without any signal is held back, and says what to do', async () => {
    const never = {
      components: [{ kind: 'contains', texts: ['a text that no answer of this model holds'] }],
    };
    const budget = { ...experiment.budget, preflight: 'block' };
    writeFileSync(path.join(folder, 'never.json'), JSON.stringify({ ...experiment, reward: never, budget }));
    const result = await espalier('train', 'never.json');
    expect(result.code).toBe(2);
    expect(result.standard).toContain('in no group did the rewards differ');
    expect(result.standard).toContain('budget.preflight');
  });
});
