/**
 * Metrics in plain words: title, one line that says what it means, and how its values are written. A metric
 * that is not in the table is shown under its own name. The exact definitions are in docs/metrics.md.
 */
import { formatBytes, formatDuration, formatNumber, formatShare } from './format.ts';

export interface MetricText {
  readonly title: string;
  readonly definition: string;
  readonly format: (value: number) => string;
}

type Kind = 'number' | 'share' | 'tokens' | 'seconds' | 'bytes' | 'speed';

const formats: Record<Kind, (value: number) => string> = {
  number: formatNumber,
  share: formatShare,
  tokens: formatNumber,
  seconds: formatDuration,
  bytes: formatBytes,
  speed: (value) => `${formatNumber(value)}/s`,
};

/** In the order in which they are shown. */
const table: readonly (readonly [name: string, title: string, definition: string, kind?: Kind])[] = [
  ['lengthMean', 'Answer length', 'Mean tokens of an answer, its end included.', 'tokens'],
  ['truncatedShare', 'Cut-off answers', 'Share of answers that reached the longest length allowed.', 'share'],
  [
    'zeroVarianceShare',
    'Questions without signal',
    'Share of questions whose answers all got the same reward: they teach nothing.',
    'share',
  ],
  [
    'entropyMean',
    'Variety',
    'Mean entropy of the next token, in nats. Near 0 the model always says the same.',
  ],
  [
    'entropyLoss',
    'Variety in the loss',
    'Entropy as the loss averages it, in nats; the loss is lowered by it times the entropy bonus.',
  ],
  ['rewardGroupStd', 'Spread within a question', 'How much the rewards of answers to one question differ.'],
  [
    'gradientNorm',
    'Size of the gradient',
    'Global norm before clipping. Sudden peaks mean unstable learning.',
  ],
  ['approxKl', 'Policy movement', 'How far the model moved from the one that gave the answers, in nats.'],
  ['klMean', 'Distance from the start', 'Mean KL estimate to the original model, in nats.'],
  ['clipFrac', 'Clipped tokens', 'Share of tokens that the clip holds back.', 'share'],
  ['ratioMean', 'Probability ratio', 'Mean of new over old probability of the sampled tokens; 1 when fresh.'],
  ['ratioMax', 'Largest ratio', 'Largest new over old probability among the tokens.'],
  ['loss', 'Loss', 'Value that was differentiated. With rewards its level says little.'],
  [
    'samplerLogpGapMean',
    'Sampler mismatch',
    'Mean difference of log-probabilities between sampler and learner; should be tiny.',
  ],
  [
    'samplerLogpGapMax',
    'Largest sampler mismatch',
    'Largest difference of log-probabilities between sampler and learner.',
  ],
  ['ungradableShare', 'Not gradable', 'Share of answers that the grader could not score.', 'share'],
  [
    'maskedShare',
    'Left out',
    'Share of answers that the reward leaves out because they were cut off.',
    'share',
  ],
  ['generatedTokensPerSecond', 'Sampling speed', 'Tokens sampled for each second of sampling.', 'speed'],
  ['secondsStep', 'Time of a step', 'Sampling, grading and learning together.', 'seconds'],
  ['secondsGenerate', 'Time of sampling', 'Part of the step that samples answers.', 'seconds'],
  [
    'secondsLearn',
    'Time of learning',
    'Part of the step that scores, differentiates and updates.',
    'seconds',
  ],
  ['secondsReward', 'Time of grading', 'Part of the step that decodes and grades answers.', 'seconds'],
  ['memoryResident', 'Memory', 'Resident memory of the trainer after the step.', 'bytes'],
  [
    'anchorsPerAnswer',
    'Looks into an answer',
    'Mean number of places at which an answer was looked into (VinePPO, TRePO).',
  ],
  [
    'anchorValueSpread',
    'Change inside answers',
    'How much the reward to be expected changes inside an answer. Near 0, looking into answers tells nothing.',
  ],
  [
    'continuationRewardStd',
    'Noise of continuations',
    'How much the rewards of fresh ends from one place differ.',
  ],
  ['continuationTokens', 'Tokens of continuations', 'Tokens sampled to look into answers.', 'tokens'],
  [
    'redrawnShare',
    'Replaced questions',
    'Share of questions replaced because their answers all earned the same (DAPO).',
    'share',
  ],
  [
    'redrawRounds',
    'Rounds of further questions',
    'How often further questions were asked in the step (DAPO).',
  ],
  ['keptShare', 'Kept answers', 'Share of answers that were kept and learnt (RAFT).', 'share'],
  ['learningRate', 'Update strength', 'Learning rate of the step, after warm-up and schedule.'],
  ['rewardStd', 'Spread of rewards', 'Standard deviation of the rewards of the step.'],
  [
    'greedyRewardMean',
    'Reward of likeliest answers',
    'Mean reward of the greedy answers that serve as baseline.',
  ],
  ['baselineValue', 'Baseline', 'Moving average of earlier rewards that the step was compared with.'],
  ['advantageMean', 'Mean advantage', 'Mean learning signal over the tokens that count.'],
  [
    'advantageStd',
    'Spread of advantages',
    'Standard deviation of the learning signal over the tokens that count.',
  ],
  ['lengthMax', 'Longest answer', 'Tokens of the longest answer of the step.', 'tokens'],
  ['clipFracLow', 'Clipped below', 'Share of tokens held at the lower edge of the clip.', 'share'],
  ['clipFracHigh', 'Clipped above', 'Share of tokens held at the upper edge of the clip.', 'share'],
  ['dualClipFrac', 'Dual clip', 'Share of tokens held at the bound of the dual clip.', 'share'],
  ['clipFracSequencesLow', 'Answers clipped below', 'Share of answers held at the lower edge.', 'share'],
  ['clipFracSequencesHigh', 'Answers clipped above', 'Share of answers held at the upper edge.', 'share'],
  [
    'samplerWeightMean',
    'Sampler correction',
    'Mean weight that corrects for the sampler; 1 when both agree.',
  ],
  [
    'rewards/accuracies',
    'Pairs told apart',
    'Share of pairs whose better answer has the higher implicit reward.',
    'share',
  ],
  ['rewards/margins', 'Lead of better answers', 'Implicit reward of better answers less that of worse ones.'],
  ['rewards/chosen', 'Better answers', 'Mean implicit reward of better (good) answers.'],
  ['rewards/rejected', 'Worse answers', 'Mean implicit reward of worse (bad) answers.'],
  ['logps/chosen', 'Likelihood of better answers', 'Mean log-probability of better (good) answers.'],
  ['logps/rejected', 'Likelihood of worse answers', 'Mean log-probability of worse (bad) answers.'],
  ['nllLoss', 'Imitation', 'Negative log-likelihood of better answers, for each token.'],
  ['klMismatched', 'General movement', 'KTO’s estimate of how far the model has moved, in nats.'],
  [
    'explainedVariance',
    'Foresight of the critic',
    'Share of the spread of rewards that the critic foresaw; 0 is nothing.',
  ],
  ['valueLoss', 'Loss of the critic', 'Half the squared error of its values.'],
  ['valuesMean', 'Values of the critic', 'Mean of what the critic expected.'],
  ['returnsMean', 'Returns', 'Mean of what the critic should have expected.'],
  ['valueClipFrac', 'Clipped values', 'Share of tokens whose value is held back by the clip.', 'share'],
  ['klCoefficient', 'Weight of the KL penalty', 'Follows the wanted distance from the original model.'],
  [
    'skippedShare',
    'Skipped answers',
    'Share of answers whose computation adds nothing and is left out.',
    'share',
  ],
  ['judgeRequests', 'Judge: requests', 'Requests made to judges in the step.'],
  [
    'judgeCachedShare',
    'Judge: known already',
    'Share of the questions to judges that were answered from what was kept.',
    'share',
  ],
  [
    'judgeUnreadableShare',
    'Judge: unreadable',
    'Replies of judges that could not be read, for each question.',
    'share',
  ],
  [
    'judgePlaceShare',
    'Judge: decided by place',
    'Share of comparisons in which the judge preferred the same place in both orders.',
    'share',
  ],
  ['judgeFirstShare', 'Judge: first place', 'Share of these that preferred the first place.', 'share'],
  ['generatedTokens', 'Tokens sampled', 'Tokens sampled in the step.', 'tokens'],
  ['learntTokens', 'Tokens learnt from', 'Answer tokens in the loss of the step.', 'tokens'],
  ['updates', 'Updates', 'Optimizer steps that changed the weights.'],
  ['updatesLeftOut', 'Updates left out', 'Optimizer steps left out because a number was not finite.'],
];

const texts = new Map<string, MetricText & { order: number }>(
  table.map(([name, title, definition, kind], order) => [
    name,
    { title, definition, format: formats[kind ?? 'number'], order },
  ]),
);

/** Title, definition and format of a metric. Components of the reward are named `reward.NAME`. */
export function metricText(name: string): MetricText {
  const known = texts.get(name);
  if (known) return known;
  if (name.startsWith('reward.')) {
    const component = name.slice('reward.'.length);
    return {
      title: `Reward: ${component}`,
      definition: `Mean of the component “${component}”.`,
      format: formatNumber,
    };
  }
  return { title: name, definition: '', format: formatNumber };
}

/** Names in the order in which charts show them: components first, then the table, then what is not in it. */
export function sortMetrics(names: readonly string[]): string[] {
  const rank = (name: string): number =>
    name.startsWith('reward.') ? -1 : (texts.get(name)?.order ?? table.length);
  return [...names].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** How many of the table stand in the first row group; the others are behind "More". */
export const mainMetricNames: ReadonlySet<string> = new Set(table.slice(0, 17).map(([name]) => name));

/** The mean reward of a step, which the large curve shows. */
export const rewardMetric = 'rewardMean';
