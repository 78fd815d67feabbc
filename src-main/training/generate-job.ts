/** Answers to given prompts, without a run: for the command line and the playground. */
import { EspalierError, userError } from '../contract/errors.ts';
import type { TrainerCommand } from '../contract/events.ts';
import type { SampleRequest, Sampler } from '../rollout/sampler.ts';
import { reportProgress } from './progress.ts';
import type { OpenedText } from './prepare-text.ts';
import type { WorkContext } from './serve-commands.ts';

export type GenerateCommand = Extract<TrainerCommand, { type: 'generate' }>;

export interface JobClock {
  readonly now: () => number;
  readonly pause: () => Promise<void>;
}

/** Rows whose answers are sampled together; finished ones are reported after each such batch. */
const answersAtOnce = 256;

/**
 * Samples the answers and emits one `generated` event for each, in the order of rows, then `job-end`.
 * Each answer has its own random stream (seed, row, answer).
 * @throws user error `prompt-too-long`, `token-out-of-range` with the number of the row
 */
export async function generateJob(
  command: GenerateCommand,
  text: OpenedText,
  sampler: Sampler,
  context: WorkContext & JobClock,
): Promise<void> {
  const { emit, now, pause, stopRequested } = context;
  const started = now();
  const prompts = await encodeRows(command, text);
  const asked = prompts.flatMap((promptIds, row) =>
    Array.from({ length: command.answers }, (_, answer) => ({ promptIds, row, answer })),
  );
  const progress = reportProgress(context, 'training', asked.length, 'generating');
  let tokens = 0;
  let finishedRows = 0;
  for (let first = 0; first < asked.length; first += answersAtOnce) {
    await pause();
    if (stopRequested()) break;
    const batch = asked.slice(first, first + answersAtOnce);
    const requests = batch.map(({ promptIds, row, answer }): SampleRequest => ({
      promptIds,
      stream: [command.seed, row, answer],
    }));
    const { maxTokens, temperature, topP, topK } = command;
    const onProgress = (finished: number): boolean => {
      progress(first + finished);
      return !stopRequested();
    };
    let results;
    try {
      results = await sampler.generate(requests, {
        maxTokens,
        temperature,
        topP,
        topK,
        stopIds: text.stopIds,
        onProgress,
      });
    } catch (error) {
      if (error instanceof EspalierError && error.kind === 'cancelled') break;
      throw error;
    }
    const texts = await text.decode(results);
    for (const [place, { ids, logprobs, finish }] of results.entries()) {
      const { row, answer, promptIds } = batch[place]!;
      emit({ type: 'generated', row, answer, promptIds, ids, logprobs, text: texts[place]!.text, finish });
      tokens += ids.length;
      if (answer === command.answers - 1) finishedRows = row + 1;
    }
  }
  const status = finishedRows === command.rows.length ? 'done' : 'stopped';
  emit({ type: 'job-end', status, rows: finishedRows, tokens, seconds: (now() - started) / 1000 });
}

async function encodeRows(command: GenerateCommand, text: OpenedText): Promise<Int32Array[]> {
  const encoded = await text.encodePrompts(command.rows.map((row) => ('prompt' in row ? row.prompt : '')));
  return command.rows.map((row, index) => {
    const where = `row ${index + 1}`;
    const ids = 'ids' in row ? checkedIds(row.ids, where, text.vocabularySize) : encoded[index]!.promptIds;
    if (ids.length === 0) {
      throw userError('prompt-empty', `The prompt of ${where} has no tokens.`, {
        where,
        advice: 'Give each row some text or at least one token id.',
      });
    }
    if (ids.length + command.maxTokens > text.maxPositions) {
      throw userError(
        'prompt-too-long',
        `The prompt of ${where} has ${ids.length} tokens; with ${command.maxTokens} new ones it is longer than the ${text.maxPositions} tokens that the model can read.`,
        { where, advice: 'Shorten the prompt or ask for fewer new tokens.' },
      );
    }
    return ids;
  });
}

/**
 * Token ids as the engine takes them.
 * @throws user error `token-out-of-range` for an id that the model does not have
 */
export function checkedIds(ids: readonly number[], where: string, vocabularySize: number): Int32Array {
  const bad = ids.find((id) => id >= vocabularySize);
  if (bad !== undefined) {
    throw userError(
      'token-out-of-range',
      `Token id ${bad} of ${where} is not in the model's vocabulary of ${vocabularySize}.`,
      {
        where,
        advice: 'Use ids made by the tokenizer of this model.',
      },
    );
  }
  return Int32Array.from(ids);
}
