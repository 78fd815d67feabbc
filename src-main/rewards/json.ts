/** The reward `json`: the answer is JSON that can be read. */
import type { ComponentOf } from '../contract/reward.ts';
import { jsonText, parseAnswerJson } from './json-text.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { right, wrong } from './outcome.ts';

/** 1 when the whole answer, or the code fence that it consists of, is JSON of the wanted shape. */
export function scoreJson(
  { response }: Pick<RewardItem, 'response'>,
  { fenced, shape }: Pick<ComponentOf<'json'>, 'fenced' | 'shape'>,
): Outcome {
  const parsed = parseAnswerJson(jsonText(response, fenced));
  if (!parsed.ok) return wrong(parsed.reason);
  const { value } = parsed;
  const found = Array.isArray(value)
    ? 'list'
    : typeof value === 'object' && value !== null
      ? 'object'
      : 'value';
  if (shape !== 'any' && found !== shape) return wrong(`JSON, but no ${shape}`);
  return right('JSON');
}
