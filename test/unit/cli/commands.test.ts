// Help, usage errors and exit codes: of every command in this process, and through the real launcher.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { commonOptions } from '../../../src-main/app/cli/parse-arguments.ts';
import { commands } from '../../../src-main/app/cli/commands/index.ts';
import { runCommandLine } from '../../../src-main/app/cli/command-line.ts';
import {
  cliOutputs,
  errorOutputSchema,
  exportOutputSchema,
  rewardOutputSchema,
} from '../../../src-main/contract/cli-output.ts';
import { root, runLauncher } from './run-launcher.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'espalier-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command line in this process, with nothing of this machine but the file system. */
async function run(...words: string[]): Promise<{ code: number; standard: string; errors: string }> {
  let standard = '';
  let errors = '';
  const code = await runCommandLine(words, {
    standard: { write: (text) => (standard += text) },
    errors: { write: (text) => (errors += text) },
    interrupts: {
      signal: new AbortController().signal,
      first: new Promise(() => {}),
      onSecond: () => {},
      dispose: () => {},
    },
    root,
    workingDirectory: folder,
    environment: { ESPALIER_HOME: path.join(folder, 'home') },
    now: () => 0,
  });
  return { code, standard, errors };
}

function file(name: string, text: string): string {
  writeFileSync(path.join(folder, name), text);
  return name;
}

