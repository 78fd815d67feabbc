/** Rows of the data files → tokenised questions for training and evaluation, counted and checked. */
import { userError } from '../contract/errors.ts';
import type { RunConfig } from '../contract/experiment.ts';
import { pairTexts } from '../datasets/preference-pairs.ts';
import type { PairText } from '../datasets/preference-pairs.ts';
import { readQuestionSets } from '../datasets/question-sets.ts';
import type { PromptRow } from '../datasets/row.ts';
import type { OpenedText, PromptText } from './prepare-text.ts';
import type { PreparedPrompt } from './training-parts.ts';

export interface PreparedPrompts {
  readonly train: readonly PreparedPrompt[];
  readonly evaluation: readonly PreparedPrompt[];
  /** Rows left out because question (or question and answer) are too long or empty, of both sets. */
  readonly dropped: number;
  /** Tokens of the longest question, and with its right answer where answers are learnt. */
  readonly longestPrompt: number;
  readonly longestSequence: number;
  readonly warnings: readonly string[];
}

export interface PromptNeeds {
  /** Right answers are learnt: every row needs one. */
  readonly learnsAnswers: boolean;
  /** Better and worse answers are compared, or (`single`) answers are judged one by one; absent where neither. */
  readonly pairs?: { readonly single: boolean };
}

/**
 * Reads, maps, splits and tokenises the data of a run.
 * @throws user errors of the data set readers; `prompts-too-long`, `data-answer-empty`, `data-empty`
 */
export async function preparePrompts(
  config: RunConfig,
  needs: PromptNeeds,
  text: OpenedText,
): Promise<PreparedPrompts> {
  const sets = await readQuestionSets(config);
  const warnings = [...sets.warnings];
  const limits = promptLimits(config.budget, needs, text);
  const tokeniseSet = async (rows: readonly PromptRow[], path: string, held: boolean): Promise<Tokenised> => {
    if (needs.pairs === undefined) return tokenise(rows, needs, text, limits);
    // With a reward, held-out questions are asked and the answers graded: they need no pairs.
    if (held && config.reward !== undefined) return tokenise(rows, { learnsAnswers: false }, text, limits);
    const { data } = config;
    const pairs = pairTexts(rows, {
      chosen: data.chosen,
      rejected: data.rejected,
      label: needs.pairs.single ? data.label : undefined,
      single: needs.pairs.single,
      path,
    });
    warnings.push(...pairs.warnings);
    return tokenisePairs(rows, pairs.texts, text, limits);
  };
  const train = await tokeniseSet(sets.train, config.data.path, false);
  const evaluation = await tokeniseSet(sets.evaluation, config.data.evaluation ?? config.data.path, true);
  if (train.prompts.length === 0) throw nothingLeft(config, train, limits);
  if (sets.evaluation.length > 0 && evaluation.prompts.length === 0)
    throw nothingLeft(config, evaluation, limits);
  for (const [name, set] of [
    ['training', train],
    ['held-out', evaluation],
  ] as const) {
    if (set.tooLong > 0)
      warnings.push(`${set.tooLong} ${name} rows were left out because they are longer than ${limits.text}.`);
    if (set.empty > 0)
      warnings.push(`${set.empty} ${name} rows were left out because question or answer is empty.`);
  }
  if (sets.evaluation.length === 0) {
    warnings.push('No questions are held out, so the run has no score: its result is the last checkpoint.');
  }
  const all = [...train.prompts, ...evaluation.prompts];
  return {
    train: train.prompts,
    evaluation: evaluation.prompts,
    dropped: train.tooLong + train.empty + evaluation.tooLong + evaluation.empty,
    longestPrompt: all.reduce((most, { promptIds }) => Math.max(most, promptIds.length), 0),
    longestSequence: all.reduce((most, { promptIds, answerIds, pair }) => {
      const answers = [answerIds, pair?.chosen, pair?.rejected].map((ids) => ids?.length ?? 0);
      return Math.max(most, promptIds.length + Math.max(...answers));
    }, 0),
    warnings,
  };
}

export interface PromptLimits {
  readonly prompt: number;
  /** Question and answer together. */
  readonly sequence: number;
  /** In words, for messages. */
  readonly text: string;
}

/**
 * Longest question and answer that are kept.
 * @throws user error `answer-too-long` where the answer leaves no room for a question
 */
export function promptLimits(
  budget: Pick<RunConfig['budget'], 'maxPromptTokens' | 'maxTokens'>,
  needs: PromptNeeds,
  text: Pick<OpenedText, 'maxPositions'>,
): PromptLimits {
  const { maxPromptTokens, maxTokens } = budget;
  const room = text.maxPositions - maxTokens;
  if (room < 1) {
    throw userError(
      'answer-too-long',
      `Answers of ${maxTokens} tokens leave no room for a question: the model can read ${text.maxPositions} tokens.`,
      { where: 'budget.maxTokens', advice: `Use at most ${text.maxPositions - 1}, better a quarter of it.` },
    );
  }
  const prompt = Math.min(maxPromptTokens, room);
  const why =
    prompt < maxPromptTokens
      ? `the model's ${text.maxPositions} less ${maxTokens} for the answer`
      : 'budget.maxPromptTokens';
  const answers =
    needs.learnsAnswers || needs.pairs
      ? `, or whose answer is longer than ${maxTokens} tokens (budget.maxTokens)`
      : '';
  return { prompt, sequence: prompt + maxTokens, text: `${prompt} tokens (${why})${answers}` };
}

