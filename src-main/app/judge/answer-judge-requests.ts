/**
 * Answers what one trainer process asks of judges, and tells of it as phases of that process: how far it is, and what is
 * waited for while the judge does not answer.
 */
import { toErrorShape } from '../../contract/errors.ts';
import type { TrainerCommand, TrainerEvent } from '../../contract/events.ts';
import type { JudgeListeners, JudgeSession } from './judge-session.ts';

type JudgeRequest = Extract<TrainerEvent, { type: 'judge-request' }>;
type JudgeReply = Extract<TrainerCommand, { type: 'judge-reply' }>;
type PhaseEvent = Extract<TrainerEvent, { type: 'phase' }>;

export interface JudgeDesk {
  /** Takes a request; false for every other event, which is only looked at. */
  take(event: TrainerEvent): boolean;
  /** Gives up what is under way: the process is gone or was asked to stop. */
  end(): void;
}

/** Milliseconds between two reports of progress; work shorter than this is not announced. */
const reportEvery = 500;

/** @param session null where nobody can be asked */
export function answerJudgeRequests(
  session: JudgeSession | null,
  line: { reply(reply: JudgeReply): void; emit(event: TrainerEvent): void },
  now: () => number = () => performance.now(),
): JudgeDesk {
  const ended = new AbortController();
  /** What the process was at before it asked. */
  let before: PhaseEvent | null = null;
  let open = 0;

  const answer = async ({ id, component, items }: JudgeRequest): Promise<void> => {
    open++;
    const told = createTeller(items.length, now, (event) => {
      if (!ended.signal.aborted) line.emit(event);
    });
    const result = await judged(session, component, items, ended.signal, told.listeners);
    open--;
    if (ended.signal.aborted) return;
    if (open === 0 && told.spoke() && before !== null) line.emit(before);
    line.reply({ type: 'judge-reply', id, result });
  };
  return {
    take(event) {
      if (event.type === 'phase') before = { type: 'phase', phase: event.phase };
      if (event.type !== 'judge-request') return false;
      void answer(event);
      return true;
    },
    end: () => ended.abort(),
  };
}

async function judged(
  session: JudgeSession | null,
  component: JudgeRequest['component'],
  items: JudgeRequest['items'],
  signal: AbortSignal,
  listeners: JudgeListeners,
): Promise<JudgeReply['result']> {
  try {
    if (session === null) throw new Error('internal: nobody was given who could judge');
    const { outcomes, counts } = await session.judge(component, items, signal, listeners);
    return { outcomes: [...outcomes], counts: { ...counts } };
  } catch (error) {
    return { error: toErrorShape(error) };
  }
}

interface Teller {
  readonly listeners: JudgeListeners;
  /** Whether anything was told. */
  spoke(): boolean;
}

function createTeller(total: number, now: () => number, emit: (event: TrainerEvent) => void): Teller {
  let last = now();
  let judged = 0;
  let spoke = false;
  let down = false;
  const tell = (event: TrainerEvent): void => {
    spoke = true;
    emit(event);
  };
  const progress = (): void =>
    tell({ type: 'phase', phase: 'grading', detail: `${judged} of ${total} answers`, done: judged / total });
  return {
    spoke: () => spoke,
    listeners: {
      onProgress(count) {
        judged = count;
        if (down || now() - last < reportEvery) return;
        last = now();
        progress();
      },
      onOutage(state) {
        if (state === null) {
          if (down) tell({ type: 'log', level: 'info', message: 'The judge answers again.' });
          down = false;
          progress();
          return;
        }
        const { address, reason, wait } = state;
        if (!down) {
          tell({
            type: 'log',
            level: 'warning',
            message: `The judge at ${address} does not answer (${reason}). The work waits for it and goes on by itself.`,
          });
        }
        down = true;
        const seconds = Math.max(1, Math.round(wait / 1000));
        tell({
          type: 'phase',
          phase: 'waiting',
          detail: `for the judge at ${address} (${reason}), trying again in ${seconds} s`,
        });
      },
    },
  };
}
