/** A job of the host that is done by a trainer process of its own: started, listened to, ended when it is cancelled. */
import { EspalierError } from '../contract/errors.ts';
import type { TrainerEvent } from '../contract/events.ts';
import type { JudgeSession } from './judge/judge-session.ts';
import type { SpawnTrainer } from './trainer-child.ts';
import { runTrainer, type TrainerTimes } from './trainer-process.ts';

/**
 * Resolves when the process has done its work.
 * @throws EspalierError what the process failed with; the reason of the signal when it is aborted
 */
export async function runTrainerJob(
  trainer: {
    readonly spawnTrainer: SpawnTrainer;
    readonly times: TrainerTimes;
    /** Answers its requests for judgements; without it they are refused. */
    readonly judge?: JudgeSession;
  },
  command: Parameters<typeof runTrainer>[1],
  signal: AbortSignal,
  onEvent: (event: TrainerEvent) => void,
): Promise<void> {
  const process = runTrainer(
    trainer.spawnTrainer,
    command,
    { onEvent, onUnreadable: () => undefined },
    trainer.times,
    trainer.judge ?? null,
  );
  const stop = (): void => process.kill();
  signal.addEventListener('abort', stop, { once: true });
  const outcome = await process.finished;
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (outcome.kind !== 'failed') return;
  const { kind, code, message, where, advice } = outcome.error;
  throw new EspalierError(kind, code, message, {
    ...(where === undefined ? {} : { where }),
    ...(advice === undefined ? {} : { advice }),
  });
}
