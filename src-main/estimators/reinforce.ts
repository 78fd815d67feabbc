/** REINFORCE: reward minus nothing, or minus the moving average of earlier rewards. */
import { userError } from '../contract/errors.ts';
import type { MethodConfig } from '../contract/experiment.ts';
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { validateOnline } from './validation.ts';

const defaults = { groupSize: 1, aggregation: 'seqSum', clip: { low: 0.2, high: 0.2 } } as const;
const defaultDecay = 0.9;

function traits(method: MethodConfig): OnlineTraits {
  const shared = { scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' } as const;
  const averaged = (method.baseline ?? 'movingAverage') === 'movingAverage';
  return {
    defaults,
    greedy: false,
    advantage: averaged
      ? { ...shared, baseline: 'movingAverage', decay: method.baselineDecay ?? defaultDecay }
      : { ...shared, baseline: 'none' },
    loss: 'policyGradient',
  };
}

export const reinforce: Estimator = {
  name: 'reinforce',
  title: 'REINFORCE',
  description: 'Makes answers more likely in proportion to how far their reward is above the recent average.',
  cost: { generations: 'One answer for each question (more if asked for).', memory: policyMemory },
  choose: 'The plainest method, to compare others with.',
  settings: ['groupSize', 'baseline', 'baselineDecay'],
  defaults,
  spec: (method, budget) => onlineSpec(traits(method), method, budget),
  validate(method, budget) {
    validateOnline(reinforce, 1, method, budget);
    if (method.baseline === 'none' && method.baselineDecay !== undefined) {
      throw userError(
        'decay-without-baseline',
        'A memory of the baseline is set while the baseline is switched off.',
        {
          where: 'method.baselineDecay',
          advice: 'Leave it out, or set baseline to movingAverage.',
        },
      );
    }
  },
};
