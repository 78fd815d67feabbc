import { describe, expect, it } from 'vitest';
import { estimatorNames } from '../../../src-main/contract/estimator.ts';
import { experimentSchema, fieldHelp } from '../../../src-main/contract/experiment.ts';
import { metricDefinitions } from '../../../src-main/estimators/metric-names.ts';
import { estimators } from '../../../src-main/estimators/index.ts';
import { trainingMetricDefinitions } from '../../../src-main/training/step-metrics.ts';
import { estimatorTexts } from '../../../src-renderer/lib/estimator-texts.ts';
import { metricText, sortMetrics } from '../../../src-renderer/lib/metric-texts.ts';

describe('what the window says of methods', () => {
  it.each(estimatorNames)('%s: the defaults shown are those of the engine', (name) => {
    const shown = estimatorTexts[name].defaults;
    const { groupSize, aggregation, clip } = estimators[name].defaults;
    expect(shown['aggregation']).toBe(aggregation);
    expect(shown['groupSize'] ?? 0).toBe(groupSize);
    expect(shown['clipLow'] ?? null).toBe(clip?.low ?? null);
    expect(shown['clipHigh'] ?? null).toBe(clip?.high ?? null);
  });

  it('offers the defaults as values that the contract takes', () => {
    for (const name of estimatorNames) {
      const method = { estimator: name, ...estimatorTexts[name].defaults };
      const document = { version: 1, name: 'x', model: { path: 'x' }, data: { path: 'x' }, method };
      expect(experimentSchema.safeParse(document).success).toBe(true);
    }
  });

  it.each(estimatorNames)('%s: its settings are fields with help', (name) => {
    for (const key of estimatorTexts[name].settings) expect(fieldHelp(`method.${key}`)).toBeDefined();
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
