// The command that looks after judges, against a real server on this computer.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runCommandLine } from '../../../src-main/app/cli/command-line.ts';
import { judgeOutputSchema } from '../../../src-main/contract/cli-output.ts';
import { says, startJudgeServer, type JudgeServer } from '../../helpers/judge-server.ts';
import { root } from './run-launcher.ts';

let folder: string;
let server: JudgeServer;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'espalier-cli-judge-'));
  server = await startJudgeServer();
});
afterAll(async () => {
  await server.down();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  server.seen.length = 0;
  // Prefers what is longer: a judge that people should not trust.
  server.answer = ({ text }) => {
    const answers = [...text.matchAll(/\[(?:FIRST |SECOND )?ANSWER \w+\]\n([^]*?)\n\[END/g)].map(
      ([, answer = '']) => answer.length,
    );
    const [first = 0, second] = answers;
    if (second === undefined) return says({ reason: 'length', score: Math.min(10, first) });
    return says({
      reason: 'length',
      better: first === second ? 'equal' : first > second ? 'first' : 'second',
    });
  };
});

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
    environment: {
      ESPALIER_HOME: path.join(folder, 'home'),
      ESPALIER_CONFIG: path.join(folder, 'config'),
      ESPALIER_KEY_LAB: 'sk-lab-123',
    },
    now: Date.now,
  });
  return { code, standard, errors };
}

const json = async (...words: string[]) => {
  const { standard } = await run('judge', ...words, '--json');
  return judgeOutputSchema.parse(JSON.parse(standard));
};
const file = (name: string, value: unknown): string => {
  const text = Array.isArray(value)
    ? value.map((row) => JSON.stringify(row)).join('\n')
    : JSON.stringify(value);
  writeFileSync(path.join(folder, name), text);
  return name;
};
const judge = (changes: object = {}) =>
  file('judge.json', {
    components: [
      { kind: 'judge', endpoint: server.endpoint, model: 'small-judge', rubric: 'Is it good?', ...changes },
    ],
  });
const pairs = () =>
  file('pairs.jsonl', [
    { q: 'one', a: 'long answer', b: 'short', label: 'a' },
    { q: 'two', a: 'long answer', b: 'short', label: 'b' },
    { q: 'three', a: 'x', b: 'longer', label: 'b' },
    { q: 'four', a: 'same', b: 'size', label: 'tie' },
    { q: 'five', a: 'a', b: 'b', label: null },
  ]);
const columns = ['--prompt', 'Question: {q}', '--first', 'a', '--second', 'b', '--against', 'label'];

describe('judge agree', () => {
  test.each(['score', 'compare'])(
    'counts how often a judge that gives %s says what people said',
    async (mode) => {
      const result = await json('agree', judge({ mode }), '--in', pairs(), ...columns);
      expect(result).toMatchObject({
        pairs: 4,
        undecided: 1,
        notGradable: 0,
        agreement: { value: 0.75 },
        decided: { pairs: 3 },
        table: { second: { first: 1, second: 1 }, equal: { equal: 1 } },
        counts: { requests: 8, cached: 0 },
      });
      // What was judged is kept for the next time, whoever asks.
      const again = await json('agree', judge({ mode }), '--in', pairs(), ...columns);
      expect(again).toMatchObject({ agreement: { value: 0.75 }, counts: { requests: 0, cached: 8 } });
      expect(server.seen).toHaveLength(8);
      expect(server.seen[0]?.text).toContain('Question: ');
      const { standard } = await run('judge', 'agree', judge({ mode }), '--in', pairs(), ...columns);
      expect(standard).toContain('75.0 %');
      expect(standard).toContain("Cohen's kappa");
    },
  );

  test('names the row and the column that it cannot read', async () => {
    const bad = file('bad.jsonl', [{ q: 'x', a: '1', b: '2', label: 'maybe' }]);
    const label = await run('judge', 'agree', judge(), '--in', bad, ...columns);
    expect(label.code).toBe(2);
    expect(label.errors).toMatch(/"maybe" does not say which answer is better[^]*row 1/);
    const missing = file('missing.jsonl', [{ q: 'x', a: '1', label: 'a' }]);
    expect((await run('judge', 'agree', judge(), '--in', missing, ...columns)).errors).toContain(
      'no column "b"',
    );
    const none = file('none.json', { components: [{ kind: 'exact' }] });
    expect((await run('judge', 'agree', none, '--in', bad)).errors).toContain(
      'no component of the kind "judge"',
    );
  });
});

describe('judge', () => {
  test('check says what is wrong, and its exit code too', async () => {
    expect(await json('check', judge())).toMatchObject({
      reachable: true,
      models: ['small-judge'],
      problems: [],
    });
    const other = await run('judge', 'check', judge({ model: 'other' }));
    expect(other.code).toBe(1);
    expect(other.standard).toContain('does not list a model "other"');
    const key = await json('check', judge({ key: 'nobody' }));
    expect(key).toMatchObject({ problems: [{ level: 'error', code: 'judge-key' }] });
  });

  test('keys are listed by name, never told', async () => {
    const { standard } = await run('judge', 'keys');
    expect(standard).toContain('ESPALIER_KEY_LAB');
    expect(standard).not.toContain('sk-lab-123');
    const unknown = await run('judge', 'remove-key', 'nobody');
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.errors).toContain('no key "nobody"');
  });

  test('rubrics that ship can be named in a reward', async () => {
    const shipped = await json('rubrics');
    if (shipped.action !== 'rubrics') throw new Error('another action');
    expect(shipped.rubrics.length).toBeGreaterThan(5);
    for (const { id, mode } of shipped.rubrics) {
      const found = await json('check', judge({ rubric: `builtin:${id}`, mode }));
      expect(found).toMatchObject({ problems: [] });
    }
  });

  test('kept judgements are counted and forgotten', async () => {
    await json('agree', judge(), '--in', pairs(), ...columns);
    const kept = await json('cache');
    expect(kept).toMatchObject({ removed: 0 });
    const cleared = await json('cache', '--clear');
    expect(cleared).toMatchObject({ action: 'cache', replies: 0, bytes: 0, oldest: null });
    expect(cleared.action === 'cache' && cleared.removed).toBeGreaterThan(7);
  });

  test('an action that does not exist is refused', async () => {
    const { code, errors } = await run('judge', 'dance');
    expect(code).toBe(2);
    expect(errors).toContain('check, agree, keys');
  });
});
