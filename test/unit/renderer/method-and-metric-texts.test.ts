import { describe, expect, it } from 'vitest';
import { estimatorNames } from '../../../src-main/contract/estimator.ts';
import { experimentSchema, fieldHelp } from '../../../src-main/contract/experiment.ts';
import { metricDefinitions } from '../../../src-main/estimators/metric-names.ts';
import { describeEstimators } from '../../../src-main/estimators/index.ts';
import { trainingMetricDefinitions } from '../../../src-main/training/step-metrics.ts';
import { metricText, sortMetrics } from '../../../src-renderer/lib/metric-texts.ts';

describe('what the window says of methods', () => {
  const cards = describeEstimators();

  it('has a card for each, with defaults that the contract takes', () => {
    expect(cards.map(({ name }) => name).sort()).toEqual([...estimatorNames].sort());
    for (const { name, defaults } of cards) {
      const method = { estimator: name, ...defaults };
      const document = { version: 1, name: 'x', model: { path: 'x' }, data: { path: 'x' }, method };
      expect(experimentSchema.safeParse(document).success).toBe(true);
    }
  });

  it.each(cards)('$name: its settings are fields with help', ({ settings }) => {
    for (const key of settings) expect(fieldHelp(`method.${key}`)).toBeDefined();
  });
});

describe('what the window says of metrics', () => {
  it('has words for every metric that a run can have', () => {
    const names = [...Object.keys(metricDefinitions), ...Object.keys(trainingMetricDefinitions)];
    const missing = names.filter((name) => name !== 'rewardMean' && metricText(name).title === name);
    expect(missing).toEqual([]);
  });

  it('shows what it does not know under its own name, last', () => {
    expect(metricText('somethingNew').title).toBe('somethingNew');
    expect(sortMetrics(['somethingNew', 'loss', 'reward.number', 'lengthMean'])).toEqual([
      'reward.number',
      'lengthMean',
      'loss',
      'somethingNew',
    ]);
  });
});