interface Tokenised {
  readonly prompts: PreparedPrompt[];
  readonly tooLong: number;
  readonly empty: number;
  /** Tokens of the shortest question that was too long; for advice. */
  readonly shortestTooLong: number;
}

async function tokenise(
  rows: readonly PromptRow[],
  needs: PromptNeeds,
  text: OpenedText,
  limits: PromptLimits,
): Promise<Tokenised> {
  const maxAnswer = limits.sequence - limits.prompt;
  const encoded: { prompt: string; promptIds: Int32Array; answerIds: Int32Array | null }[] =
    needs.learnsAnswers
      ? (await text.encodePairs(rows.map((row) => ({ prompt: askedOf(row), response: row.answer })))).map(
          (pair) => ({
            ...pair,
            answerIds: withEnd(pair.answerIds, text.endId),
          }),
        )
      : (await text.encodePrompts(rows.map(askedOf))).map((prompt) => ({
          ...prompt,
          answerIds: null,
        }));
  const prompts: PreparedPrompt[] = [];
  let tooLong = 0;
  let empty = 0;
  let shortestTooLong = Infinity;
  for (const [place, row] of rows.entries()) {
    const { prompt, promptIds, answerIds } = encoded[place]!;
    if (promptIds.length === 0 || (needs.learnsAnswers && row.answer.trim() === '')) empty++;
    else if (promptIds.length > limits.prompt || (answerIds?.length ?? 0) > maxAnswer) {
      tooLong++;
      shortestTooLong = Math.min(shortestTooLong, promptIds.length);
    } else {
      prompts.push({
        index: row.index,
        row: row.row,
        question: row.prompt,
        prompt,
        promptIds,
        reference: row.answer,
        answerIds,
      });
    }
  }
  return { prompts, tooLong, empty, shortestTooLong };
}

/** Rows with their answers to compare; those without any, or with a text that is too long, are left out. */
async function tokenisePairs(
  rows: readonly PromptRow[],
  texts: readonly PairText[],
  text: OpenedText,
  limits: PromptLimits,
): Promise<Tokenised> {
  const maxAnswer = limits.sequence - limits.prompt;
  const encode = async (side: 'chosen' | 'rejected') => {
    const pairs = rows.map((row, place) => ({ prompt: askedOf(row), response: texts[place]?.[side] ?? '' }));
    return (await text.encodePairs(pairs)).map(({ prompt, promptIds, answerIds }, place) => ({
      prompt,
      promptIds,
      answerIds: texts[place]?.[side] == null ? null : withEnd(answerIds, text.endId),
    }));
  };
  const chosen = await encode('chosen');
  const rejected = await encode('rejected');
  const prompts: PreparedPrompt[] = [];
  let [tooLong, empty, shortestTooLong] = [0, 0, Infinity];
  for (const [place, row] of rows.entries()) {
    const { prompt, promptIds, answerIds } = chosen[place]!;
    const pair = { chosen: answerIds, rejected: rejected[place]!.answerIds };
    const longest = Math.max(pair.chosen?.length ?? 0, pair.rejected?.length ?? 0);
    if (promptIds.length === 0 || longest === 0) empty++;
    else if (promptIds.length > limits.prompt || longest > maxAnswer) {
      tooLong++;
      shortestTooLong = Math.min(shortestTooLong, promptIds.length);
    } else {
      prompts.push({
        index: row.index,
        row: row.row,
        question: row.prompt,
        prompt,
        promptIds,
        reference: row.answer,
        answerIds: null,
        pair,
      });
    }
  }
  return { prompts, tooLong, empty, shortestTooLong };
}

/** What the model is asked: the conversation where the row has one. */
export const askedOf = ({ prompt, turns }: PromptRow): PromptText => turns ?? prompt;

function withEnd(ids: Int32Array, endId: number | null): Int32Array {
  return endId === null ? ids : Int32Array.of(...ids, endId);
}

function nothingLeft(config: RunConfig, set: Tokenised, limits: PromptLimits): Error {
  if (set.tooLong === 0) {
    return userError('data-empty', 'Question or answer is empty in every row.', {
      where: config.data.path,
      advice: 'Choose the columns that hold questions and right answers.',
    });
  }
  return userError('prompts-too-long', `Every question is too long: all have more than ${limits.text}.`, {
    where: config.data.path,
    advice: Number.isFinite(set.shortestTooLong)
      ? `The shortest has ${set.shortestTooLong} tokens: raise budget.maxPromptTokens, lower budget.maxTokens, or shorten the questions.`
      : 'Shorten the questions.',
  });
}
