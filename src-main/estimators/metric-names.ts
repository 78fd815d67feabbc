/** Every metric that comes from answers, rewards and the loss, with what it says; docs/metrics.md lists the same. */
export const metricDefinitions = {
  rewardMean: 'Mean reward of the gradable answers of the step.',
  rewardStd: 'Standard deviation (n − 1) of the rewards of all gradable answers of the step.',
  rewardGroupStd: 'Mean over questions of the standard deviation (n − 1) of the rewards of their answers.',
  zeroVarianceShare:
    'Share of questions whose answers all have the same reward (spread at most 1e-6): nothing to learn.',
  ungradableShare: 'Share of answers that the grader could not score; they leave statistics and gradient.',
  maskedShare: 'Share of answers that the reward leaves out because they were cut off (truncated: mask).',
  greedyRewardMean: 'Mean reward of the greedy answers that serve as baseline (ReMax).',
  baselineValue: 'Moving average of earlier rewards that this step was compared with (REINFORCE).',
  lengthMean: 'Mean number of tokens of the answers, end token included.',
  lengthMax: 'Tokens of the longest answer.',
  truncatedShare: 'Share of answers cut off at the longest length allowed.',
  advantageMean: 'Mean advantage over the tokens that count.',
  advantageStd: 'Standard deviation of the advantage over the tokens that count.',
  entropyMean:
    'Mean entropy of the next-token distribution, in nats, over the tokens that count; in a step that learns nothing, its estimate from all sampled tokens (mean of −log μ).',
  entropyLoss:
    'Entropy aggregated as the loss, in nats; the loss holds it times −entropyBonus (with a bonus only), mean over the optimizer steps of the step.',
  ratioMean: 'Mean of π/π_old over the tokens that count; 1 when answers are fresh.',
  ratioMax: 'Largest π/π_old among the tokens that count.',
  approxKl:
    'Mean of log π_old − log π over the tokens that count: how far the policy moved since sampling, in nats.',
  clipFrac: 'Share of tokens that the clip holds back (clipFracLow + clipFracHigh).',
  clipFracLow: 'Share of tokens held at the lower edge: ratio below 1 − ε with a negative advantage.',
  clipFracHigh: 'Share of tokens held at the upper edge: ratio above 1 + ε with a positive advantage.',
  dualClipFrac: 'Share of tokens held at the bound of the dual clip.',
  clipFracSequencesLow:
    'Share of answers held at the lower edge, where the ratio is that of the whole answer.',
  clipFracSequencesHigh:
    'Share of answers held at the upper edge, where the ratio is that of the whole answer.',
  klMean:
    'Mean KL estimate to the reference model over the tokens that count, in nats, by the chosen estimator.',
  samplerLogpGapMean: 'Mean of |log π_old − log μ| between learner and sampler over the tokens that count.',
  samplerLogpGapMax: 'Largest |log π_old − log μ| among the tokens that count.',
  samplerWeightMean: 'Mean bounded weight π_old/μ over the tokens that count.',
  klCoefficient: 'Weight of the KL penalty in the step, where it follows a target.',
  valueLoss:
    'Loss of the critic (half the squared error, clipped), mean over the optimizer steps of the step.',
  explainedVariance:
    'Share of the spread of returns that the critic had foreseen: 1 all, 0 no more than a constant would, below 0 worse.',
  valueClipFrac: 'Share of tokens whose value is held back by the value clip.',
  returnsMean: 'Mean of what the critic should have said over the tokens that count.',
  valuesMean: 'Mean of what the critic said over the tokens that count.',
  'rewards/chosen':
    'Mean implicit reward of chosen (good) answers: β times the score that the loss compares.',
  'rewards/rejected': 'Mean implicit reward of rejected (bad) answers.',
  'rewards/margins': 'rewards/chosen less rewards/rejected.',
  'rewards/accuracies':
    'Share of pairs whose chosen answer has the higher implicit reward, ties counting one half.',
  'logps/chosen': 'Mean log-probability of chosen (good) answers, summed over their tokens.',
  'logps/rejected': 'Mean log-probability of rejected (bad) answers, summed over their tokens.',
  nllLoss: 'Negative log-likelihood of chosen answers for each token, where the loss holds it.',
  klMismatched: 'KTO’s estimate of the KL to the reference, from answers under wrong questions, at least 0.',
} as const;

export type MetricName = keyof typeof metricDefinitions;

/** Metrics of one step; those that do not apply are absent. */
export type Metrics = Partial<Record<MetricName, number>>;
