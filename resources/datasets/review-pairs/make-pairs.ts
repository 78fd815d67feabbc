/**
 * Makes pairs for a reward model from sentences of film reviews that are marked positive or negative:
 *
 *     node resources/datasets/review-pairs/make-pairs.ts --from DIR --out DIR
 *
 * reads train.csv, validation.csv and test.csv (columns text and label) of --from and writes train.csv and test.csv with the
 * columns prompt, chosen and rejected, and questions.jsonl with beginnings of held-out sentences. A positive sentence is
 * preferred to a negative one, each is used once, and which two meet is drawn by a fixed seed. words/ gets a model folder
 * without weights: a tokenizer whose tokens are the words that occur at least twice in training, and a network of one layer.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { permutation } from '../../../src-main/contract/random.ts';
import { columnText } from '../../../src-main/datasets/column-path.ts';
import { loadDataset } from '../../../src-main/datasets/load-dataset.ts';

/** The same beginning for every sentence, so that what follows decides. */
const prompt = 'review: ';
/** Longer sentences are left out: the starter model reads 256 characters. */
const longest = 200;
/** Words of a sentence that a question begins with. */
const firstWords = 2;

interface Sentence {
  readonly text: string;
  readonly positive: boolean;
}

async function readSentences(path: string): Promise<Sentence[]> {
  const { rows } = await loadDataset({ path, seed: 0 });
  return rows
    .map(({ row }) => ({
      text: columnText(row, 'text').trim(),
      positive: columnText(row, 'label') === 'positive',
    }))
    .filter(({ text }) => text.length <= longest);
}

function pairsOf(sentences: readonly Sentence[], seed: number): [string, string][] {
  const drawn = (positive: boolean): string[] => {
    const texts = sentences.filter((one) => one.positive === positive).map(({ text }) => text);
    return [...permutation(texts.length, [seed, positive ? 1 : 0])].flatMap((place) => texts[place] ?? []);
  };
  const worse = drawn(false);
  return drawn(true)
    .slice(0, worse.length)
    .map((better, place) => [better, worse[place] ?? '']);
}

function csvOf(pairs: readonly (readonly [string, string])[]): string {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const lines = pairs.map(([chosen, rejected]) => [prompt, chosen, rejected].map(quoted).join(','));
  return ['prompt,chosen,rejected', ...lines, ''].join('\n');
}

/** Words and runs of punctuation, as the tokenizer splits them. */
function wordsOf(texts: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const word of text.match(/[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s]+/gu) ?? [])
      counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count >= 2)
    .sort(([a, first], [b, second]) => second - first || (a < b ? -1 : 1))
    .map(([word]) => word);
}

const specials = ['<pad>', '<unk>'];

async function writeModelFolder(folder: string, texts: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const tokens = [...specials, ...wordsOf(texts)];
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      unk_token: '<unk>',
    },
  };
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: Math.ceil(tokens.length / 16) * 16,
    hidden_size: 64,
    intermediate_size: 128,
    num_hidden_layers: 1,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    max_position_embeddings: 256,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: null,
    pad_token_id: 0,
    initializer_range: 0.05,
    torch_dtype: 'float32',
  };
  const write = async (name: string, value: object): Promise<void> =>
    writeFileSync(
      join(folder, name),
      await format(JSON.stringify(value), { parser: 'json', printWidth: 110 }),
    );
  await write('tokenizer.json', tokenizer);
  await write('tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    pad_token: '<pad>',
    unk_token: '<unk>',
  });
  await write('config.json', config);
}

const { values } = parseArgs({ options: { from: { type: 'string' }, out: { type: 'string' } } });
if (values.from === undefined || values.out === undefined) throw new Error('--from and --out are needed');
const from = resolve(values.from);
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
const train = await readSentences(join(from, 'train.csv'));
const held = [
  ...(await readSentences(join(from, 'validation.csv'))),
  ...(await readSentences(join(from, 'test.csv'))),
];
writeFileSync(join(out, 'train.csv'), csvOf(pairsOf(train, 1)));
writeFileSync(join(out, 'test.csv'), csvOf(pairsOf(held, 2)));
const beginnings = new Set(held.map(({ text }) => prompt + text.split(' ').slice(0, firstWords).join(' ')));
const questions = [...beginnings].map((question) => JSON.stringify({ prompt: question }));
writeFileSync(join(out, 'questions.jsonl'), `${questions.join('\n')}\n`);
await writeModelFolder(
  join(out, 'words'),
  train.map(({ text }) => prompt + text),
);
