/** An error of the host as it reaches the window, and the form in which any thrown value is shown. */
import type { ErrorShape } from '../../src-main/contract/events.ts';

/** A call that the host refused or failed to do. */
export class CallError extends Error {
  readonly shape: ErrorShape;

  constructor(shape: ErrorShape) {
    super(shape.message);
    this.name = 'CallError';
    this.shape = shape;
  }
}

/** What is shown for a thrown value: the host's own words where there are any. */
export function errorShapeOf(error: unknown): ErrorShape {
  if (error instanceof CallError) return error.shape;
  const message = error instanceof Error ? error.message : String(error);
  const details = error instanceof Error ? error.stack : undefined;
  return { kind: 'bug', code: 'window', message, ...(details === undefined ? {} : { details }) };
}

/** The host cannot be reached: it was closed, or the network between is down. */
export function unreachable(): CallError {
  return new CallError({
    kind: 'environment',
    code: 'unreachable',
    message: 'Espalier does not answer.',
    advice: 'See whether it is still running on its machine. The page reconnects by itself.',
  });
}
