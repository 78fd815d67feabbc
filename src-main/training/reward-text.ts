/**
 * Texts as a reward model reads them: question and answer put together by the chat template of its folder, or where it has
 * none by the pair template of its tokenizer. A text is read up to its last token that is not the padding token.
 */
import { userError } from '../contract/errors.ts';
import { loadChatTemplate } from '../models/chat-template.ts';
import type { ChatTemplate } from '../models/chat-template.ts';
import type { ModelConfig } from '../models/config.ts';
import { checkTokenizerFits } from '../models/tokenizer.ts';
import type { Tokenizer } from '../models/tokenizer.ts';
import type { LearnerSequence } from './learner.ts';
import { templateDate } from './prepare-text.ts';

export interface AnsweredPrompt {
  readonly prompt: string;
  readonly response: string;
}

export interface RewardText {
  /** Token ids of each text, up to the token at which the score is read; empty where a text has no tokens. */
  encode(texts: readonly AnsweredPrompt[]): Promise<Int32Array[]>;
}

/**
 * Puts together how a model reads question and answer.
 * @throws user errors of the template; `tokenizer-too-large`, `chat-template-missing`, `chat-off-reward-model`
 */
export async function openRewardText(
  folder: string,
  config: ModelConfig,
  tokenizer: Tokenizer,
  chat: 'auto' | 'on' | 'off' = 'auto',
): Promise<RewardText> {
  checkTokenizerFits(tokenizer, config);
  const template = await loadChatTemplate(folder, () => templateDate);
  if (chat === 'on' && template === null) {
    throw userError(
      'chat-template-missing',
      'The model folder has no chat template, but the experiment asks for one.',
      {
        where: folder,
        advice: 'Set model.chat to auto, or take a model that was trained for chats.',
      },
    );
  }
  if (chat === 'off' && template !== null) {
    throw userError(
      'chat-off-reward-model',
      'A reward model always reads with the chat template of its folder, so that it scores later what it was trained on.',
      {
        where: 'model.chat',
        advice: 'Set model.chat to auto, or remove the chat template from the model folder.',
      },
    );
  }
  return {
    async encode(texts) {
      const ids =
        template === null
          ? await tokenizer.encodePairs(
              texts.map(({ prompt, response }) => [prompt, response]),
              { addSpecialTokens: true },
            )
          : await tokenizer.encodeBatch(
              texts.map(({ prompt, response }) => conversation(template, prompt, response)),
              { addSpecialTokens: false },
            );
      return ids.map((text) => readToEnd(text, config.padId));
    },
  };
}

function conversation(template: ChatTemplate, prompt: string, response: string): string {
  const turns = [
    { role: 'user', content: prompt },
    { role: 'assistant', content: response },
  ];
  return template.apply(turns).text;
}

/**
 * The text up to the token at which transformers reads the score: the last one that is not the padding token, wherever
 * others stand. A text of nothing but padding is read at its first token.
 */
export function readToEnd(ids: Int32Array, padId: number | null): Int32Array {
  if (padId === null) return ids;
  const last = ids.findLastIndex((id) => id !== padId);
  return ids.subarray(0, Math.max(last, 0) + 1);
}

/** A text of at most `limit` tokens: its beginning is left out, but not the token that begins every text. */
export function cutBeginning(ids: Int32Array, limit: number, bosId: number | null): Int32Array {
  if (ids.length <= limit) return ids;
  const first = ids[0];
  if (limit < 2 || first === undefined || first !== bosId) return ids.subarray(ids.length - limit);
  return Int32Array.of(first, ...ids.subarray(ids.length - limit + 1));
}

/**
 * Texts as sequences of prompt and answer, so that texts of one group (answers to one question) share what they begin with.
 * @param groups one key for each text
 */
export function shareBeginnings(texts: readonly Int32Array[], groups: readonly string[]): LearnerSequence[] {
  const shared = new Map<string, Int32Array>();
  for (const [place, text] of texts.entries()) {
    const key = groups[place] ?? '';
    const known = shared.get(key);
    if (known === undefined) shared.set(key, text);
    else if (commonLength(known, text) < known.length)
      shared.set(key, known.subarray(0, commonLength(known, text)));
  }
  return texts.map((text, place) => {
    const common = shared.get(groups[place] ?? '')?.length ?? 0;
    const length = Math.max(1, Math.min(common, text.length));
    return { promptIds: text.subarray(0, length), answerIds: text.subarray(length) };
  });
}

function commonLength(a: Int32Array, b: Int32Array): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
