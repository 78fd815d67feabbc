import { readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { metricDefinitions } from '../../../src-main/estimators/metric-names.ts';
import { componentMetricPrefix, trainingMetricDefinitions } from '../../../src-main/training/step-metrics.ts';
import { trainLoop } from '../../../src-main/training/train-loop.ts';
import { eventsOf, makeRun, temporaryFolder } from './loop-parts.ts';

describe('metrics of a step', () => {
  it('are defined in docs/metrics.md in the words of the program', () => {
    const text = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
    for (const [name, meaning] of Object.entries(trainingMetricDefinitions)) {
      expect(
        text.split('\n').some((line) => line.startsWith(`| \`${name}\``) && line.includes(meaning)),
      ).toBe(true);
    }
  });

  it.each(['dr-grpo', 'reinforce', 'remax', 'dapo', 'vineppo', 'trepo', 'raft', 'sft'] as const)(
    'have no name that is not defined (%s)',
    async (estimator) => {
      const groupSize = estimator === 'sft' ? undefined : 2;
      const run = makeRun({ method: { estimator, groupSize, epochs: 2 }, budget: { steps: 2 } });
      const folder = temporaryFolder();
      await trainLoop(run.parts, folder, null);
      rmSync(folder, { recursive: true });
      const known = new Set([...Object.keys(metricDefinitions), ...Object.keys(trainingMetricDefinitions)]);
      const steps = eventsOf(run.events, 'step');
      expect(steps).toHaveLength(2);
      for (const name of steps.flatMap(({ metrics }) => Object.keys(metrics))) {
        expect(known.has(name) || name.startsWith(componentMetricPrefix)).toBe(true);
      }
      expect(steps[1]!.metrics['updates']).toBe(2);
      if (estimator === 'remax') expect(steps[0]!.metrics['greedyRewardMean']).toBeGreaterThanOrEqual(0);
      if (estimator === 'reinforce') expect(steps[1]!.metrics['baselineValue']).toBeGreaterThanOrEqual(0);
    },
  );
});
