/** The tokenizer files of the starter models: every character is one token, and text comes back unchanged. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { Tokenizer } from 'tokenizers';
import { describe, expect, it } from 'vitest';

const resources = resolve(import.meta.dirname, '../../../resources');
const read = (folder: string, file: string): string => readFileSync(resolve(resources, folder, file), 'utf8');
const printable = [...'\n', ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))].join('');

describe.each(['starter', 'starter-qwen3'])('%s', (folder) => {
  const tokenizer = Tokenizer.fromString(read(folder, 'tokenizer.json'));
  const config: Record<string, number> = JSON.parse(read(folder, 'config.json'));

  it('numbers the special tokens 0 to 3 and fills a vocabulary that is a multiple of 16', () => {
    expect(['<pad>', '<bos>', '<eos>', '<unk>'].map((token) => tokenizer.tokenToId(token))).toEqual([
      0, 1, 2, 3,
    ]);
    expect(tokenizer.getVocabSize(true)).toBe(config['vocab_size']);
    expect((config['vocab_size'] ?? 0) % 16).toBe(0);
    expect([config['pad_token_id'], config['bos_token_id'], config['eos_token_id']]).toEqual([0, 1, 2]);
  });

  it('has sizes that are multiples of 16 and heads of 32', () => {
    for (const size of ['hidden_size', 'intermediate_size', 'head_dim'])
      expect((config[size] ?? 1) % 16).toBe(0);
    expect(config['head_dim']).toBe(32);
  });

  it('puts <bos> before the text when special tokens are asked for', async () => {
    const ids = (await tokenizer.encode('1+2=', null, { addSpecialTokens: true })).getIds();
    expect([...ids]).toEqual([
      1,
      ...(await tokenizer.encode('1+2=', null, { addSpecialTokens: false })).getIds(),
    ]);
    expect(ids.length).toBe(5);
  });

  it('gives printable text back, one token a character', async () => {
    const text = fc.string({ unit: fc.constantFrom(...printable), maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(text, async (original) => {
        const ids = (await tokenizer.encode(original, null, { addSpecialTokens: false })).getIds();
        // Text that spells a special token is that token: the one exception to one token a character.
        if (!/<(?:pad|bos|eos|unk)>/.test(original)) expect(ids.length).toBe(original.length);
        expect(await tokenizer.decode([...ids], false)).toBe(original);
      }),
      { numRuns: 60 },
    );
    const all = (await tokenizer.encode(printable, null, { addSpecialTokens: false })).getIds();
    expect(new Set(all).size).toBe(96);
    expect(await tokenizer.decode([...all], true)).toBe(printable);
  });

  it('turns other characters into <unk>', async () => {
    expect([...(await tokenizer.encode('日', null, { addSpecialTokens: false })).getIds()]).toEqual([3]);
  });

  it('has the same special tokens in all its files', () => {
    const map: Record<string, string> = JSON.parse(read(folder, 'special_tokens_map.json'));
    const settings: Record<string, unknown> = JSON.parse(read(folder, 'tokenizer_config.json'));
    for (const [role, token] of Object.entries(map)) expect(settings[role]).toBe(token);
    expect(settings['chat_template']).toBeUndefined();
  });
});
