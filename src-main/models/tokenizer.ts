/**
 * Text to token ids and back, by Hugging Face's own tokenizer engine from the `tokenizer.json` of a model folder.
 * Load it in a child process only: an expression in a hostile `tokenizer.json` can abort the process.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as Engine } from 'tokenizers';
import { z } from 'zod';
import { userError } from '../contract/errors.ts';
import type { ModelConfig } from './config.ts';
import { renameSpecials } from './plain-specials.ts';
import { checkFields, isAbsent, readTextFile } from './read-json.ts';
import { readSpecialTokens } from './special-tokens.ts';
import type { SpecialTokens } from './special-tokens.ts';
import { StreamDecoder, decodePieces } from './stream-decoder.ts';

/** Texts that the engine gets at once: batches are two to three times as fast, and this many bound the memory. */
const BATCH = 1024;
/** Pairs of texts that the engine gets at once. */
const PAIRS = 64;
/** Largest `tokenizer.json`; those of the largest vocabularies have about 40 MB. */
const FILE_LIMIT = 256 * 1024 * 1024;

const tokenizerSchema = z.looseObject({
  added_tokens: z
    .array(z.looseObject({ id: z.int().min(0), content: z.string(), special: z.boolean().default(false) }))
    .nullish(),
  model: z.looseObject({ vocab: z.unknown() }),
});

/** How texts are encoded. */
export interface EncodeOptions {
  /** Whether the tokenizer adds its own tokens, such as the one that begins a text. Chat templates bring their own. */
  readonly addSpecialTokens: boolean;
  /** Whether the names of special tokens in the text are plain text (users' text) instead of those tokens. */
  readonly specialsAsText?: boolean;
}

/** An encoded text; `offsets` holds start and end of each id in UTF-16 units of the text, two numbers an id. */
export interface EncodedText {
  readonly ids: Int32Array;
  readonly offsets: Int32Array;
}

/** What goes wrong inside the engine is about the file: its messages name the part of it. */
function fromJson(json: string, file: string): Engine {
  try {
    const engine = Engine.fromString(json);
    // Fine-tuned models often carry settings of their training here.
    engine.disableTruncation();
    engine.disablePadding();
    return engine;
  } catch (error) {
    throw userError(
      'tokenizer-invalid',
      `The tokenizer cannot be used: ${error instanceof Error ? error.message : String(error)}.`,
      {
        where: file,
        advice: 'Download or copy the file again, or take tokenizer.json from the original of the model.',
        cause: error,
      },
    );
  }
}

/** Largest token id of a parsed `tokenizer.json`, with the token that has it. */
function largestToken(tokenizer: z.infer<typeof tokenizerSchema>): { id: number; token: string } {
  let largest = { id: -1, token: '' };
  const see = (token: string, id: unknown): void => {
    if (typeof id === 'number' && id > largest.id) largest = { id, token };
  };
  const { vocab } = tokenizer.model;
  if (Array.isArray(vocab)) {
    const last: unknown = vocab.at(-1);
    see(String(Array.isArray(last) ? last[0] : last), vocab.length - 1);
  } else if (typeof vocab === 'object' && vocab !== null) {
    for (const [token, id] of Object.entries(vocab)) see(token, id);
  }
  for (const { content, id } of tokenizer.added_tokens ?? []) see(content, id);
  return largest;
}

/** UTF-16 position of every code point boundary of a text, or null where the two are the same. */
function utf16Positions(text: string): Int32Array | null {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text)) return null;
  const positions: number[] = [];
  let at = 0;
  for (const character of text) {
    positions.push(at);
    at += character.length;
  }
  positions.push(at);
  return Int32Array.from(positions);
}

export class Tokenizer {
  /** One more than the largest id. */
  readonly vocabularySize: number;
  /** The token with the largest id, for messages. */
  readonly largestToken: string;
  /** Ids of the special tokens. */
  readonly specialIds: ReadonlySet<number>;
  /** The named special tokens, as chat templates see them. */
  readonly specialTokens: SpecialTokens;
  /** Ids of the named tokens that begin and end a text and that fill up a batch; null where there is none. */
  readonly bosId: number | null;
  readonly eosId: number | null;
  readonly padId: number | null;
  readonly file: string;
  readonly #engine: Engine;
  readonly #json: string;
  #plain: Engine | undefined;

  /** Use `loadTokenizer`. `json` is the text of `tokenizer.json`, `file` its path. Throws a user error `tokenizer-invalid`. */
  constructor(json: string, specialTokens: SpecialTokens, file: string) {
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch (error) {
      throw userError(
        'tokenizer-invalid',
        `The tokenizer is not valid JSON: ${error instanceof Error ? error.message : String(error)}.`,
        {
          where: file,
          advice: 'Download or copy the file again.',
          cause: error,
        },
      );
    }
    const parsed = checkFields(value, tokenizerSchema, file);
    this.#engine = fromJson(json, file);
    this.#json = json;
    this.file = file;
    const largest = largestToken(parsed);
    this.vocabularySize = largest.id + 1;
    this.largestToken = largest.token;
    this.specialIds = new Set(
      (parsed.added_tokens ?? []).filter(({ special }) => special).map(({ id }) => id),
    );
    this.specialTokens = specialTokens;
    const idOf = (name: string): number | null => {
      const token = specialTokens[name];
      return typeof token === 'string' ? this.tokenToId(token) : null;
    };
    this.bosId = idOf('bos_token');
    this.eosId = idOf('eos_token');
    this.padId = idOf('pad_token');
  }

