/** How question and answer are put together for a reward model: pair template, chat template, and what is refused. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelConfig } from '../../../src-main/models/config.ts';
import { readModelConfig } from '../../../src-main/models/read-config.ts';
import { loadTokenizer } from '../../../src-main/models/tokenizer.ts';
import { openRewardText } from '../../../src-main/training/reward-text.ts';

let root: string;
let config: ModelConfig;
const source = new URL('../../fixtures/reward-models/qwen2-reward/', import.meta.url);

/** A copy of the folder with another template in its tokenizer, or a chat template. */
function folderWith(name: string, change: { pair?: readonly object[]; chat?: string }): string {
  const folder = join(root, name);
  cpSync(source, folder, { recursive: true });
  if (change.chat !== undefined) writeFileSync(join(folder, 'chat_template.jinja'), change.chat);
  if (change.pair !== undefined) {
    const path = join(folder, 'tokenizer.json');
    const tokenizer = z.looseObject({}).parse(JSON.parse(readFileSync(path, 'utf8')));
    const special = (id: string, number: number) => ({ id, ids: [number], tokens: [id] });
    const processor = {
      type: 'TemplateProcessing',
      single: [{ Sequence: { id: 'A', type_id: 0 } }],
      pair: change.pair,
      special_tokens: { '<bos>': special('<bos>', 1), '<eos>': special('<eos>', 2) },
    };
    writeFileSync(path, JSON.stringify({ ...tokenizer, post_processor: processor }));
  }
  return folder;
}

const sequence = (id: 'A' | 'B') => ({ Sequence: { id, type_id: 0 } });
const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
const open = async (folder: string, chat: 'auto' | 'on' | 'off' = 'auto', padId = config.padId) =>
  openRewardText(folder, { ...config, padId }, await loadTokenizer(folder), chat);

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'espalier-reward-text-'));
  ({ config } = await readModelConfig(folderWith('plain', {})));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('without a chat template', () => {
  it('the pair template of the tokenizer puts both together, as tokenizer(question, answer) does', async () => {
    const folder = folderWith('pair', {
      pair: [special('<bos>'), sequence('A'), special('<eos>'), sequence('B'), special('<eos>')],
    });
    const text = await open(folder);
    const tokenizer = await loadTokenizer(folder);
    const [one, two] = await text.encode([
      { prompt: 'What?', response: 'That.' },
      { prompt: 'What?', response: '' },
    ]);
    const ids = async (plain: string) => [...(await tokenizer.encode(plain, { addSpecialTokens: false }))];
    expect([...one!]).toEqual([1, ...(await ids('What?')), 2, ...(await ids('That.')), 2]);
    expect([...two!]).toEqual([1, ...(await ids('What?')), 2, 2]);
    // Where the end token is the padding token, transformers reads before it.
    const [padded] = await (await open(folder, 'auto', 2)).encode([{ prompt: 'What?', response: 'That.' }]);
    expect([...padded!]).toEqual([...one!].slice(0, -1));
  });
  it('keeps the order of many pairs', async () => {
    const text = await open(folderWith('many', {}));
    const given = Array.from({ length: 150 }, (_, place) => ({
      prompt: `${place}:`,
      response: String(place * 7),
    }));
    const ids = await text.encode(given);
    const [last] = await text.encode(given.slice(-1));
    expect(ids).toHaveLength(150);
    expect(ids.at(-1)).toEqual(last);
  });
  it('a chat template that is asked for is missed', async () => {
    await expect(open(folderWith('none', {}), 'on')).rejects.toMatchObject({ code: 'chat-template-missing' });
  });
});

describe('with a chat template', () => {
  const chat =
    "{% for message in messages %}[{{ message['role'] }}]{{ message['content'] }}<eos>{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
  it('question and answer are one finished conversation, without tokens of the tokenizer', async () => {
    const folder = folderWith('chat', { chat, pair: [special('<bos>'), sequence('A'), sequence('B')] });
    const [ids] = await (await open(folder)).encode([{ prompt: 'Hi', response: 'Ho' }]);
    const tokenizer = await loadTokenizer(folder);
    const whole = '[user]Hi<eos>[assistant]Ho<eos>';
    expect(ids).toEqual(await tokenizer.encode(whole, { addSpecialTokens: false }));
    expect(ids!.at(-1)).toBe(2);
  });
  it('switching it off is refused, since scores would be of other texts', async () => {
    await expect(open(folderWith('off', { chat }), 'off')).rejects.toMatchObject({
      code: 'chat-off-reward-model',
    });
  });
});
