/** A trainer program as its host sees it, whichever way it was started (fork or Electron's utility process). */
import type { TrainerCommand } from '../contract/events.ts';

export interface TrainerExit {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
}

export interface TrainerChild {
  send(command: TrainerCommand): void;
  /** Ends the process at once. */
  kill(): void;
  /** Whatever the process sends, unparsed. */
  onMessage(listener: (message: unknown) => void): void;
  /** Text of its standard output and error streams. */
  onOutput(listener: (text: string) => void): void;
  /** Called once, after the last message; also when it could not be started. */
  onExit(listener: (exit: TrainerExit) => void): void;
}

/** Starts one trainer process. */
export type SpawnTrainer = () => TrainerChild;

/**
 * Options of V8 for every process that holds a model. Its numbers live outside the garbage-collected heap, so a small
 * space for young objects costs nothing and saves tens of megabytes.
 */
export const trainerNodeOptions: readonly string[] = ['--max-semi-space-size=2'];
