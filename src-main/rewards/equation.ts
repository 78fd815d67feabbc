/**
 * The reward `equation` (Countdown): the answer is an expression that uses each given number exactly once and
 * has the target value. Own parser without recursion, exact fractions, nothing is ever evaluated as code.
 */
import type { RewardComponent } from '../contract/reward.ts';
import { columnValue } from '../datasets/column-path.ts';
import type { Json } from '../datasets/row.ts';
import { parseWholeNumber } from './number-text.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { notGradable, right, wrong } from './outcome.ts';
import type { Rational } from './rational.ts';
import { add, divide, equal, fromNumber, multiply, negate, whole } from './rational.ts';

export type EquationReward = Extract<RewardComponent, { kind: 'equation' }>;

/** Longest answer and deepest brackets that are read; no honest answer comes near. */
export const LONGEST_EXPRESSION = 4096;
export const DEEPEST_BRACKETS = 100;
/** Most numbers that a row may give. */
const MOST_NUMBERS = 64;

type Operator = '+' | '-' | '*' | '/';

/** Value and numbers of an expression, or why it is none. */
export type Expression =
  | { readonly ok: true; readonly value: Rational; readonly numbers: readonly bigint[] }
  | { readonly ok: false; readonly reason: string };

const failed = (reason: string): Expression => ({ ok: false, reason });
const isOperator = (character: string): character is Operator => '+-*/'.includes(character);
const binding = (operator: Operator): number => (operator === '+' || operator === '-' ? 1 : 2);

function apply(operator: Operator, a: Rational, b: Rational): Rational | undefined {
  switch (operator) {
    case '+':
      return add(a, b);
    case '-':
      return add(a, negate(b));
    case '*':
      return multiply(a, b);
    case '/':
      return divide(a, b);
  }
}

/**
 * Evaluates whole numbers, + - * / and brackets, with no sign before a number or bracket.
 * @param mostNumbers more numbers than this are refused before anything is computed with them
 */
export function evaluateExpression(text: string, mostNumbers = MOST_NUMBERS): Expression {
  if (text.length > LONGEST_EXPRESSION) return failed('too long for an expression');
  const values: Rational[] = [];
  const operators: (Operator | '(')[] = [];
  const numbers: bigint[] = [];
  let depth = 0;
  let wantsValue = true;
  /** Computes while the operator on top binds at least as strongly; false for a division by zero. */
  const reduce = (atLeast: number): boolean => {
    for (
      let top = operators.at(-1);
      top !== undefined && top !== '(' && binding(top) >= atLeast;
      top = operators.at(-1)
    ) {
      operators.pop();
      const b = values.pop();
      const a = values.pop();
      const value = a === undefined || b === undefined ? undefined : apply(top, a, b);
      if (value === undefined) return false;
      values.push(value);
    }
    return true;
  };
  for (let i = 0; i < text.length;) {
    const character = text[i] ?? '';
    if (/\s/.test(character)) {
      i += 1;
    } else if (wantsValue) {
      const digits = /\d+/y;
      digits.lastIndex = i;
      const run = digits.exec(text)?.[0];
      if (run !== undefined) {
        if (numbers.length === mostNumbers) return failed('not each number exactly once');
        const value = BigInt(run);
        numbers.push(value);
        values.push(whole(value));
        wantsValue = false;
        i += run.length;
      } else if (character === '(') {
        depth += 1;
        if (depth > DEEPEST_BRACKETS) return failed('too many brackets');
        operators.push('(');
        i += 1;
      } else {
        return failed(`unexpected '${character}'`);
      }
    } else {
      if (character === ')' && depth > 0) {
        if (!reduce(1)) return failed('division by zero');
        operators.pop();
        depth -= 1;
      } else if (isOperator(character)) {
        if (!reduce(binding(character))) return failed('division by zero');
        operators.push(character);
        wantsValue = true;
      } else {
        return failed(depth > 0 ? 'a bracket is not closed' : 'something follows the expression');
      }
      i += 1;
    }
  }
  if (wantsValue) return failed('a number is missing');
  if (depth > 0) return failed('a bracket is not closed');
  if (!reduce(1)) return failed('division by zero');
  const value = values[0];
  return value === undefined ? failed('a number is missing') : { ok: true, value, numbers };
}

/** Whole numbers from a list, or from text such as `2 7 6`, `2, 7, 6` or `[2, 7, 6]`; undefined when it is none. */
function wholeNumbers(value: Json | undefined): bigint[] | undefined {
  const parts: Json[] = Array.isArray(value)
    ? value
    : typeof value === 'string'
      ? value
          .replace(/^\s*\[|\]\s*$/g, '')
          .split(/[\s,;]+/)
          .filter((part) => part !== '')
      : typeof value === 'number'
        ? [value]
        : [];
  if (parts.length === 0 || parts.length > MOST_NUMBERS) return undefined;
  const numbers: bigint[] = [];
  for (const part of parts) {
    const text = typeof part === 'number' ? String(part) : typeof part === 'string' ? part.trim() : '';
    if (!/^\d{1,100}$/.test(text)) return undefined;
    numbers.push(BigInt(text));
  }
  return numbers;
}

function targetValue(value: Json | undefined): Rational | undefined {
  if (typeof value === 'number') return fromNumber(value);
  return typeof value === 'string' ? parseWholeNumber(value) : undefined;
}

function sameNumbers(used: readonly bigint[], given: readonly bigint[]): boolean {
  if (used.length !== given.length) return false;
  const order = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
  const sorted = [...given].sort(order);
  return [...used].sort(order).every((number, i) => number === sorted[i]);
}

/** 1 when the trimmed answer is such an expression; not gradable when the row lacks the numbers or the target. */
export function scoreEquation(
  { response, row }: Pick<RewardItem, 'response' | 'row'>,
  columns: Pick<EquationReward, 'numbers' | 'target'>,
): Outcome {
  const given = wholeNumbers(columnValue(row, columns.numbers));
  if (given === undefined) return notGradable(`column “${columns.numbers}” holds no list of whole numbers`);
  const target = targetValue(columnValue(row, columns.target));
  if (target === undefined) return notGradable(`column “${columns.target}” holds no target number`);
  const expression = evaluateExpression(response.trim(), given.length);
  if (!expression.ok) return wrong(expression.reason);
  if (!sameNumbers(expression.numbers, given)) return wrong('not each number exactly once');
  return equal(expression.value, target) ? right('reaches the target') : wrong('another value');
}
