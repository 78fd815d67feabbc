/** What VinePPO and TRePO have in common: values inside answers, estimated by fresh continuations. */
import { userError } from '../contract/errors.ts';
import type { AnchorPlan, EstimatorSpec } from '../contract/estimator.ts';
import type { BudgetConfig, MethodConfig } from '../contract/experiment.ts';
import { onlineSpec, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

/** Anchors in the longest answer where no stride or chance is given. */
const usualAnchors = 4;

/** What such a method uses where the experiment leaves it out, and which rules it knows. */
export interface AnchorDefaults extends Pick<AnchorPlan, 'rule' | 'continuations' | 'between'> {
  readonly rules: readonly AnchorPlan['rule'][];
}

/** The settings of a form, in order. */
export const anchorSettings = ['groupSize', 'anchorRule', 'anchorStride', 'continuations'] as const;

/** The specification with the plan of anchors. */
export function anchoredSpec(
  traits: OnlineTraits,
  defaults: AnchorDefaults,
  method: MethodConfig,
  budget: BudgetConfig,
): EstimatorSpec {
  const spec = onlineSpec(traits, method, budget);
  const anchors: AnchorPlan = {
    rule: method.anchorRule ?? defaults.rule,
    stride: method.anchorStride ?? Math.ceil(budget.maxTokens / usualAnchors),
    chance: method.anchorChance ?? Math.min(1, usualAnchors / budget.maxTokens),
    continuations: method.continuations ?? defaults.continuations,
    between: method.anchorBetween ?? defaults.between,
  };
  return { ...spec, plan: { ...spec.plan, anchors } };
}

/** Refuses anchors that cannot be, or that lie where no answer reaches. */
export function validateAnchored(
  estimator: Estimator,
  defaults: AnchorDefaults,
  method: MethodConfig,
  budget: BudgetConfig,
): void {
  refuseBaseline(estimator, method);
  validateOnline(estimator, 1, method, budget);
  const rule = method.anchorRule ?? defaults.rule;
  const between = method.anchorBetween ?? defaults.between;
  if (!defaults.rules.includes(rule)) {
    throw userError(
      'anchor-rule-unknown',
      `${estimator.title} does not place its looks into answers by ${rule}.`,
      { where: 'method.anchorRule', advice: `Use ${defaults.rules.join(' or ')}.` },
    );
  }
  if (method.anchorStride !== undefined && rule !== 'stride') {
    throw wrongRule(estimator, 'anchorStride', rule, 'stride');
  }
  if (method.anchorChance !== undefined && rule !== 'coins') {
    throw wrongRule(estimator, 'anchorChance', rule, 'coins');
  }
  if (between === 'sparse' && rule !== 'coins') {
    throw userError(
      'anchor-rule-unknown',
      `With sparse, tokens are drawn by coins; places by ${rule} have no chance to divide by.`,
      { where: 'method.anchorRule', advice: 'Set anchorRule to coins, or anchorBetween to segment.' },
    );
  }
  if (budget.maxTokens < 2) {
    throw userError(
      'anchors-beyond-answer',
      `${estimator.title} looks into answers, and an answer of one token has no inside.`,
      {
        where: 'budget.maxTokens',
        advice: 'Allow longer answers, or use a method without looks into answers, such as rloo.',
      },
    );
  }
  if (method.anchorStride !== undefined && method.anchorStride >= budget.maxTokens) {
    throw userError(
      'anchors-beyond-answer',
      `A look every ${method.anchorStride} tokens never comes: answers end after at most ${budget.maxTokens}.`,
      {
        where: 'method.anchorStride',
        advice: `Use at most ${Math.max(1, Math.ceil(budget.maxTokens / usualAnchors))}, or a method without looks into answers, such as rloo.`,
      },
    );
  }
}

function wrongRule(estimator: Estimator, field: string, rule: string, needed: string): Error {
  return userError(
    'setting-not-applicable',
    `${estimator.title} has no use for the setting ${field} while anchorRule is ${rule}.`,
    { where: `method.${field}`, advice: `Set anchorRule to ${needed}, or leave ${field} out.` },
  );
}
