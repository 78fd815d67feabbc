import { resolve } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../../src-main/models/config.ts';
import { readModelConfig } from '../../../src-main/models/read-config.ts';
import { loadTokenizer } from '../../../src-main/models/tokenizer.ts';
import type { Tokenizer } from '../../../src-main/models/tokenizer.ts';
import { AnswerDecoder } from '../../../src-main/training/answer-text.ts';
import { openText } from '../../../src-main/training/prepare-text.ts';
import type { OpenedText } from '../../../src-main/training/prepare-text.ts';

/** A byte-level tokenizer, one that adds a beginning of its own, and a SentencePiece one that drops leading spaces. */
const names = ['gpt2', 'llama3', 'llama2'] as const;
const folderOf = (name: string): string => resolve('test/fixtures/text/tokenizers', name);

describe.each(names)('text of a model with the tokenizer %s', (name) => {
  let text: OpenedText;
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    const config: ModelConfig = {
      ...(await readModelConfig(resolve('test/fixtures/models/llama-mha'))).config,
      vocabularySize: 300_000,
    };
    text = await openText(folderOf(name), config, 'off');
    tokenizer = await loadTokenizer(folderOf(name));
  });

  it('reads prompts as the tokenizer does, its own beginning included', async () => {
    const [encoded] = await text.encodePrompts(['12 + 7 =']);
    const expected = await tokenizer.encode('12 + 7 =', { addSpecialTokens: true });
    expect([...encoded!.promptIds]).toEqual([...expected]);
  });

  it('keeps the ids of a prompt whatever the response, and together they spell both', async () => {
    const words = fc.array(
      fc.constantFrom('a', ' b', '12', ' 12', '=', '\n', 'é', '🙂', ' the', 'ing', ' '),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(words, words, async (prompt, response) => {
        const pair = { prompt: prompt.join(''), response: response.join('') };
        const [[encoded], [alone]] = await Promise.all([
          text.encodePairs([pair]),
          text.encodePrompts([pair.prompt]),
        ]);
        expect([...encoded!.promptIds]).toEqual([...alone!.promptIds]);
        const spelt = await tokenizer.decode([...encoded!.promptIds, ...encoded!.answerIds], {
          skipSpecial: true,
        });
        // SentencePiece may put a space before a response that has to be read by itself.
        expect(spelt.replace(/ /g, '')).toBe((pair.prompt + pair.response).replace(/ /g, ''));
      }),
      { numRuns: 60 },
    );
  });

  it('says of ordinary answers where each token ends', async () => {
    const decoder = new AnswerDecoder(tokenizer);
    const ids = (await tokenizer.encode('The answer is 12, I think.', { addSpecialTokens: false })).slice();
    const [answer] = await decoder.decode([{ ids, finish: 'length' }]);
    expect(answer!.text).toBe(await tokenizer.decode(ids, { skipSpecial: true }));
    const pieces = await tokenizer.pieces(ids);
    let end = 0;
    expect([...answer!.tokenEnds!]).toEqual(pieces.map((piece) => (end += piece.length)));
  });

  it('leaves the token out that ended an answer, and never says a wrong place', async () => {
    const decoder = new AnswerDecoder(tokenizer);
    const size = Math.min(tokenizer.vocabularySize, 2000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: size - 1 }), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        async (list, stop) => {
          const ids = Int32Array.from(list);
          const [answer] = await decoder.decode([{ ids, finish: stop ? 'stop' : 'length' }]);
          expect(answer!.text).toBe(
            await tokenizer.decode(stop ? list.slice(0, -1) : list, { skipSpecial: true }),
          );
          const ends = answer!.tokenEnds;
          if (ends === undefined) return;
          expect(ends).toHaveLength(list.length);
          expect(ends.at(-1)).toBe(answer!.text.length);
          expect([...ends]).toEqual([...ends].sort((a, b) => a - b));
        },
      ),
      { numRuns: 60 },
    );
  });
});
