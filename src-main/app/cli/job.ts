/** A job of a trainer process without a run (generate, score, lab, grade): started, shown, stopped by Ctrl+C, ended. */
import { EspalierError } from '../../contract/errors.ts';
import type { ErrorShape, TrainerCommand, TrainerEvent } from '../../contract/events.ts';
import type { JudgeSession } from '../judge/judge-session.ts';
import { runTrainer, usualTimes } from '../trainer-process.ts';
import { exitCodes, type CommandContext } from './command.ts';
import { spawnTrainer } from './open-services.ts';
import { createProgressWriter } from './progress-bar.ts';
import { formatDuration, formatNumber } from './table.ts';

type JobCommand = Extract<TrainerCommand, { type: 'generate' | 'score' | 'lab' | 'grade' }>;
type JobEvent = Extract<
  TrainerEvent,
  { type: 'generated' | 'scored' | 'model-score' | 'lab-question' | 'projected' | 'graded' }
>;

const resultTypes: readonly string[] = [
  'generated',
  'scored',
  'model-score',
  'lab-question',
  'projected',
  'graded',
];

function isResult(event: TrainerEvent): event is JobEvent {
  return resultTypes.includes(event.type);
}

/** How many results a job was asked for. */
function rowsAsked(command: JobCommand): number {
  switch (command.type) {
    case 'lab':
      return command.questions * command.answers;
    case 'grade':
      return command.answers.length;
    default:
      return command.rows.length;
  }
}

/** Why a job failed. A process that crashed has nothing to resume here, unlike that of a run. */
function jobError(shape: ErrorShape): EspalierError {
  const crashed = shape.code === 'trainer-crashed' || shape.code === 'trainer-killed';
  const advice = crashed ? '"espalier doctor" tells whether this computer can run models.' : shape.advice;
  return new EspalierError(shape.kind, shape.code, shape.message, {
    ...(shape.where === undefined ? {} : { where: shape.where }),
    ...(advice === undefined ? {} : { advice }),
  });
}

/**
 * Runs a job to its end; `judge` answers its requests for judgements; `onResult` gets its results in the order of rows. Resolves to the exit code.
 * @throws EspalierError what made the job fail
 */
export async function runJob(
  context: CommandContext,
  command: JobCommand,
  title: string,
  onResult: (event: JobEvent) => void,
  judge: JudgeSession | null = null,
): Promise<number> {
  const { output, interrupts } = context;
  const writer = createProgressWriter(output.errorStream, () => performance.now());
  let closing = '';
  let begun: number | null = null;
  /** Seconds left at the pace since the first share was told. */
  const left = (share: number | null): number | null => {
    if (share === null) return null;
    begun ??= performance.now();
    return share < 0.02 ? null : ((performance.now() - begun) / 1000) * (1 / share - 1);
  };
  const job = runTrainer(
    spawnTrainer(),
    command,
    {
      onEvent: (event) => {
        if (isResult(event)) onResult(event);
        if (event.type === 'phase') {
          const share = event.done ?? null;
          writer.update({
            title: share === null ? `${title}: ${event.detail ?? event.phase}` : title,
            share,
            facts: [],
            secondsLeft: left(share),
          });
        }
        if (event.type === 'log' && event.level !== 'info') writer.line(`${event.level}: ${event.message}`);
        if (event.type === 'job-end') {
          const speed =
            event.seconds > 0 ? `, ${formatNumber(Math.round(event.tokens / event.seconds))} tokens/s` : '';
          closing = `${formatNumber(event.rows)} of ${formatNumber(rowsAsked(command))} ${command.type === 'lab' ? 'answers' : 'rows'}, ${formatNumber(event.tokens)} tokens in ${formatDuration(event.seconds)}${speed}.`;
        }
      },
      onUnreadable: (problem) => writer.line(`internal: an event could not be read (${problem})`),
    },
    usualTimes,
    judge,
  );
  const stop = (): void => job.stop();
  interrupts.signal.addEventListener('abort', stop);
  interrupts.onSecond(() => job.kill());
  if (interrupts.signal.aborted) stop();
  const outcome = await job.finished;
  interrupts.signal.removeEventListener('abort', stop);
  writer.end();
  if (closing !== '') output.note(closing);
  if (outcome.kind === 'failed') {
    if (outcome.error.details !== undefined && outcome.error.kind !== 'user')
      output.note(outcome.error.details);
    throw jobError(outcome.error);
  }
  return outcome.kind === 'killed' || outcome.status === 'stopped' ? exitCodes.interrupted : exitCodes.done;
}
