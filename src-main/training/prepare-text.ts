/** Between text and token ids for one model: chat template, prompts, right answers, and the tokens that end an answer. */
import { userError } from '../contract/errors.ts';
import type { ChatTurn } from '../datasets/conversation.ts';
import { plainText } from '../datasets/conversation.ts';
import { loadChatTemplate } from '../models/chat-template.ts';
import type { ModelConfig } from '../models/config.ts';
import { checkTokenizerFits, loadTokenizer } from '../models/tokenizer.ts';
import type { Tokenizer } from '../models/tokenizer.ts';
import type { SampleResult } from '../rollout/sampler.ts';
import { AnswerDecoder } from './answer-text.ts';
import type { LearnerSequence } from './learner.ts';
import type { AnswerText } from './training-parts.ts';

/**
 * The day that a chat template reads as today, where it asks for one: always the same, so that a run resumed on
 * another day reads the same questions. It is the one that Llama 3's own template falls back to.
 */
export const templateDate = new Date(2024, 6, 26);

export interface EncodedPrompt {
  /** Text as the model reads it, chat template included. */
  readonly prompt: string;
  readonly promptIds: Int32Array;
}

/** What is asked: one question, or a conversation that ends in it. */
export type PromptText = string | readonly ChatTurn[];

/** A model's text side. */
export interface OpenedText {
  readonly vocabularySize: number;
  /** Longest sequence that the model can read. */
  readonly maxPositions: number;
  /** Token ids that end an answer; empty where the model has none. */
  readonly stopIds: readonly number[];
  /** The token that is put behind right answers; null where the model has none. */
  readonly endId: number | null;
  /** Whether a chat template is put around prompts. */
  readonly hasTemplate: boolean;
  encodePrompts(prompts: readonly PromptText[]): Promise<EncodedPrompt[]>;
  /** Prompts with given responses, no end token added: the ids of a prompt are the same with any response. */
  encodePairs(
    pairs: readonly { readonly prompt: PromptText; readonly response: string }[],
  ): Promise<(LearnerSequence & EncodedPrompt)[]>;
  decode(answers: readonly Pick<SampleResult, 'ids' | 'finish'>[]): Promise<AnswerText[]>;
  /** Text of each id, special tokens included; all of them together are the text. */
  pieces(ids: Int32Array): Promise<string[]>;
}

/**
 * Opens tokenizer and chat template of a model folder.
 * @param chat `auto` applies the template where there is one, `on` requires it, `off` sends prompts as they are
 * @throws user errors of the tokenizer and the template; `chat-template-missing`
 */
export async function openText(
  folder: string,
  config: ModelConfig,
  chat: 'auto' | 'on' | 'off',
): Promise<OpenedText> {
  const tokenizer = await loadTokenizer(folder);
  checkTokenizerFits(tokenizer, config);
  const template = chat === 'off' ? null : await loadChatTemplate(folder, () => templateDate);
  if (chat === 'on' && template === null) {
    throw userError(
      'chat-template-missing',
      'The model folder has no chat template, but the experiment asks for one.',
      {
        where: folder,
        advice: 'Set model.chat to auto or off, or take a model that was trained for chats.',
      },
    );
  }
  const bos = template === null ? await leadingSpecial(tokenizer) : null;
  const decoder = new AnswerDecoder(tokenizer);
  const stopIds = [...new Set([...config.eosIds, ...(tokenizer.eosId === null ? [] : [tokenizer.eosId])])];

  const textOf = (prompt: PromptText): string => {
    if (typeof prompt === 'string') return template === null ? prompt : template.render(prompt);
    if (prompt.length === 0) return '';
    return template === null ? plainText(prompt) : template.apply(prompt, { addGenerationPrompt: true }).text;
  };
  const encodePrompts = async (prompts: readonly PromptText[]): Promise<EncodedPrompt[]> => {
    const texts = prompts.map(textOf);
    const ids = await tokenizer.encodeBatch(texts, { addSpecialTokens: false });
    return texts.map((prompt, place) => ({ prompt, promptIds: withFirst(bos, ids[place]!) }));
  };
  return {
    vocabularySize: config.vocabularySize,
    maxPositions: config.maxPositions,
    stopIds,
    endId: tokenizer.eosId ?? config.eosIds[0] ?? null,
    hasTemplate: template !== null,
    encodePrompts,
    async encodePairs(pairs) {
      const encoded = await encodePrompts(pairs.map(({ prompt }) => prompt));
      const whole = await tokenizer.encodeBatch(
        encoded.map(({ prompt }, place) => prompt + pairs[place]!.response),
        { addSpecialTokens: false },
      );
      const alone = await tokenizer.encodeBatch(
        pairs.map(({ response }) => response),
        { addSpecialTokens: false },
      );
      return encoded.map(({ prompt, promptIds }, place) => ({
        prompt,
        promptIds,
        answerIds: continuation(promptIds, withFirst(bos, whole[place]!)) ?? alone[place]!,
      }));
    },
    decode: (answers) => decoder.decode(answers),
    pieces: (ids) => tokenizer.pieces(ids),
  };
}

/** The special token that the tokenizer puts before a text, if it does. One that it would put behind has no place here. */
async function leadingSpecial(tokenizer: Tokenizer): Promise<number | null> {
  const [plain, special] = await Promise.all(
    [false, true].map((addSpecialTokens) => tokenizer.encode('a', { addSpecialTokens })),
  );
  const first = special?.[0];
  return first !== undefined && first !== plain?.[0] ? first : null;
}

function withFirst(first: number | null, ids: Int32Array): Int32Array {
  return first === null ? ids : Int32Array.of(first, ...ids);
}

/** What follows the prompt in the ids of the whole text; null where a token crosses the border between the two. */
function continuation(prompt: Int32Array, whole: Int32Array): Int32Array | null {
  for (const [place, id] of prompt.entries()) if (whole[place] !== id) return null;
  return whole.slice(prompt.length);
}
