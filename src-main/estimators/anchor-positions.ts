/**
 * Where an answer is looked into. Every rule decides about a position without knowing what comes after it: choosing
 * positions by the finished answer, for example some share of its length, would bias the gradient.
 */
import type { AnchorPlan } from '../contract/estimator.ts';

export interface AnchorPositions {
  /** Numbers of tokens already written, ascending, all below the length: the values to be estimated. */
  readonly positions: readonly number[];
  /** Tokens that are weighed, counted from 1 (`between: 'sparse'` only, else empty). */
  readonly drawn: readonly number[];
}

/** What the rules ask about an answer. */
export interface AnchorFacts {
  /** Tokens, end token included. */
  readonly length: number;
  /** The random number in [0, 1) of a position (of a token with `sparse`), thrown before the answer was sampled. */
  readonly coin: (place: number) => number;
  /** Whether the token at this place (from 0) ends a line. */
  readonly endsLine: (token: number) => boolean;
}

/** Positions of one answer. Position 0 is always one of them, except with `sparse`, which needs none of its own. */
export function anchorPositions(plan: AnchorPlan, answer: AnchorFacts): AnchorPositions {
  const { length } = answer;
  if (plan.between === 'sparse') {
    const drawn: number[] = [];
    const positions = new Set<number>();
    for (let token = 1; token <= length; token++) {
      if (answer.coin(token) >= plan.chance) continue;
      drawn.push(token);
      positions.add(token - 1);
      if (token < length) positions.add(token);
    }
    return { positions: [...positions], drawn };
  }
  const positions = length > 0 ? [0] : [];
  for (let position = 1; position < length; position++) {
    if (isAnchor(plan, answer, position)) positions.push(position);
  }
  return { positions, drawn: [] };
}

function isAnchor(plan: AnchorPlan, answer: AnchorFacts, position: number): boolean {
  switch (plan.rule) {
    case 'stride':
      return position % plan.stride === 0;
    case 'coins':
      return answer.coin(position) < plan.chance;
    case 'lines':
      return answer.endsLine(position - 1);
  }
}
