/** Scores of given texts by a reward model, without a run: for the command line. */
import { userError } from '../contract/errors.ts';
import type { ScoreRow } from '../contract/events.ts';
import type { ModelConfig } from '../models/config.ts';
import { checkedIds } from './generate-job.ts';
import type { JobClock } from './generate-job.ts';
import { reportProgress } from './progress.ts';
import type { RewardScorer } from './reward-learner.ts';
import type { RewardText } from './reward-text.ts';
import { readToEnd, shareBeginnings } from './reward-text.ts';
import type { ScoreCommand } from './score-job.ts';
import type { WorkContext } from './serve-commands.ts';

/** Rows scored between two looks at the messages. */
const rowsAtOnce = 64;

/**
 * Scores every row and emits one `model-score` event for each, in order, then `job-end`. Token ids are taken as they are.
 * @throws user error `response-empty`, `row-too-long` or `token-out-of-range` with the number of the row
 */
export async function rewardScoreJob(
  command: ScoreCommand,
  config: ModelConfig,
  text: RewardText,
  scorer: Pick<RewardScorer, 'score'>,
  context: WorkContext & JobClock,
): Promise<void> {
  const { emit, now, pause, stopRequested } = context;
  const started = now();
  const texts = await encodeRows(command.rows, config, text);
  const progress = reportProgress(context, 'training', texts.length, 'scoring');
  let tokens = 0;
  let rows = 0;
  while (rows < texts.length) {
    await pause();
    if (stopRequested()) break;
    const batch = texts.slice(rows, rows + rowsAtOnce);
    const groups = command.rows
      .slice(rows, rows + rowsAtOnce)
      .map((row, place) => ('prompt' in row ? row.prompt : `row ${place}`));
    const scores = await scorer.score(shareBeginnings(batch, groups));
    for (const [place, { length }] of batch.entries()) {
      emit({ type: 'model-score', row: rows + place, score: scores[place] ?? NaN, tokens: length });
      tokens += length;
    }
    rows += batch.length;
    progress(rows);
  }
  const status = rows === texts.length ? 'done' : 'stopped';
  emit({ type: 'job-end', status, rows, tokens, seconds: (now() - started) / 1000 });
}

async function encodeRows(
  rows: readonly ScoreRow[],
  { maxPositions, vocabularySize, padId }: ModelConfig,
  text: RewardText,
): Promise<Int32Array[]> {
  const written = rows.filter((row) => 'prompt' in row);
  const encoded = await text.encode(written);
  let next = 0;
  return rows.map((row, index) => {
    const where = `row ${index + 1}`;
    const ids = 'ids' in row ? readToEnd(checkedIds(row.ids, where, vocabularySize), padId) : encoded[next++];
    if (ids === undefined || ids.length === 0) {
      throw userError('response-empty', `The text of ${where} has no tokens.`, {
        where,
        advice: 'Each row needs a prompt or a response of at least one token.',
      });
    }
    if (ids.length > maxPositions) {
      throw userError(
        'row-too-long',
        `${where} has ${ids.length} tokens, more than the ${maxPositions} that the model can read.`,
        { where, advice: 'Shorten prompt or response.' },
      );
    }
    return ids;
  });
}
