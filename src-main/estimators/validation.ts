/** Settings that cannot work, refused before a run starts: what, why, and what to do instead. */
import { userError } from '../contract/errors.ts';
import { fieldHelp } from '../contract/experiment.ts';
import type { BudgetConfig, MethodConfig } from '../contract/experiment.ts';
import type { Estimator } from './estimator.ts';

type Described = Pick<Estimator, 'title' | 'defaults' | 'settings'>;

/** Settings that only some methods have: those that list them among their own. */
const particular: readonly (keyof MethodConfig)[] = [
  'redraws',
  'overlongBuffer',
  'overlongPenalty',
  'keepFrom',
  'anchorRule',
  'anchorStride',
  'anchorChance',
  'anchorBetween',
  'continuations',
  'critic',
  'lambda',
  'valueClip',
  'valueCoefficient',
  'criticLearningRate',
  'whiten',
  'preferenceLoss',
  'beta',
  'labelSmoothing',
  'margin',
  'likelihoodWeight',
  'desirableWeight',
  'undesirableWeight',
  'headOnly',
  'centering',
];

/** Refuses settings that are set although only other methods have them. */
export function refuseForeign(estimator: Described, method: MethodConfig): void {
  for (const field of particular) {
    if (method[field] === undefined || estimator.settings.includes(field)) continue;
    const help = fieldHelp(`method.${field}`)?.help ?? 'it belongs to other methods';
    throw notApplicable(estimator, field, help.replace(/\.$/, ''), 'Leave it out.');
  }
}

/** Checks common to all methods that sample answers. `smallestGroup` is 2 where answers are compared with each other. */
export function validateOnline(
  estimator: Described,
  smallestGroup: 1 | 2,
  method: MethodConfig,
  budget: BudgetConfig,
): void {
  refuseForeign(estimator, method);
  const groupSize = method.groupSize ?? estimator.defaults.groupSize;
  if (groupSize < smallestGroup) {
    throw userError(
      'group-too-small',
      `${estimator.title} compares the answers to one question with each other; with ${groupSize} there is nothing to compare, so every advantage would be 0.`,
      {
        where: 'method.groupSize',
        advice: `Use at least 2, better ${Math.max(estimator.defaults.groupSize, 4)}; or a method that needs one answer, such as reinforce or remax.`,
      },
    );
  }
  validateKl(method);
  const answers = groupSize * budget.promptsPerStep;
  if (method.minibatches > answers) {
    throw userError(
      'too-many-minibatches',
      `${answers} answers a step (${budget.promptsPerStep} questions × ${groupSize}) cannot be cut into ${method.minibatches} updates.`,
      { where: 'method.minibatches', advice: `Use at most ${answers}, or ask more questions per step.` },
    );
  }
  // Answers to one question stay together as long as there are as many questions as updates.
  if (method.minibatches <= budget.promptsPerStep) refuseUneven(budget.promptsPerStep, 'questions', method);
  else refuseUneven(answers, 'answers', method);
  if (method.samplerCap !== null && method.samplerCap < 1) {
    throw userError(
      'sampler-cap-too-small',
      `A cap of ${method.samplerCap} on the sampler correction would shrink every update, even where sampler and learner agree and the weight is 1.`,
      { where: 'method.samplerCap', advice: 'Use a cap above 1, such as 2; or null for no correction.' },
    );
  }
}

/**
 * Refuses a batch that cannot be cut into equal updates: the means of each update have their own divisors, so what lies
 * in a smaller one would count more.
 * @throws user error `minibatches-uneven`
 */
export function refuseUneven(
  count: number,
  what: 'questions' | 'answers' | 'rows',
  { minibatches }: Pick<MethodConfig, 'minibatches'>,
): void {
  if (count % minibatches === 0) return;
  const fitting = Array.from({ length: minibatches }, (_, place) => minibatches - place).find(
    (number) => count % number === 0,
  );
  throw userError(
    'minibatches-uneven',
    `${count} ${what} a step cannot be cut into ${minibatches} equal updates: those in the smaller ones would count more.`,
    {
      where: 'method.minibatches',
      advice: `Use ${fitting ?? 1} updates, or a number of questions per step that ${minibatches} divides.`,
    },
  );
}

/** Refuses baseline settings, which only REINFORCE has. */
export function refuseBaseline(estimator: Described, method: MethodConfig): void {
  for (const field of ['baseline', 'baselineDecay'] as const) {
    if (method[field] !== undefined) {
      throw notApplicable(
        estimator,
        field,
        'its baseline is part of the method',
        'Leave it out, or use the method reinforce.',
      );
    }
  }
}

/** The error for a setting that a method does not have. */
export function notApplicable(
  estimator: Described,
  field: keyof MethodConfig,
  reason: string,
  advice: string,
): Error {
  return userError(
    'setting-not-applicable',
    `${estimator.title} has no use for the setting ${field}: ${reason}.`,
    {
      where: `method.${field}`,
      advice,
    },
  );
}

function validateKl(method: MethodConfig): void {
  const { where, estimator, coefficient, target, gradient } = method.kl;
  if (gradient !== undefined && where !== 'loss') {
    throw userError('kl-gradient-nowhere', 'Only a KL penalty in the loss has a gradient of its own.', {
      where: 'method.kl.gradient',
      advice: 'Leave it out, or set where to loss.',
    });
  }
  if (target !== undefined && (where === 'none' || coefficient === 0)) {
    throw userError(
      'kl-nowhere',
      `A wanted KL of ${target} has no effect while the penalty is switched off.`,
      {
        where: 'method.kl.target',
        advice: 'Set where to reward (with k1) or loss (with k2) and a coefficient to begin with.',
      },
    );
  }
  if (where === 'none' && coefficient > 0) {
    throw userError(
      'kl-nowhere',
      `A KL coefficient of ${coefficient} has no effect while the penalty is switched off.`,
      {
        where: 'method.kl.where',
        advice: 'Set where to reward (with k1) or loss (with k2), or the coefficient to 0.',
      },
    );
  }
  if (where === 'loss' && estimator === 'k1' && gradient !== 'k2' && gradient !== 'timesRatio') {
    throw userError(
      'kl-without-gradient',
      'The estimate k1 in the loss has an expected gradient of zero: it would add noise and hold nothing back.',
      { where: 'method.kl.estimator', advice: 'Use k2 in the loss, or put k1 into the reward.' },
    );
  }
  if (where === 'reward' && estimator !== 'k1') {
    throw userError(
      'kl-estimator-in-reward',
      `The estimate ${estimator} in the reward does not give the gradient of the KL; only k1 does.`,
      { where: 'method.kl.estimator', advice: `Use k1 in the reward, or ${estimator} in the loss.` },
    );
  }
}
