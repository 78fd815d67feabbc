/**
 * Makes a tokenizer for text from users, in which `<|im_end|>` and the like are plain text: the special tokens are
 * renamed to private-use characters that no text holds, so that nobody forges a turn of a conversation.
 */
import { z } from 'zod';

const tokenizerSchema = z.looseObject({
  added_tokens: z
    .array(z.looseObject({ content: z.string(), special: z.boolean().default(false) }))
    .nullish(),
  model: z.looseObject({ type: z.string().nullish(), unk_token: z.string().nullish(), vocab: z.unknown() }),
});

/** First of the characters of the private-use plane 16. */
const PRIVATE = 0x10_0000;

/** The text of `tokenizer.json` with every special added token renamed; throws a ZodError for another format. */
export function renameSpecials(json: string): string {
  const tokenizer = tokenizerSchema.parse(JSON.parse(json));
  const renamed = new Map<string, string>();
  for (const token of tokenizer.added_tokens ?? []) {
    if (!token.special) continue;
    const name = String.fromCodePoint(PRIVATE + renamed.size, PRIVATE + 0xfff0);
    renamed.set(token.content, name);
    token.content = name;
  }
  const { model } = tokenizer;
  // A Unigram vocabulary is a list of pairs, and its own entries must go on matching text.
  if (typeof model.vocab === 'object' && model.vocab !== null && !Array.isArray(model.vocab)) {
    model.vocab = Object.fromEntries(
      Object.entries(model.vocab).map(([token, id]) => [renamed.get(token) ?? token, id]),
    );
    if (model.unk_token != null) model.unk_token = renamed.get(model.unk_token) ?? model.unk_token;
  }
  return JSON.stringify(tokenizer);
}
