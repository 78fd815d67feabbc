/** The one error class that users see: what happened, where, what to do. Everything else is a bug. */
import type { ErrorShape } from './events.ts';

export class EspalierError extends Error {
  readonly kind: ErrorShape['kind'];
  readonly code: string;
  readonly where: string | undefined;
  readonly advice: string | undefined;

  constructor(kind: ErrorShape['kind'], code: string, message: string, more: { where?: string; advice?: string; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'EspalierError';
    this.kind = kind;
    this.code = code;
    this.where = more.where;
    this.advice = more.advice;
  }
}

/** A mistake in the input (file, setting, model folder). */
export function userError(code: string, message: string, more: { where?: string; advice?: string; cause?: unknown } = {}): EspalierError {
  return new EspalierError('user', code, message, more);
}

/** The form in which any thrown value crosses a process or the network. */
export function toErrorShape(error: unknown): ErrorShape {
  if (error instanceof EspalierError) {
    return {
      kind: error.kind,
      code: error.code,
      message: error.message,
      ...(error.where === undefined ? {} : { where: error.where }),
      ...(error.advice === undefined ? {} : { advice: error.advice }),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  const details = error instanceof Error ? error.stack : undefined;
  return { kind: 'bug', code: 'internal', message: `internal: ${message}`, ...(details === undefined ? {} : { details }) };
}
