/** What one step samples, from the plan of its method: for people who weigh methods before a start. */
import type { StepCost } from '../contract/calls.ts';
import type { AnchorPlan, RolloutPlan } from '../contract/estimator.ts';
import type { BudgetConfig } from '../contract/experiment.ts';

/** Counts for answers that are all as long as they may be; coins count with their mean. */
export function stepCost(plan: RolloutPlan, { promptsPerStep, maxTokens }: BudgetConfig): StepCost {
  const answers = promptsPerStep * plan.samplesPerPrompt;
  const greedy = plan.greedy ? promptsPerStep : 0;
  const looks = plan.anchors ? looksOf(plan.anchors, maxTokens) : { places: 0, tokens: 0 };
  const whole = (answers + greedy) * maxTokens;
  if (looks === null) return { answers, greedy, continuations: null, tokens: null };
  const ends = answers * (plan.anchors?.continuations ?? 0);
  return { answers, greedy, continuations: ends * looks.places, tokens: whole + ends * looks.tokens };
}

/** Places in an answer of full length, and tokens to its end from all of them; null where the text decides. */
function looksOf(
  { rule, between, stride, chance }: AnchorPlan,
  length: number,
): { places: number; tokens: number } | null {
  if (rule === 'lines') return null;
  let places = 0;
  let tokens = 0;
  for (let position = 0; position < length; position++) {
    const share =
      between === 'sparse'
        ? neighbours(position, chance)
        : rule === 'coins'
          ? position === 0
            ? 1
            : chance
          : position % stride === 0
            ? 1
            : 0;
    places += share;
    tokens += share * (length - position);
  }
  return { places, tokens };
}

/** The chance that the token before or after a position is drawn: then its value is needed. */
function neighbours(position: number, chance: number): number {
  return position === 0 ? chance : 1 - (1 - chance) ** 2;
}
