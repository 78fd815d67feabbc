/**
 * Which question is asked at which step: a pure function, so that a run resumes at any step without state
 * and runs with the same seed ask the same questions. Every pass over the rows has a fresh order.
 */
import { permutation } from '../contract/random.ts';

const ORDER = 0x6f726472;

export interface PromptOrder {
  /**
   * Position (0 to rows − 1) of a question in the list of training rows.
   * @param step from 1
   * @param slot from 0 to promptsPerStep − 1
   */
  promptAt(step: number, slot: number): number;
  /** The positions of all questions of a step. */
  promptsOf(step: number): Int32Array;
}

/**
 * @param rows how many training rows there are, at least 1
 * @param promptsPerStep how many questions each step asks; may be more than there are rows
 * @throws RangeError for a step, slot or count out of range
 */
export function promptOrder(request: { seed: number; rows: number; promptsPerStep: number }): PromptOrder {
  const { seed, rows, promptsPerStep } = request;
  if (!(Number.isInteger(rows) && rows > 0 && Number.isInteger(promptsPerStep) && promptsPerStep > 0)) {
    throw new RangeError(`An order needs rows and questions per step, not ${rows} and ${promptsPerStep}`);
  }
  // A step that lies across two passes needs both orders; older ones are made anew when asked for.
  const orders = new Map<number, Int32Array>();
  const orderOf = (pass: number): Int32Array => {
    let order = orders.get(pass);
    if (order === undefined) {
      order = permutation(rows, [seed, ORDER, pass]);
      for (const known of orders.keys()) if (orders.size > 1) orders.delete(known);
      orders.set(pass, order);
    }
    return order;
  };
  const promptAt = (step: number, slot: number): number => {
    if (!(
      Number.isInteger(step) &&
      step >= 1 &&
      Number.isInteger(slot) &&
      slot >= 0 &&
      slot < promptsPerStep
    )) {
      throw new RangeError(`There is no slot ${slot} in step ${step}`);
    }
    const position = (step - 1) * promptsPerStep + slot;
    return orderOf(Math.floor(position / rows))[position % rows] ?? 0;
  };
  return {
    promptAt,
    promptsOf: (step) => Int32Array.from({ length: promptsPerStep }, (_, slot) => promptAt(step, slot)),
  };
}
