/** Log-probabilities and entropies of given responses, without a run: for the command line. */
import { userError } from '../contract/errors.ts';
import type { ScoreRow, TrainerCommand } from '../contract/events.ts';
import { checkedIds } from './generate-job.ts';
import type { JobClock } from './generate-job.ts';
import type { Learner, LearnerSequence } from './learner.ts';
import type { OpenedText } from './prepare-text.ts';
import { reportProgress } from './progress.ts';
import type { WorkContext } from './serve-commands.ts';

export type ScoreCommand = Extract<TrainerCommand, { type: 'score' }>;

/** Rows scored between two looks at the messages. */
const rowsAtOnce = 64;

/**
 * Scores every row and emits one `scored` event for each, in order, then `job-end`.
 * @throws user error `response-empty`, `row-too-long` or `token-out-of-range` with the number of the row
 */
export async function scoreJob(
  command: ScoreCommand,
  text: OpenedText,
  learner: Pick<Learner, 'score'>,
  context: WorkContext & JobClock,
): Promise<void> {
  const { emit, now, pause, stopRequested } = context;
  const started = now();
  const sequences = await encodeRows(command.rows, text);
  const progress = reportProgress(context, 'training', sequences.length, 'scoring');
  let tokens = 0;
  let rows = 0;
  while (rows < sequences.length) {
    await pause();
    if (stopRequested()) break;
    const batch = sequences.slice(rows, rows + rowsAtOnce);
    const scores = await learner.score(batch, command.temperature);
    for (const [place, { logprobs, entropies }] of scores.entries()) {
      const ids = batch[place]!.answerIds;
      emit({ type: 'scored', row: rows + place, ids, logprobs, entropies });
      tokens += ids.length;
    }
    rows += batch.length;
    progress(rows);
  }
  emit({
    type: 'job-end',
    status: rows === sequences.length ? 'done' : 'stopped',
    rows,
    tokens,
    seconds: (now() - started) / 1000,
  });
}

async function encodeRows(rows: readonly ScoreRow[], text: OpenedText): Promise<LearnerSequence[]> {
  const pairs = await text.encodePairs(
    rows.map((row) => ('prompt' in row ? row : { prompt: '', response: '' })),
  );
  return rows.map((row, index) => {
    const where = `row ${index + 1}`;
    const { promptIds, answerIds } =
      'ids' in row ? splitIds(row.ids, promptLengthOf(row, where), where, text) : pairs[index]!;
    if (answerIds.length === 0 || promptIds.length === 0) {
      throw userError(
        'response-empty',
        `${promptIds.length === 0 ? 'The prompt' : 'The response'} of ${where} has no tokens.`,
        { where, advice: 'Each row needs a prompt and a response of at least one token.' },
      );
    }
    const length = promptIds.length + answerIds.length;
    if (length > text.maxPositions) {
      throw userError(
        'row-too-long',
        `${where} has ${length} tokens, more than the ${text.maxPositions} that the model can read.`,
        { where, advice: 'Shorten prompt or response.' },
      );
    }
    return { promptIds, answerIds };
  });
}

function promptLengthOf(
  { promptLength }: { readonly promptLength?: number | undefined },
  where: string,
): number {
  if (promptLength !== undefined) return promptLength;
  throw userError('rows-invalid', `promptLength is missing in ${where}.`, {
    where,
    advice:
      'It counts the tokens of the prompt; the response follows them. Only reward models do without it.',
  });
}

function splitIds(
  ids: readonly number[],
  promptLength: number,
  where: string,
  text: OpenedText,
): LearnerSequence {
  const all = checkedIds(ids, where, text.vocabularySize);
  return { promptIds: all.slice(0, promptLength), answerIds: all.slice(promptLength) };
}
