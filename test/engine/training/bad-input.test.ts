/** What cannot work is refused before weights are loaded, in words that say what to do, and leaves nothing behind. */
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunConfig } from '../../../src-main/contract/experiment.ts';
import { planRun } from '../../../src-main/training/prepare-run.ts';
import { modelFolder, newFolder, runConfig, trainHere, writeQuestions } from './run-folder.ts';

let root: string;
let data: string;
beforeAll(async () => {
  root = await newFolder();
  data = await writeQuestions(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function rows(name: string, list: readonly Record<string, unknown>[]): Promise<string> {
  const path = join(root, name);
  await writeFile(path, list.map((row) => JSON.stringify(row)).join('\n'));
  return path;
}

/** A copy of the model with some files changed or (null) removed. */
async function modelWith(name: string, files: Record<string, string | null>): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder);
  for (const file of [
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ]) {
    if (files[file] !== null) await cp(join(modelFolder, file), join(folder, file));
  }
  for (const [file, text] of Object.entries(files))
    if (text !== null) await writeFile(join(folder, file), text);
  return folder;
}

async function refusal(
  config: RunConfig,
  memory = 4e9,
): Promise<{ kind: string; code: string; message: string; advice?: string; where?: string }> {
  try {
    await planRun(config, memory);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    return error as never;
  }
  throw new Error('it was accepted');
}

describe('data', () => {
  it('without rows, questions or right answers', async () => {
    const empty = await rows('empty.jsonl', []);
    expect(await refusal(runConfig(empty))).toMatchObject({
      kind: 'user',
      where: expect.stringContaining('empty.jsonl'),
    });
    const other = await rows('other.jsonl', [{ question: '1', answer: '2' }]);
    expect(await refusal(runConfig(other))).toMatchObject({
      kind: 'user',
      code: 'data-column',
      advice: expect.stringContaining('question'),
    });
    const unanswered = await rows('unanswered.jsonl', [
      { prompt: '1', answer: '' },
      { prompt: '2', answer: ' ' },
    ]);
    expect(await refusal(runConfig(unanswered))).toMatchObject({ kind: 'user', code: 'data-answer-empty' });
  });

  it('of which every question is too long, for the setting or for the model', async () => {
    expect(await refusal(runConfig(data, { budget: { maxPromptTokens: 1 } }))).toMatchObject({
      code: 'prompts-too-long',
      message: expect.stringContaining('1 tokens (budget.maxPromptTokens)'),
      advice: expect.stringContaining('2 tokens'),
    });
    expect(await refusal(runConfig(data, { budget: { maxTokens: 127 } }))).toMatchObject({
      code: 'prompts-too-long',
      message: expect.stringContaining("the model's 128 less 127"),
    });
    expect(await refusal(runConfig(data, { budget: { maxTokens: 128 } }))).toMatchObject({
      code: 'answer-too-long',
      where: 'budget.maxTokens',
    });
  });

  it('of which some questions are too long is used without them, and they are counted', async () => {
    const mixed = await rows('mixed.jsonl', [
      ...Array.from({ length: 6 }, (_, row) => ({ prompt: `${row}=`, answer: '1' })),
      { prompt: '1+2+3+4+5+6+7+8+9=', answer: '45' },
    ]);
    const plan = await planRun(
      runConfig(mixed, { budget: { maxPromptTokens: 5 }, data: { holdOut: 0 } }),
      4e9,
    );
    expect(plan.prompts).toMatchObject({ dropped: 1, longestPrompt: 2 });
    expect(plan.prompts.train).toHaveLength(6);
    expect(plan.warnings.join()).toContain('1 training rows were left out');
    expect(plan.warnings.join()).toContain('No questions are held out');
  });

  it('for SFT leaves out rows without an answer, and puts the end token behind the others', async () => {
    const path = await rows('sft.jsonl', [
      { prompt: '1=', answer: '1' },
      { prompt: '2=', answer: '' },
      { prompt: '3=', answer: '33' },
    ]);
    const config = runConfig(path, {
      method: { estimator: 'sft', groupSize: undefined },
      data: { holdOut: 0 },
    });
    const { train, dropped } = (await planRun({ ...config, reward: undefined }, 4e9)).prompts;
    expect(dropped).toBe(1);
    expect(train.map(({ promptIds, answerIds }) => [[...promptIds], [...(answerIds ?? [])]])).toEqual([
      [
        [21, 33],
        [21, 2],
      ],
      [
        [23, 33],
        [23, 23, 2],
      ],
    ]);
  });

  it('that is trained on is never also held out', async () => {
    const evaluation = await rows('evaluation.jsonl', [
      { prompt: '1=', answer: '1' },
      { prompt: ' 2= ', answer: '2' },
    ]);
    const plan = await planRun(runConfig(data, { data: { evaluation } }), 4e9);
    expect(plan.prompts.train).toHaveLength(10);
    expect(plan.prompts.evaluation).toHaveLength(2);
  });
});

describe('model', () => {
  it('without weights, with truncated weights, or with tensors of another shape', async () => {
    expect(
      await refusal(
        runConfig(data, { model: { path: await modelWith('no-weights', { 'model.safetensors': null }) } }),
      ),
    ).toMatchObject({ kind: 'user', code: 'weights-missing' });
    const cut = await modelWith('cut', {});
    await writeFile(
      join(cut, 'model.safetensors'),
      (await readFile(join(modelFolder, 'model.safetensors'))).subarray(0, 50_000),
    );
    expect(await refusal(runConfig(data, { model: { path: cut } }))).toMatchObject({
      kind: 'user',
      code: 'weights-damaged',
    });
    const config = JSON.parse(await readFile(join(modelFolder, 'config.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    const wrong = await modelWith('wrong', {
      'config.json': JSON.stringify({ ...config, intermediate_size: 128 }),
    });
    expect(await refusal(runConfig(data, { model: { path: wrong } }))).toMatchObject({
      kind: 'user',
      code: 'model-tensors-wrong',
    });
    const unknown = await modelWith('unknown', {
      'config.json': JSON.stringify({ ...config, architectures: ['MambaForCausalLM'], model_type: 'mamba' }),
    });
    expect(await refusal(runConfig(data, { model: { path: unknown } }))).toMatchObject({
      kind: 'user',
      code: 'model-unsupported',
      message: expect.stringContaining('amba'),
    });
  });

  it('without a tokenizer, with ids beyond the embedding, or without the chat template that is asked for', async () => {
    expect(
      await refusal(
        runConfig(data, { model: { path: await modelWith('mute', { 'tokenizer.json': null }) } }),
      ),
    ).toMatchObject({ kind: 'user', code: 'tokenizer-missing' });
    const tokenizer = JSON.parse(await readFile(join(modelFolder, 'tokenizer.json'), 'utf8')) as {
      added_tokens: unknown[];
    };
    tokenizer.added_tokens.push({
      id: 104,
      content: '<more>',
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    });
    const large = await modelWith('large', { 'tokenizer.json': JSON.stringify(tokenizer) });
    expect(await refusal(runConfig(data, { model: { path: large } }))).toMatchObject({
      kind: 'user',
      code: 'tokenizer-too-large',
    });
    expect(await refusal(runConfig(data, { model: { chat: 'on' } }))).toMatchObject({
      kind: 'user',
      code: 'chat-template-missing',
    });
  });

  it('with a chat template gets its questions through it, unless that is switched off', async () => {
    const path = await modelWith('chat', {
      'chat_template.jinja': '{{ bos_token }}{{ messages[0].content }}!',
    });
    const ids = async (chat: string): Promise<number[]> => [
      ...(await planRun(runConfig(data, { model: { path, chat } }), 4e9)).prompts.train[0]!.promptIds,
    ];
    const plain = await ids('off');
    expect(await ids('auto')).toEqual([1, ...plain, 5]);
    expect(await ids('on')).toEqual([1, ...plain, 5]);
  });
});

describe('settings', () => {
  it('that cannot work: one answer a group, no reward, too little memory', async () => {
    expect(await refusal(runConfig(data, { method: { groupSize: 1 } }))).toMatchObject({
      kind: 'user',
      code: 'group-too-small',
    });
    expect(await refusal({ ...runConfig(data), reward: undefined })).toMatchObject({
      kind: 'user',
      code: 'reward-missing',
    });
    expect(await refusal(runConfig(data), 1e8)).toMatchObject({
      kind: 'environment',
      code: 'memory-too-small',
      message: expect.stringContaining('0.1 GB are free'),
    });
  });

  it('leave no folder of a half-made run', async () => {
    const runDirectory = join(root, 'half');
    await expect(
      trainHere(runConfig(data, { method: { groupSize: 1 } }), runDirectory),
    ).rejects.toMatchObject({ code: 'group-too-small' });
    expect(await readdir(root)).not.toContain('half');
  });
});
