/** Rows of preference data → tokenised pairs for a reward model, counted and checked. */
import { userError } from '../contract/errors.ts';
import type { RunConfig } from '../contract/experiment.ts';
import { pairMargins } from '../datasets/pair-margins.ts';
import { pairTexts } from '../datasets/preference-pairs.ts';
import { readQuestionSets } from '../datasets/question-sets.ts';
import type { PromptRow } from '../datasets/row.ts';
import type { LearnerSequence } from './learner.ts';
import type { RewardText } from './reward-text.ts';
import { shareBeginnings } from './reward-text.ts';

/** Two answers to one question, the better one first, as the reward model reads them. */
export interface RewardPair {
  readonly chosen: LearnerSequence;
  readonly rejected: LearnerSequence;
  readonly margin: number;
}

export interface PreparedRewardPairs {
  readonly train: readonly RewardPair[];
  readonly evaluation: readonly RewardPair[];
  /** Rows left out because they are too long or lack an answer, of both sets. */
  readonly dropped: number;
  /** Tokens of the longest text. */
  readonly longest: number;
  readonly warnings: readonly string[];
}

/**
 * Reads, maps, splits and tokenises the pairs of a run.
 * @param maxPositions tokens that the model can read
 * @throws user errors of the data set readers; `pairs-too-long`, `data-empty`
 */
export async function prepareRewardPairs(
  config: RunConfig,
  text: RewardText,
  maxPositions: number,
): Promise<PreparedRewardPairs> {
  const { data, budget } = config;
  const sets = await readQuestionSets(config);
  const warnings = [...sets.warnings];
  const limit = Math.min(maxPositions, budget.maxPromptTokens + budget.maxTokens);
  const prepare = async (rows: readonly PromptRow[], path: string, name: string): Promise<PreparedSet> => {
    const request = { chosen: data.chosen, rejected: data.rejected, label: undefined, single: false, path };
    const pairs = rows.length === 0 ? { texts: [], warnings: [] } : pairTexts(rows, request);
    const margins = pairMargins(rows, data.margin, path);
    warnings.push(...pairs.warnings, ...margins.warnings);
    const set = await tokenise(rows, pairs.texts, margins.values, text, limit);
    if (set.tooLong > 0) {
      warnings.push(
        `${set.tooLong} ${name} pairs were left out because one of their texts is longer than ${limit} tokens (${limit === maxPositions ? 'what the model can read' : 'budget.maxPromptTokens + budget.maxTokens'}).`,
      );
    }
    if (set.empty > 0)
      warnings.push(`${set.empty} ${name} rows were left out because they hold no two different answers.`);
    if (rows.length > 0 && set.pairs.length === 0) throw nothingLeft(path, set, limit);
    return set;
  };
  const train = await prepare(sets.train, data.path, 'training');
  const evaluation = await prepare(sets.evaluation, data.evaluation ?? data.path, 'held-out');
  if (sets.evaluation.length === 0)
    warnings.push('No pairs are held out, so the run has no score: its result is the last checkpoint.');
  return {
    train: train.pairs,
    evaluation: evaluation.pairs,
    dropped: train.tooLong + train.empty + evaluation.tooLong + evaluation.empty,
    longest: Math.max(train.longest, evaluation.longest),
    warnings,
  };
}

interface PreparedSet {
  readonly pairs: RewardPair[];
  readonly tooLong: number;
  readonly empty: number;
  readonly longest: number;
}

async function tokenise(
  rows: readonly PromptRow[],
  texts: readonly { readonly chosen: string | null; readonly rejected: string | null }[],
  margins: readonly number[],
  text: RewardText,
  limit: number,
): Promise<PreparedSet> {
  const given = rows.flatMap(({ prompt }, place) => {
    const { chosen = null, rejected = null } = texts[place] ?? {};
    return chosen === null || rejected === null
      ? []
      : [{ prompt, chosen, rejected, margin: margins[place] ?? 0 }];
  });
  const ids = await text.encode(
    given.flatMap(({ prompt, chosen, rejected }) => [
      { prompt, response: chosen },
      { prompt, response: rejected },
    ]),
  );
  const pairs: RewardPair[] = [];
  let [tooLong, longest] = [0, 0];
  let empty = rows.length - given.length;
  for (const [place, { margin }] of given.entries()) {
    const both = ids.slice(2 * place, 2 * place + 2);
    const most = Math.max(...both.map(({ length }) => length));
    const [chosen, rejected] = shareBeginnings(both, ['', '']);
    if (chosen === undefined || rejected === undefined || both.some(({ length }) => length === 0)) empty++;
    else if (most > limit) tooLong++;
    else {
      longest = Math.max(longest, most);
      pairs.push({ chosen, rejected, margin });
    }
  }
  return { pairs, tooLong, empty, longest };
}

function nothingLeft(path: string, { tooLong }: PreparedSet, limit: number): Error {
  if (tooLong === 0) {
    return userError('data-empty', 'No row has two different answers that can be compared.', {
      where: path,
      advice: 'Name the columns with the better and the worse answer in data.chosen and data.rejected.',
    });
  }
  return userError('pairs-too-long', `Every pair has a text of more than ${limit} tokens.`, {
    where: path,
    advice:
      'Raise budget.maxPromptTokens or budget.maxTokens, shorten the texts, or take a model that reads longer ones.',
  });
}
