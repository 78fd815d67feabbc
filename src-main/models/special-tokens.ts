/**
 * The named special tokens of a model folder (`bos_token`, `eos_token`, …) from `tokenizer_config.json` and
 * `special_tokens_map.json`, as chat templates see them.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile } from './read-json.ts';

/** Name of a special token, such as `eos_token`, to its text; lists for `additional_special_tokens`. */
export type SpecialTokens = Readonly<Record<string, string | readonly string[]>>;

const names = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];
const lists = ['additional_special_tokens', 'extra_special_tokens'];

const tokenSchema = z.union([
  z.string(),
  z.looseObject({ content: z.string() }).transform(({ content }) => content),
]);
const objectSchema = z.record(z.string(), z.unknown());

function collect(
  from: Readonly<Record<string, unknown>>,
  tokens: Record<string, string | readonly string[]>,
): void {
  for (const [name, value] of Object.entries(from)) {
    // Multimodal and tool-using tokenizers name tokens of their own, such as `image_token`.
    if (names.includes(name) || (name.endsWith('_token') && !name.startsWith('add_'))) {
      const token = tokenSchema.safeParse(value);
      if (token.success) tokens[name] = token.data;
    } else if (lists.includes(name)) {
      const list = z.array(tokenSchema).safeParse(value);
      if (list.success && list.data.length > 0) tokens[name] = list.data;
      const named = z.record(z.string(), tokenSchema).safeParse(value);
      if (named.success) Object.assign(tokens, named.data);
    }
  }
}

/** Reads the named special tokens of a model folder; empty where it names none. `tokenizer_config.json` wins. */
export async function readSpecialTokens(folder: string): Promise<SpecialTokens> {
  const tokens: Record<string, string | readonly string[]> = {};
  for (const file of ['special_tokens_map.json', 'tokenizer_config.json']) {
    collect((await readJsonFile(join(folder, file), objectSchema)) ?? {}, tokens);
  }
  return tokens;
}
