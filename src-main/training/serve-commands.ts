/**
 * The conversation of a trainer process with its host, without the process: one command is done, a stop may
 * come in between, and every way to fail ends in a `failed` event.
 */
import { EspalierError, toErrorShape } from '../contract/errors.ts';
import { trainerCommandSchema } from '../contract/events.ts';
import type { TrainerCommand, TrainerEvent } from '../contract/events.ts';

export type WorkCommand = Exclude<TrainerCommand, { type: 'stop' }>;

/** What a command runs with. */
export interface WorkContext {
  readonly emit: (event: TrainerEvent) => void;
  readonly stopRequested: () => boolean;
}

export interface CommandServer {
  /** Takes one message; what cannot be parsed is answered with `failed`. Resolves when its work is done. */
  receive(message: unknown): Promise<void>;
}

/** Serves one command; a second one is refused while the first is at work. */
export function serveCommands(
  emit: (event: TrainerEvent) => void,
  work: (command: WorkCommand, context: WorkContext) => Promise<void>,
): CommandServer {
  let busy = false;
  let stopped = false;
  const fail = (error: unknown): void => emit({ type: 'failed', error: toErrorShape(error), summary: null });
  return {
    async receive(message) {
      const parsed = trainerCommandSchema.safeParse(message);
      if (!parsed.success) {
        fail(
          new EspalierError(
            'bug',
            'bad-command',
            `internal: the trainer was sent something that it does not know: ${parsed.error.message}`,
          ),
        );
        return;
      }
      const command = parsed.data;
      if (command.type === 'stop') {
        stopped = true;
        return;
      }
      if (busy) {
        fail(
          new EspalierError('bug', 'busy', 'internal: the trainer is at work and was sent a second command'),
        );
        return;
      }
      busy = true;
      try {
        await work(command, { emit, stopRequested: () => stopped });
      } catch (error) {
        fail(error);
      } finally {
        busy = false;
      }
    },
  };
}
