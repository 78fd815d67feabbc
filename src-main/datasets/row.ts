/** One record of a data file, and where it stood in it. */

import type { ChatTurn } from './conversation.ts';

/** Any JSON value. Whole numbers beyond 2^53 that would lose digits are kept as text. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Column names with their values; read it with `columnValue`, never by prototype. */
export type Row = Record<string, Json>;

/** A row with its place (from 0) among all rows of its file, which no filter or limit changes. */
export interface DatasetRow {
  readonly index: number;
  readonly row: Row;
}

/** A question as it is asked, with its right answer (empty where the data has none). */
export interface PromptRow {
  /** Place (from 0) of the row in its file: the same question has the same number in every run. */
  readonly index: number;
  readonly prompt: string;
  readonly answer: string;
  readonly row: Row;
  /** The conversation that ends in the question, where the data holds one; `prompt` is then its plain text. */
  readonly turns?: readonly ChatTurn[];
}

/** Told about what was read but looks wrong. */
export type OnWarning = (message: string) => void;

/** Whether a JSON value is an object (not a list, not null). */
export function isObject(value: Json | undefined): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
