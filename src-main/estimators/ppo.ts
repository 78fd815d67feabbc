/** PPO: a learned critic predicts the reward from every position; what comes out better than predicted is encouraged. */
import { userError } from '../contract/errors.ts';
import type { CriticSpec } from '../contract/estimator.ts';
import type { MethodConfig } from '../contract/experiment.ts';
import { onlineSpec, type Estimator, type OnlineTraits } from './estimator.ts';
import { notApplicable, refuseBaseline, validateOnline } from './validation.ts';

const defaults = { groupSize: 1, aggregation: 'tokenMean', clip: { low: 0.2, high: 0.2 } } as const;

/** Values where the experiment leaves a setting of the critic out. */
export const criticDefaults = { network: 'own', lambda: 1, clip: 0.5, headCoefficient: 0.1 } as const;

function traits(method: MethodConfig): OnlineTraits {
  const whiten = method.whiten ?? true;
  return {
    defaults,
    greedy: false,
    advantage: {
      baseline: 'critic',
      scale: whiten ? 'batchTokens' : 'none',
      ddof: 1,
      eps: 1e-8,
      epsAt: 'var',
      lambda: method.lambda ?? criticDefaults.lambda,
      klFold: 'toGo',
    },
    loss: 'clipped',
  };
}

function criticSpec(method: MethodConfig): CriticSpec {
  const network = method.critic ?? criticDefaults.network;
  return {
    network,
    clip: method.valueClip === undefined ? criticDefaults.clip : method.valueClip,
    // A network of its own shares no gradient with the policy: AdamW takes out the scale of its loss.
    coefficient: method.valueCoefficient ?? (network === 'head' ? criticDefaults.headCoefficient : 1),
    learningRateFactor: (method.criticLearningRate ?? method.learningRate) / method.learningRate,
  };
}

export const ppo: Estimator = {
  name: 'ppo',
  title: 'PPO',
  description:
    'Trains a second predictor, the critic, that says at every word how the answer will end, and learns from where it was wrong.',
  choose: 'When answers are long and a question can be asked only once: a critic tells their words apart.',
  cost: {
    generations: 'One answer for each question (more if asked for).',
    memory:
      'The model and its optimizer state, and the same again for a critic of its own; with a KL penalty also a copy of the starting weights.',
  },
  defaults,
  settings: [
    'groupSize',
    'critic',
    'lambda',
    'valueClip',
    'valueCoefficient',
    'criticLearningRate',
    'whiten',
  ],
  spec: (method, budget) => ({ ...onlineSpec(traits(method), method, budget), critic: criticSpec(method) }),
  validate(method, budget) {
    refuseBaseline(ppo, method);
    validateOnline(ppo, 1, method, budget);
    const answers = (method.groupSize ?? defaults.groupSize) * budget.promptsPerStep;
    if ((method.whiten ?? true) && answers * budget.maxTokens < 2) {
      throw userError(
        'batch-too-small',
        'PPO scales the advantages of a step to deviation 1; with a single token there is nothing to scale by.',
        {
          where: 'budget.promptsPerStep',
          advice: 'Ask more questions per step, or set method.whiten to false.',
        },
      );
    }
    if (method.critic === 'head' && method.criticLearningRate !== undefined) {
      throw notApplicable(
        ppo,
        'criticLearningRate',
        'a critic that is a head of the policy is updated together with it',
        'Leave it out, or set critic to own; the weight of the head is valueCoefficient.',
      );
    }
  },
};
