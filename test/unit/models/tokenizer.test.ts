/** The tokenizer against the recorded answers of Hugging Face's tokenizers, for 22 families. */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readModelConfig } from '../../../src-main/models/read-config.ts';
import { checkTokenizerFits, loadTokenizer } from '../../../src-main/models/tokenizer.ts';
import type { Tokenizer } from '../../../src-main/models/tokenizer.ts';

const root = join(import.meta.dirname, '../../fixtures/text/tokenizers');
const models = join(import.meta.dirname, '../../fixtures/models');

const ids = z.array(z.int());
const streamSchema = z
  .looseObject({
    pieces: z.array(z.string().nullable()).optional(),
    rest: z.string().nullable().optional(),
    error: z.unknown().optional(),
    joined_differs: z.unknown().optional(),
  })
  .partial();
const casesSchema = z.object({
  vocab_size: z.int(),
  encode: z.array(
    z.object({
      name: z.string(),
      text: z.string(),
      ids,
      ids_with_special: ids.optional(),
      ids_special_as_text: ids.optional(),
      offsets: ids,
      offsets_utf16: ids.optional(),
      decoded: z.string(),
      decoded_skip_special: z.string().optional(),
      stream: streamSchema,
    }),
  ),
  decode: z.array(
    z.object({
      name: z.string(),
      ids,
      text: z.string(),
      text_skip_special: z.string().optional(),
      stream: streamSchema,
      stream_skip_special: streamSchema.optional(),
    }),
  ),
});

const families = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const seen = { encode: 0, decode: 0 };

async function streamed(
  tokenizer: Tokenizer,
  list: readonly number[],
  skipSpecial: boolean,
): Promise<{ pieces: (string | null)[]; rest: string }> {
  const stream = tokenizer.stream({ skipSpecial });
  const pieces: (string | null)[] = [];
  for (const id of list) pieces.push(await stream.push(id));
  return { pieces, rest: await stream.finish() };
}

async function checkStream(
  tokenizer: Tokenizer,
  list: readonly number[],
  skipSpecial: boolean,
  text: string,
  expected: z.infer<typeof streamSchema>,
): Promise<void> {
  const { pieces, rest } = await streamed(tokenizer, list, skipSpecial);
  // Where the reference gives up, only not failing counts.
  if (expected.error !== undefined || expected.joined_differs !== undefined) return;
  expect(pieces).toEqual(expected.pieces);
  expect(pieces.join('') + rest).toBe(text);
}

describe.each(families)('tokenizer %s', (family) => {
  let tokenizer: Tokenizer;
  let cases: z.infer<typeof casesSchema>;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(join(root, family));
    cases = casesSchema.parse(JSON.parse(await readFile(join(root, family, 'cases.json'), 'utf8')));
  });

  it('encodes every text as the reference does, with and without special tokens and with them as text', async () => {
    const texts = cases.encode.map(({ text }) => text);
    seen.encode += texts.length;
    const plain = await tokenizer.encodeBatch(texts, { addSpecialTokens: false });
    const special = await tokenizer.encodeBatch(texts, { addSpecialTokens: true });
    const asText = await tokenizer.encodeBatch(texts, { addSpecialTokens: false, specialsAsText: true });
    for (const [index, one] of cases.encode.entries()) {
      expect(Array.from(plain[index] ?? []), one.name).toEqual(one.ids);
      expect(Array.from(special[index] ?? []), one.name).toEqual(one.ids_with_special ?? one.ids);
      expect(Array.from(asText[index] ?? []), one.name).toEqual(one.ids_special_as_text ?? one.ids);
    }
  });

  it('tells where each id lies in the text', async () => {
    for (const one of cases.encode) {
      const { offsets } = await tokenizer.encodeWithOffsets(one.text, { addSpecialTokens: false });
      expect(Array.from(offsets), one.name).toEqual(one.offsets_utf16 ?? one.offsets);
    }
  });

  it('decodes ids of texts and of a model in training, with and without special tokens', async () => {
    const lists = [
      ...cases.encode.map((one) => ({
        name: one.name,
        ids: one.ids_with_special ?? one.ids,
        kept: one.decoded,
        skipped: one.decoded_skip_special ?? one.decoded,
      })),
      ...cases.decode.map((one) => ({
        name: one.name,
        ids: one.ids,
        kept: one.text,
        skipped: one.text_skip_special ?? one.text,
      })),
    ];
    seen.decode += cases.decode.length;
    const kept = await tokenizer.decodeEach(
      lists.map((one) => one.ids),
      { skipSpecial: false },
    );
    const skipped = await tokenizer.decodeEach(
      lists.map((one) => one.ids),
      { skipSpecial: true },
    );
    for (const [index, one] of lists.entries()) {
      expect(kept[index], one.name).toBe(one.kept);
      expect(skipped[index], one.name).toBe(one.skipped);
    }
  });

  it('streams the same pieces as the reference', async () => {
    for (const one of cases.encode) {
      await checkStream(
        tokenizer,
        one.ids_with_special ?? one.ids,
        true,
        one.decoded_skip_special ?? one.decoded,
        one.stream,
      );
    }
    for (const one of cases.decode) {
      await checkStream(tokenizer, one.ids, false, one.text, one.stream);
      await checkStream(
        tokenizer,
        one.ids,
        true,
        one.text_skip_special ?? one.text,
        one.stream_skip_special ?? one.stream,
      );
    }
  });

  it('paints pieces that join to the decoded text, also of invalid bytes', async () => {
    for (const one of cases.decode) {
      const pieces = await tokenizer.pieces(Int32Array.from(one.ids));
      expect(pieces).toHaveLength(one.ids.length);
      expect(pieces.join(''), one.name).toBe(one.text);
    }
  });
});

