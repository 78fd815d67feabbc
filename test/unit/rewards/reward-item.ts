/** Answers and components for tests of rewards. */
import { readFileSync } from 'node:fs';
import { rewardComponentSchema } from '../../../src-main/contract/reward.ts';
import type { ComponentOf, RewardKind } from '../../../src-main/contract/reward.ts';
import type { VerifierKind } from '../../../src-main/rewards/grader.ts';
import type { Outcome, RewardItem } from '../../../src-main/rewards/outcome.ts';
import { scoreVerifier } from '../../../src-main/rewards/score-answer.ts';

/** An answer of one token out of eight, with what differs. */
export function answerItem(more: Partial<RewardItem>): RewardItem {
  return {
    prompt: '1+2=',
    response: '3',
    reference: '3',
    row: {},
    finish: 'stop',
    tokens: 1,
    maxTokens: 8,
    ...more,
  };
}

function isOfKind<K extends RewardKind>(
  component: { kind: RewardKind },
  kind: K,
): component is ComponentOf<K> {
  return component.kind === kind;
}

/** A component with its defaults. */
export function component<K extends RewardKind>(
  kind: K,
  settings: Record<string, unknown> = {},
): ComponentOf<K> {
  const parsed = rewardComponentSchema.parse({ kind, ...settings });
  if (!isOfKind(parsed, kind)) throw new Error(`not ${kind}`);
  return parsed;
}

/** What a verifier says of an answer. */
export function verdict(
  kind: VerifierKind,
  settings: Record<string, unknown>,
  item: Partial<RewardItem>,
): Outcome {
  return scoreVerifier(component(kind, settings), answerItem(item));
}

/** Rows of a fixture in lines of JSON. */
export function fixtureRows(path: string): unknown[] {
  return readFileSync(new URL(`../../fixtures/${path}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}
