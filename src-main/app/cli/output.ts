/**
 * Where a command writes. Results go to standard output: JSON with --json, else text for people. Progress, advice and
 * errors go to standard error, so that standard output can be piped.
 */
import { toErrorShape } from '../../contract/errors.ts';
import type { ErrorShape } from '../../contract/events.ts';

/** The part of a stream that is used. */
export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Output {
  readonly json: boolean;
  readonly errorStream: TextSink;
  /** One JSON value on a line of its own (only with --json). Numbers that JSON cannot hold become null. */
  value(value: unknown): void;
  /** A result for people (only without --json). */
  text(text: string): void;
  /** Something for people beside the result. */
  note(text: string): void;
}

/** Writes to the two streams given. */
export function createOutput(json: boolean, standard: TextSink, errorStream: TextSink): Output {
  return {
    json,
    errorStream,
    value: (value) => {
      if (json) standard.write(`${toJson(value)}\n`);
    },
    text: (text) => {
      if (!json) standard.write(`${text}\n`);
    },
    note: (text) => {
      errorStream.write(`${text}\n`);
    },
  };
}

/** JSON of a value in which typed arrays become plain arrays and NaN and infinities null. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    ArrayBuffer.isView(inner) && !(inner instanceof DataView)
      ? Array.from(inner as Float32Array | Int32Array)
      : inner,
  );
}

/** An error as people read it: what happened, where, what to do; the stack only of what is our fault. */
export function describeError(error: unknown): string {
  const shape: ErrorShape = toErrorShape(error);
  const lines = [`espalier: ${shape.message}`];
  if (shape.where !== undefined) lines.push(`  where: ${shape.where}`);
  if (shape.advice !== undefined) lines.push(`  what to do: ${shape.advice}`);
  if (shape.kind === 'bug' && shape.details !== undefined) lines.push(shape.details);
  return lines.join('\n');
}
