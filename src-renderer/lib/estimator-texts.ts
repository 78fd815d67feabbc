/** What each method is, in one plain sentence, and when to choose it. A missing one does not compile. */
import type { EstimatorName } from '../../src-main/contract/estimator.ts';

export interface EstimatorText {
  readonly title: string;
  /** How it works, for people who do not know the term. */
  readonly plain: string;
  readonly choose: string;
  /** What it costs beside the others. */
  readonly cost: string;
  /** Settings under `method` that belong to this method alone, shown with the card. */
  readonly settings: readonly string[];
  /** What the method uses where a setting is left out; a test compares them with the engine's. */
  readonly defaults: Readonly<Record<string, string | number>>;
}

export const estimatorTexts: Record<EstimatorName, EstimatorText> = {
  'dr-grpo': {
    title: 'Dr. GRPO',
    plain:
      'Asks each question several times; answers better than their group’s mean are encouraged, the others discouraged.',
    choose: 'A sound first choice. Long and short answers count alike.',
    cost: 'Several answers a question',
    settings: ['groupSize'],
    defaults: { groupSize: 8, aggregation: 'constant', clipLow: 0.2, clipHigh: 0.2 },
  },
  grpo: {
    title: 'GRPO',
    plain:
      'Like Dr. GRPO, but differences are measured in spreads of the group, so that hard and easy questions weigh the same.',
    choose: 'When results should be comparable with published ones.',
    cost: 'Several answers a question',
    settings: ['groupSize'],
    defaults: { groupSize: 8, aggregation: 'seqTokenMean', clipLow: 0.2, clipHigh: 0.2 },
  },
  rloo: {
    title: 'RLOO',
    plain: 'Compares each answer with the mean of the other answers to the same question.',
    choose: 'Unbiased and simple; strong with few answers a question.',
    cost: 'Several answers a question',
    settings: ['groupSize'],
    defaults: { groupSize: 8, aggregation: 'seqSum', clipLow: 0.2, clipHigh: 0.2 },
  },
  reinforce: {
    title: 'REINFORCE',
    plain:
      'Encourages answers by their reward, compared with nothing or with the average of earlier rewards.',
    choose: 'The plainest method, to compare others with.',
    cost: 'One answer a question is enough',
    settings: ['groupSize', 'baseline', 'baselineDecay'],
    defaults: { groupSize: 1, aggregation: 'seqSum', clipLow: 0.2, clipHigh: 0.2 },
  },
  remax: {
    title: 'ReMax',
    plain: 'Compares a sampled answer with the model’s own most likely answer to the same question.',
    choose: 'When one sampled answer a question must do.',
    cost: 'One extra answer a question',
    settings: ['groupSize'],
    defaults: { groupSize: 1, aggregation: 'seqSum', clipLow: 0.2, clipHigh: 0.2 },
  },
  sft: {
    title: 'Imitation (SFT)',
    plain:
      'Learns the right answers of the file word for word. No answers are sampled and no reward is used.',
    choose: 'To give a model a first idea of a task, before rewards.',
    cost: 'No sampling: the fastest',
    settings: [],
    defaults: { aggregation: 'tokenMean' },
  },
};
