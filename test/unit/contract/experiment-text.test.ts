import { describe, expect, it } from 'vitest';
import { EspalierError } from '../../../src-main/contract/errors.ts';
import { expandExperiment } from '../../../src-main/contract/expand-experiment.ts';
import { parseExperiment } from '../../../src-main/contract/parse-experiment.ts';

const base = { version: 1, name: 'A', model: { path: 'm' }, data: { path: 'd' } };
const parse = (more: object) => parseExperiment(JSON.stringify({ ...base, ...more }));
function refusal(work: () => unknown): EspalierError {
  try {
    work();
  } catch (error) {
    if (error instanceof EspalierError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('parsing an experiment', () => {
  it('fills in the defaults and takes a byte-order mark', () => {
    const experiment = parseExperiment(`\ufeff${JSON.stringify(base)}`);
    expect(experiment.budget.steps).toBe(200);
    expect(experiment.method.estimator).toBe('dr-grpo');
  });

  it.each([
    [{ method: { lerningRate: 1 } }, 'method.lerningRate', 'Did you mean "learningRate"?'],
    [{ metod: {} }, 'metod', 'Did you mean "method"?'],
    [{ learningRate: 1 }, 'learningRate', 'It belongs in method: method.learningRate.'],
    [
      { method: { kl: { where: 'none', estimator: 'k1', coefficient: 0, weigth: 1 } } },
      'method.kl.weigth',
      'Known fields: where, estimator, coefficient, gradient, target.',
    ],
    [
      { reward: { components: [{ kind: 'number', wieght: 1 }] } },
      'reward.components[0].wieght',
      'Did you mean "weight"?',
    ],
    [{ reward: { components: [{ kind: 'numbr' }] } }, 'reward.components[0].kind', 'number'],
    [{ method: { estimator: 'drgrpo' } }, 'method.estimator', 'Did you mean "dr-grpo"?'],
    [{ name: undefined }, 'name', undefined],
    [{ budget: { steps: 0 } }, 'budget.steps', undefined],
    [{ budget: { steps: 'ten' } }, 'budget.steps', undefined],
    [{ vary: { 'method.estimatr': ['grpo'] } }, 'vary.method.estimatr', 'Did you mean "method.estimator"?'],
    [{ vary: { estimator: ['grpo'] } }, 'vary.estimator', 'Did you mean "method.estimator"?'],
    [
      { vary: { 'budget.seeds': [[1]] } },
      'vary.budget.seeds',
      'List the seeds in budget.seeds: each gives one run.',
    ],
    [{ vary: { 'method.estimator': ['grpo', 'xyz'] } }, 'vary.method.estimator', undefined],
    [{ vary: { '__proto__.polluted': [1] } }, 'vary.__proto__.polluted', undefined],
  ])('%j', (more, where, advice) => {
    const error = refusal(() => parse(more));
    expect(error.kind).toBe('user');
    expect(error.where).toBe(where);
    if (advice !== undefined) expect(error.advice).toContain(advice);
  });

  it('tells several mistakes at once', () => {
    const error = refusal(() => parse({ metod: {}, budget: { stepz: 1 } }));
    expect(error.message).toContain('2 mistakes');
    expect(error.message).toContain('budget.stepz');
    expect(error.message).toContain('"method"');
  });

  it('says where JSON is broken', () => {
    const error = refusal(() => parseExperiment('{\n  "version": 1,\n  "name" "x"\n}'));
    expect(error.code).toBe('experiment-not-json');
    expect(error.where).toBe('line 3, column 10');
  });

  it('takes no document that is not an object', () => {
    for (const text of ['null', '[]', '3', '"x"'])
      expect(refusal(() => parseExperiment(text)).code).toBe('experiment-invalid');
  });
});

describe('expanding an experiment', () => {
  it('is one run without vary', () => {
    const [run, ...others] = expandExperiment(parse({}));
    expect(others).toEqual([]);
    expect(run?.label).toBe('');
    expect(run?.config).toMatchObject({ seed: 1, budget: { seeds: [1] } });
  });

  it('is every combination and seed, in order', () => {
    const runs = expandExperiment(
      parse({
        budget: { seeds: [1, 2, 2] },
        reward: { components: [{ kind: 'number' }] },
        vary: {
          'method.estimator': ['grpo', 'rloo'],
          'reward.components.0.weight': [1, 0.5],
          'method.groupSize': [4],
        },
      }),
    );
    expect(runs.map((run) => run.label)).toEqual([
      'grpo · weight 1 · seed 1',
      'grpo · weight 1 · seed 2',
      'grpo · weight 0.5 · seed 1',
      'grpo · weight 0.5 · seed 2',
      'rloo · weight 1 · seed 1',
      'rloo · weight 1 · seed 2',
      'rloo · weight 0.5 · seed 1',
      'rloo · weight 0.5 · seed 2',
    ]);
    expect(runs[3]?.config).toMatchObject({
      seed: 2,
      method: { estimator: 'grpo', groupSize: 4 },
      reward: { components: [{ weight: 0.5 }] },
    });
  });

  it('takes a whole section as a value, and an optional field that was not set', () => {
    const runs = expandExperiment(
      parse({
        vary: { 'method.kl': [{ where: 'loss', estimator: 'k3', coefficient: 0.1 }], 'data.limit': [5, 10] },
      }),
    );
    expect(runs.map((run) => run.config.data.limit)).toEqual([5, 10]);
    expect(runs[0]?.config.method.kl.where).toBe('loss');
  });

  it('refuses a flood of runs', () => {
    const error = refusal(() =>
      parse({ budget: { seeds: Array.from({ length: 600 }, (_, i) => i) }, vary: { 'data.limit': [1, 2] } }),
    );
    expect(error.code).toBe('vary-many');
  });
});
