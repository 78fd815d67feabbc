/**
 * One trainer process doing one command: parses what it sends, keeps its last words, stops it first with
 * a request and then by force, and tells how it ended.
 */
import type { ErrorShape, RunSummary, TrainerCommand, TrainerEvent } from '../contract/events.ts';
import { trainerEventSchema } from '../contract/events.ts';
import { answerJudgeRequests } from './judge/answer-judge-requests.ts';
import type { JudgeSession } from './judge/judge-session.ts';
import { exitReason } from './exit-reason.ts';
import type { SpawnTrainer } from './trainer-child.ts';

/** Lines and characters of output that are kept for the case of a crash. */
const keptLines = 40;
const longestLine = 2_000;

export interface TrainerTimes {
  /** How long a process that was asked to stop may be silent before it is killed, in milliseconds. */
  readonly stopGrace: number;
  /** How long the process may take to go after its last event. */
  readonly exitGrace: number;
}

export const usualTimes: TrainerTimes = { stopGrace: 120_000, exitGrace: 10_000 };

export type TrainerOutcome =
  | { readonly kind: 'ended'; readonly status: 'done' | 'stopped'; readonly summary: RunSummary | null }
  | { readonly kind: 'failed'; readonly error: ErrorShape; readonly summary: RunSummary | null }
  /** It was killed because a stop took too long, or at once on request. */
  | { readonly kind: 'killed' };

export interface TrainerProcess {
  /** Asks it to end with a checkpoint; kills it when it neither ends nor tells of progress for too long. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
  /** Resolves when the process is gone; never rejects. */
  readonly finished: Promise<TrainerOutcome>;
}

export interface TrainerListeners {
  onEvent(event: TrainerEvent): void;
  /** The process sent something that is no event; `problem` says what is wrong with it. */
  onUnreadable(problem: string): void;
}

/**
 * Starts a process for one command.
 * @param judge answers its requests for judgements; without one they are refused
 */
export function runTrainer(
  spawn: SpawnTrainer,
  command: Exclude<TrainerCommand, { type: 'stop' | 'judge-reply' }>,
  listeners: TrainerListeners,
  times: TrainerTimes = usualTimes,
  judge: JudgeSession | null = null,
): TrainerProcess {
  const { promise, resolve } = Promise.withResolvers<TrainerOutcome>();
  const child = spawn();
  const words = lastWords();
  let outcome: TrainerOutcome | null = null;
  let killed = false;
  let stopAsked = false;
  let timer: NodeJS.Timeout | undefined;
  let gone = false;

  const killAfter = (milliseconds: number, wasAsked: boolean) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (wasAsked) killed = true;
      child.kill();
    }, milliseconds);
  };

  const judging = answerJudgeRequests(judge, {
    reply: (reply) => child.send(reply),
    emit: (event) => listeners.onEvent(event),
  });

  child.onOutput((text) => words.add(text));
  child.onMessage((message) => {
    if (gone) return;
    const parsed = trainerEventSchema.safeParse(message);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      listeners.onUnreadable(
        issue === undefined ? 'unknown' : `${issue.path.map(String).join('.')}: ${issue.message}`,
      );
      return;
    }
    const event = parsed.data;
    const end = outcomeOf(event);
    // Large models take long for the rest of a step and a checkpoint, but they tell of it.
    if (stopAsked && outcome === null) killAfter(times.stopGrace, true);
    if (end !== null) {
      outcome = end;
      killAfter(times.exitGrace, false);
    }
    if (!judging.take(event)) listeners.onEvent(event);
  });
  child.onExit((exit) => {
    gone = true;
    judging.end();
    clearTimeout(timer);
    resolve(
      outcome ??
        (killed
          ? { kind: 'killed' }
          : { kind: 'failed', error: exitReason(exit, words.lines()), summary: null }),
    );
  });
  child.send(command);
  return {
    stop: () => {
      if (gone) return;
      stopAsked = true;
      judging.end();
      child.send({ type: 'stop' });
      killAfter(times.stopGrace, true);
    },
    kill: () => {
      if (gone) return;
      killed = true;
      child.kill();
    },
    finished: promise,
  };
}

function outcomeOf(event: TrainerEvent): TrainerOutcome | null {
  if (event.type === 'end') return { kind: 'ended', status: event.status, summary: event.summary };
  if (event.type === 'job-end') return { kind: 'ended', status: event.status, summary: null };
  if (event.type === 'failed') return { kind: 'failed', error: event.error, summary: event.summary };
  return null;
}

/** Keeps the last lines of a stream of text. */
function lastWords(): { add(text: string): void; lines(): string[] } {
  let lines: string[] = [];
  let open = '';
  return {
    add(text) {
      const parts = (open + text).split('\n');
      open = (parts.pop() ?? '').slice(-longestLine);
      lines = [...lines, ...parts.map((line) => line.slice(0, longestLine))].slice(-keptLines);
    },
    lines: () => (open === '' ? lines : [...lines, open]),
  };
}