  #engineFor(options: EncodeOptions): Engine {
    if (options.specialsAsText !== true) return this.#engine;
    this.#plain ??= fromJson(renameSpecials(this.#json), this.file);
    return this.#plain;
  }

  /** Ids of each text. */
  async encodeBatch(texts: readonly string[], options: EncodeOptions): Promise<Int32Array[]> {
    const engine = this.#engineFor(options);
    const ids: Int32Array[] = [];
    for (let start = 0; start < texts.length; start += BATCH) {
      const encodings = await engine.encodeBatch(texts.slice(start, start + BATCH), {
        addSpecialTokens: options.addSpecialTokens,
      });
      for (const encoding of encodings) ids.push(Int32Array.from(encoding.getIds()));
    }
    return ids;
  }

  /** Ids of each pair of texts, put together as the tokenizer does it (its pair template). */
  async encodePairs(
    pairs: readonly (readonly [string, string])[],
    options: EncodeOptions,
  ): Promise<Int32Array[]> {
    const engine = this.#engineFor(options);
    const ids: Int32Array[] = [];
    // The binding takes no batch of pairs; several at a time keep its threads busy.
    for (let start = 0; start < pairs.length; start += PAIRS) {
      const encodings = await Promise.all(
        pairs
          .slice(start, start + PAIRS)
          .map(([first, second]) =>
            engine.encode(first, second, { addSpecialTokens: options.addSpecialTokens }),
          ),
      );
      for (const encoding of encodings) ids.push(Int32Array.from(encoding.getIds()));
    }
    return ids;
  }

  /** Ids of one text; `encodeBatch` is faster for many. */
  async encode(text: string, options: EncodeOptions): Promise<Int32Array> {
    return (await this.encodeWithOffsets(text, options)).ids;
  }

  /** Ids of one text and where each lies in it. */
  async encodeWithOffsets(text: string, options: EncodeOptions): Promise<EncodedText> {
    const encoding = await this.#engineFor(options).encode(text, null, {
      addSpecialTokens: options.addSpecialTokens,
    });
    const positions = utf16Positions(text);
    const offsets = Int32Array.from(encoding.getOffsets().flat());
    return {
      ids: Int32Array.from(encoding.getIds()),
      offsets: positions === null ? offsets : offsets.map((point) => positions[point] ?? point),
    };
  }

  /** Text of ids. Ids outside the vocabulary give nothing, invalid bytes U+FFFD. */
  async decode(ids: ArrayLike<number>, options: { readonly skipSpecial: boolean }): Promise<string> {
    return this.#engine.decode(Array.from(ids), options.skipSpecial);
  }

  /** Text of each list of ids. */
  async decodeEach(
    lists: readonly ArrayLike<number>[],
    options: { readonly skipSpecial: boolean },
  ): Promise<string[]> {
    const texts: string[] = [];
    for (let start = 0; start < lists.length; start += BATCH) {
      const batch = lists.slice(start, start + BATCH).map((ids) => Array.from(ids));
      texts.push(...(await this.#engine.decodeBatch(batch, options.skipSpecial)));
    }
    return texts;
  }

  /** Text of each id, special tokens included, such that all of them together are the decoded text. */
  async pieces(ids: ArrayLike<number>): Promise<string[]> {
    return decodePieces(Array.from(ids), (part) => this.decode(part, { skipSpecial: false }));
  }

  /** A decoder that gets ids one by one, as they are sampled. */
  stream(options: { readonly skipSpecial: boolean }): StreamDecoder {
    return new StreamDecoder((ids) => this.decode(ids, options));
  }

  /** The vocabulary's own spelling of an id (such as `Ġthe`), or null. */
  idToToken(id: number): string | null {
    return this.#engine.idToToken(id);
  }

  /** Id of a token in the vocabulary's own spelling, or null. */
  tokenToId(token: string): number | null {
    return this.#engine.tokenToId(token);
  }
}

/**
 * Loads the tokenizer of a model folder. Throws user errors: `tokenizer-missing` (says what is there instead) and
 * `tokenizer-invalid`.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const file = join(folder, 'tokenizer.json');
  const json = await readTextFile(file, FILE_LIMIT);
  if (json !== null) return new Tokenizer(json, await readSpecialTokens(folder), file);
  const names = await readdir(folder).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
  const older = names.find((name) =>
    /^(tokenizer\.model|spiece\.model|vocab\.(json|txt)|tiktoken\.model|.*\.tiktoken)$/.test(name),
  );
  throw userError(
    'tokenizer-missing',
    older === undefined
      ? 'The model folder has no tokenizer: tokenizer.json is missing.'
      : `The model folder has its tokenizer only in an older form (${older}); tokenizer.json is missing.`,
    {
      where: folder,
      advice:
        'Copy tokenizer.json from the original of the model; in Python, AutoTokenizer.from_pretrained(folder).save_pretrained(folder) writes one.',
    },
  );
}

/**
 * Checks that every id of a tokenizer has a row in the model's embedding. Throws a user error `tokenizer-too-large`
 * otherwise. (Spare rows are usual and fine.)
 */
export function checkTokenizerFits(tokenizer: Tokenizer, config: ModelConfig): void {
  if (tokenizer.vocabularySize <= config.vocabularySize) return;
  throw userError(
    'tokenizer-too-large',
    `The tokenizer does not fit the model: its token ${JSON.stringify(tokenizer.largestToken)} has the id ${tokenizer.vocabularySize - 1}, but the model's embedding ends at ${config.vocabularySize - 1}.`,
    {
      where: tokenizer.file,
      advice: 'Take tokenizer.json and weights from the same model, or enlarge the embedding of the model.',
    },
  );
}
