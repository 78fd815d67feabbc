import { describe, expect, it } from 'vitest';
import { estimatorNames } from '../../../src-main/contract/estimator.ts';
import { experimentSchema, fieldHelp } from '../../../src-main/contract/experiment.ts';
import { metricDefinitions } from '../../../src-main/estimators/metric-names.ts';
import { describeEstimators, estimators, estimatorSpec } from '../../../src-main/estimators/index.ts';
import { judgeMetricDefinitions } from '../../../src-main/training/judge-link.ts';
import { trainingMetricDefinitions } from '../../../src-main/training/step-metrics.ts';
import { metricText, sortMetrics } from '../../../src-renderer/lib/metric-texts.ts';

const cards = new Map(describeEstimators().map((card) => [card.name, card]));

describe('what the window is told of methods', () => {
  it.each(estimatorNames)('%s: the defaults shown are those of the engine', (name) => {
    const shown = cards.get(name)!.defaults;
    const { groupSize, aggregation, clip } = estimators[name].defaults;
    expect(shown['aggregation']).toBe(aggregation);
    expect(shown['groupSize'] ?? 0).toBe(groupSize);
    expect(shown['clipLow'] ?? null).toBe(clip?.low ?? null);
    expect(shown['clipHigh'] ?? null).toBe(clip?.high ?? null);
  });

  it('offers the defaults as values that the contract takes', () => {
    for (const name of estimatorNames) {
      const method = { estimator: name, ...cards.get(name)!.defaults };
      const document = { version: 1, name: 'x', model: { path: 'x' }, data: { path: 'x' }, method };
      // Written out they change nothing, but that a clip which is set is used.
      const { method: written, budget } = experimentSchema.parse(document);
      const { method: silent } = experimentSchema.parse({ ...document, method: { estimator: name } });
      const { surrogate: _clipped, ...spec } = estimatorSpec(written, budget);
      const { surrogate: _plain, ...usual } = estimatorSpec(silent, budget);
      expect(spec).toEqual(usual);
    }
  });

  it.each(estimatorNames)('%s: its settings are fields with help', (name) => {
    for (const key of cards.get(name)!.settings) expect(fieldHelp(`method.${key}`)).toBeDefined();
  });
});

describe('what the window says of metrics', () => {
  it('has words for every metric that a run can have', () => {
    const names = [
      ...Object.keys(metricDefinitions),
      ...Object.keys(trainingMetricDefinitions),
      ...Object.keys(judgeMetricDefinitions),
    ];
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