/** Names of the fields that a schema knows, however deep the wrapping. */
function topFields(schema: z.ZodType): string[] {
  if (schema instanceof z.ZodArray) return topFields(schema.element as z.ZodType).map((name) => `[].${name}`);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

describe('help', () => {
  test('of the whole names every command', async () => {
    const { code, standard, errors } = await run('--help');
    expect([code, errors]).toEqual([0, '']);
    for (const command of commands) expect(standard).toContain(`\n  ${command.name} `);
  });

  test('without a command is a usage error', async () => {
    const { code, standard, errors } = await run();
    expect([code, standard]).toEqual([2, '']);
    expect(errors).toContain('Usage: espalier COMMAND');
  });

  test.each(commands.map((command) => [command.name, command] as const))(
    'of %s is complete',
    async (name, command) => {
      const { code, standard, errors } = await run(name, '--help');
      expect([code, errors]).toEqual([0, '']);
      expect(standard).toMatch(new RegExp(`^Usage: espalier ${name}`));
      for (const option of Object.keys({ ...command.options, ...commonOptions }))
        expect(standard).toContain(`--${option}`);
      for (const positional of command.positionals) expect(standard).toContain(positional.name);
      for (const field of Object.keys(cliOutputs[name].fields)) expect(standard).toContain(field);
      expect(command.examples.length).toBeGreaterThan(0);
      for (const line of standard.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
      expect(await run('help', name)).toEqual({ code, standard, errors });
    },
  );

  test.each(Object.entries(cliOutputs))('the fields of %s are those of its schema', (_name, output) => {
    const written = new Set(Object.keys(output.fields).map((field) => field.replace(/(?<!^)\[\].*$/, '')));
    for (const field of topFields(output.schema)) expect([...written]).toContain(field);
  });
});

describe('bad usage ends with 2 and says what to do', () => {
  test.each([
    [['trian'], 'Did you mean train?'],
    [['xyzzy'], 'Unknown command "xyzzy".'],
    [['--browser', 'start'], 'The command comes first'],
    [['runs', '--delted'], 'Did you mean --deleted?'],
    [['show'], 'RUN is missing'],
    [['train'], 'EXPERIMENT.json is missing'],
    [['train', 'nowhere.json'], 'There is no experiment file'],
    [['train', '--resume', 'last', '--set', 'a=1'], 'exclude each other'],
    [['train', '--resume', 'abc'], 'There is no run "abc"'],
    [['generate', 'x'], '--prompt or --in is missing'],
    [['generate', 'nowhere', '--prompt', 'a'], 'There is no folder and no run "nowhere"'],
    [['generate', './nowhere', '--prompt', 'a'], 'There is no such folder'],
    [['generate', 'builtin:nothing', '--prompt', 'a'], 'ships with Espalier'],
    [['score', 'x'], '--in FILE.jsonl is missing'],
    [['reward', 'x.json'], '--in FILE.jsonl is missing'],
    [['export', 'x'], '--out DIR is missing'],
    [['export', 'x', '--to', 'hg', '--out', 'y'], 'Did you mean hf?'],
    [['serve', '--port', '70000'], 'at most 65535'],
  ])('%j', async (words, message) => {
    const { code, standard, errors } = await run(...words);
    expect(errors).toContain(message);
    expect(errors).not.toContain('    at ');
    expect([code, standard]).toEqual([2, '']);
  });

  test('--json puts the error on standard output as well', async () => {
    const { code, standard } = await run('show', 'abc', '--json');
    expect(code).toBe(2);
    const { error } = errorOutputSchema.parse(JSON.parse(standard));
    expect(error).toMatchObject({ kind: 'user', code: 'run-unknown' });
  });

  test('a data directory that is a file', async () => {
    const { code, errors } = await run('runs', '--data', file('plain', 'x'));
    expect(code).toBe(2);
    expect(errors).toContain('is a file');
  });

  test('reading commands leave nothing behind where nothing is stored', async () => {
    expect((await run('runs', '--json', '--data', 'untouched')).standard).toBe('[]\n');
    expect(existsSync(path.join(folder, 'untouched'))).toBe(false);
  });
});

describe('an experiment that cannot work is refused before anything is stored', () => {
  test('unknown field, by its nearest name', async () => {
    file(
      'bad.json',
      JSON.stringify({ version: 1, name: 'x', model: { pth: 'm' }, data: { path: 'd.jsonl' } }),
    );
    const { code, errors } = await run('train', 'bad.json');
    expect(code).toBe(2);
    expect(errors).toContain('path');
    const { code: second, errors: other } = await run(
      'train',
      'bad.json',
      '--set',
      'model={"path":"m"}',
      '--set',
      'budget.stps=3',
    );
    expect(second).toBe(2);
    expect(other).toContain('steps');
    await expect(run('runs', '--json')).resolves.toMatchObject({ standard: '[]\n' });
  });
});

describe('reward', () => {
  const rows = [
    { prompt: '1+1=', response: ' 2 ', answer: '2' },
    { prompt: '1+1=', response: 'three', answer: '2' },
    { prompt: '1+1=', response: '2', answer: '' },
  ];

  test('grades every row, of a reward and of an experiment alike', async () => {
    file('answers.jsonl', rows.map((row) => JSON.stringify(row)).join('\n\n'));
    file('reward.json', '{"components":[{"kind":"number"},{"kind":"number","name":"half","weight":0.5}]}');
    const { code, standard, errors } = await run('reward', 'reward.json', '--in', 'answers.jsonl', '--json');
    expect([code, errors]).toEqual([0, '']);
    const lines = standard
      .trim()
      .split('\n')
      .map((line) => rewardOutputSchema.parse(JSON.parse(line)));
    expect(lines.map((line) => line.total)).toEqual([1.5, 0, null]);
    expect(lines[0]?.components).toEqual({ number: 1, half: 1 });
    expect(Object.keys(lines[2]?.reasons ?? {})).toEqual(['number', 'half']);
    file(
      'whole.json',
      JSON.stringify({ version: 1, name: 'x', reward: { components: [{ kind: 'exact' }] } }),
    );
    expect((await run('reward', 'whole.json', '--in', 'answers.jsonl')).standard).toContain('row 1: 1');
  });

  test('says which answers are left out, and takes how long they were', async () => {
    const components = [{ kind: 'length', unit: 'tokens', max: 5 }];
    file('masking.json', JSON.stringify({ components, truncated: 'mask' }));
    const answers = [
      { response: 'a', tokens: 8, finish: 'length' },
      { response: 'a', tokens: 4 },
      { response: 'a' },
    ];
    file('ended.jsonl', answers.map((row) => JSON.stringify(row)).join('\n'));
    const { standard } = await run('reward', 'masking.json', '--in', 'ended.jsonl', '--json');
    const lines = standard
      .trim()
      .split('\n')
      .map((line) => rewardOutputSchema.parse(JSON.parse(line)));
    expect(lines.map(({ total, masked }) => [total, masked])).toEqual([
      [null, true],
      [1, undefined],
      [null, undefined],
    ]);
    const text = (await run('reward', 'masking.json', '--in', 'ended.jsonl')).standard;
    expect(text).toContain('row 1: left out');
    expect(text).toContain('row 3: not gradable');
  });

  test.each([
    ['{"components":[{"kind":"numbr"}]}', '{"response":"2"}', 'number'],
    ['{"components":[]', '{"response":"2"}', 'no JSON'],
    ['{"components":[{"kind":"exact"}]}', '{"respons":"2"}', 'another form'],
    ['{"components":[{"kind":"exact"}]}', '{"response":', 'line 1'],
    ['{"components":[{"kind":"exact"}]}', '\n\n', 'no rows'],
  ])('%s with %s is refused', async (reward, answers, message) => {
    file('r.json', reward);
    file('a.jsonl', answers);
    const { code, errors } = await run('reward', 'r.json', '--in', 'a.jsonl');
    expect(code).toBe(2);
    expect(errors).toContain(message);
  });
});

describe('export', () => {
  const model = path.join(root, 'test', 'fixtures', 'models', 'llama-mha');

  test('copies a model folder whole, refuses to overwrite, replaces with --force', async () => {
    const { code, standard } = await run('export', model, '--out', 'deep/model', '--json');
    expect(code).toBe(0);
    const result = exportOutputSchema.parse(JSON.parse(standard));
    expect(result.files).toEqual(readdirSync(path.join(folder, 'deep', 'model')).sort());
    expect(readFileSync(path.join(folder, 'deep', 'model', 'config.json'))).toEqual(
      readFileSync(path.join(model, 'config.json')),
    );

    const again = await run('export', model, '--out', 'deep/model');
    expect(again.code).toBe(2);
    expect(again.errors).toContain('--force');
    writeFileSync(path.join(folder, 'deep', 'model', 'extra.txt'), 'x');
    expect((await run('export', model, '--out', 'deep/model', '--force')).code).toBe(0);
    expect(readdirSync(path.join(folder, 'deep'))).toEqual(['model']);
    expect(existsSync(path.join(folder, 'deep', 'model', 'extra.txt'))).toBe(false);
  });

  test('refuses a broken model and a target inside the model', async () => {
    const inside = path.join(folder, 'deep', 'model');
    expect((await run('export', inside, '--out', 'deep/model/copy')).errors).toContain('in one another');
    mkdirSync(path.join(folder, 'empty'));
    const { code } = await run('export', './empty', '--out', 'never');
    expect(code).toBe(2);
    expect(existsSync(path.join(folder, 'never'))).toBe(false);
  });
});

describe('through the launcher', () => {
  test('help, version and codes', async () => {
    const data = path.join(folder, 'launcher-data');
    const [help, version, unknown, runs] = await Promise.all([
      runLauncher(['train', '--help']),
      runLauncher(['--version']),
      runLauncher(['trian']),
      runLauncher(['runs', '--json'], { environment: { ESPALIER_HOME: data } }),
    ]);
    expect(help).toMatchObject({ code: 0, errors: '' });
    expect(help.standard).toBe((await run('train', '--help')).standard);
    expect(version.standard).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(unknown).toMatchObject({ code: 2, standard: '' });
    expect(runs).toMatchObject({ code: 0, standard: '[]\n', errors: '' });
  });
});