describe('tokenizer folders', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'espalier-tokenizer-'));
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  it('saw every recorded case', () => {
    expect(seen).toEqual({ encode: 2194, decode: 804 });
  });

  it('knows size, special tokens and their ids', async () => {
    const tokenizer = await loadTokenizer(join(models, 'llama-mha'));
    expect(tokenizer.vocabularySize).toBe(99);
    expect(tokenizer.eosId).toBe(2);
    expect(tokenizer.idToToken(2)).toBe('<eos>');
    expect(tokenizer.specialTokens['eos_token']).toBe('<eos>');
    expect([...tokenizer.specialIds]).toEqual([0, 1, 2, 3]);
    expect(await tokenizer.decode([], { skipSpecial: true })).toBe('');
    expect(await tokenizer.encodeBatch([], { addSpecialTokens: true })).toEqual([]);
    expect(await tokenizer.pieces([])).toEqual([]);
  });

  it('says when a tokenizer has ids beyond the embedding', async () => {
    const { config } = await readModelConfig(join(models, 'llama-mha'));
    const tokenizer = await loadTokenizer(join(models, 'llama-mha'));
    checkTokenizerFits(tokenizer, config);
    expect(() => checkTokenizerFits(tokenizer, { ...config, vocabularySize: 98 })).toThrow(
      expect.objectContaining({
        code: 'tokenizer-too-large',
        message: expect.stringContaining('has the id 98'),
      }),
    );
  });

  it('says when there is no tokenizer.json, and what is there instead', async () => {
    expect(await readdir(folder)).toEqual([]);
    await expect(loadTokenizer(folder)).rejects.toMatchObject({ code: 'tokenizer-missing', where: folder });
    await writeFile(join(folder, 'tokenizer.model'), 'x');
    await expect(loadTokenizer(folder)).rejects.toMatchObject({
      message: expect.stringContaining('tokenizer.model'),
    });
  });

  it.each([
    ['cut off', '{"version":"1.0","model":{"type":"BPE"', 'not valid JSON'],
    ['not an object', '[]', 'not as expected'],
    ['no model', '{"version":"1.0"}', 'model'],
    ['unknown model', '{"version":"1.0","model":{"type":"Hyper","vocab":{},"merges":[]}}', 'cannot be used'],
    [
      'a merge of unknown tokens',
      '{"version":"1.0","model":{"type":"BPE","vocab":{"a":0},"merges":["b c"]}}',
      'cannot be used',
    ],
    [
      'a broken expression',
      '{"version":"1.0","pre_tokenizer":{"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated","invert":false},"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}',
      'cannot be used',
    ],
  ])('refuses a tokenizer.json that is damaged: %s', async (_, json, message) => {
    await writeFile(join(folder, 'tokenizer.json'), json);
    await expect(loadTokenizer(folder)).rejects.toMatchObject({
      code: expect.stringMatching(/tokenizer-invalid|model-config-invalid/),
      message: expect.stringContaining(message),
    });
  });
});
