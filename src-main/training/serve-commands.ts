/**
 * The conversation of a trainer process with its host, without the process: one command is done, replies to its
 * requests and a stop may come in between, and every way to fail ends in a `failed` event.
 */
import { EspalierError, toErrorShape } from '../contract/errors.ts';
import { trainerCommandSchema } from '../contract/events.ts';
import type { TrainerCommand, TrainerEvent } from '../contract/events.ts';
import { createJudgeLink, type JudgeLink } from './judge-link.ts';

export type WorkCommand = Exclude<TrainerCommand, { type: 'stop' | 'judge-reply' }>;

/** What a command runs with. */
export interface WorkContext {
  readonly emit: (event: TrainerEvent) => void;
  readonly stopRequested: () => boolean;
  /** Judgements by the host's judges. */
  readonly judge: Pick<JudgeLink, 'ask' | 'takeCounts'>;
}

export interface CommandServer {
  /**
   * Takes one message; what cannot be parsed is answered with `failed`. Resolves when nothing more is to be done
   * for it: `over` when the conversation is at its end, `open` while work goes on or none was asked for yet.
   */
  receive(message: unknown): Promise<'over' | 'open'>;
}

/** Serves one command; a second one is refused while the first is at work, which a refusal must not seem to end. */
export function serveCommands(
  emit: (event: TrainerEvent) => void,
  work: (command: WorkCommand, context: WorkContext) => Promise<void>,
): CommandServer {
  let busy = false;
  let stopped = false;
  const judge = createJudgeLink(emit);
  const fail = (error: unknown): void => emit({ type: 'failed', error: toErrorShape(error), summary: null });
  const refuse = (message: string): 'over' | 'open' => {
    if (busy) {
      emit({ type: 'log', level: 'error', message: `internal: ${message}` });
      return 'open';
    }
    fail(new EspalierError('bug', 'bad-command', `internal: ${message}`));
    return 'over';
  };
  return {
    async receive(message) {
      const parsed = trainerCommandSchema.safeParse(message);
      if (!parsed.success)
        return refuse(`the trainer was sent something that it does not know: ${parsed.error.message}`);
      const command = parsed.data;
      if (command.type === 'stop') {
        stopped = true;
        judge.stop();
        return 'open';
      }
      if (command.type === 'judge-reply') {
        judge.receive(command);
        return 'open';
      }
      if (busy) return refuse('the trainer is at work and was sent a second command');
      busy = true;
      try {
        await work(command, { emit, stopRequested: () => stopped, judge });
      } catch (error) {
        fail(error);
      } finally {
        busy = false;
      }
      return 'over';
    },
  };
}
