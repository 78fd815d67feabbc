/** What each estimator asks of the engine, and which settings it refuses. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EspalierError } from '../../../src-main/contract/errors.ts';
import { estimatorNames, type EstimatorName } from '../../../src-main/contract/estimator.ts';
import { budgetSchema, methodSchema } from '../../../src-main/contract/experiment.ts';
import { estimators, estimatorSpec } from '../../../src-main/estimators/index.ts';
import { metricDefinitions } from '../../../src-main/estimators/metric-names.ts';

const budget = budgetSchema.parse({ promptsPerStep: 4, maxTokens: 32 });
const specOf = (method: object) => estimatorSpec(methodSchema.parse(method), budget);
const docs = new URL('../../../docs/', import.meta.url);

function refusal(method: object): EspalierError {
  try {
    specOf(method);
  } catch (error) {
    if (error instanceof EspalierError) return error;
    throw error;
  }
  return expect.fail(`${JSON.stringify(method)} was accepted`);
}

describe.each(estimatorNames)('%s', (name: EstimatorName) => {
  const estimator = estimators[name];

  it('is described in one sentence and works with its own defaults', () => {
    expect(estimator.name).toBe(name);
    expect(estimator.description).toMatch(/^[A-Z][^.]*.*\.$/);
    const spec = specOf({ estimator: name });
    expect(spec.plan.samplesPerPrompt).toBe(estimator.defaults.groupSize);
    expect(spec.surrogate.aggregation).toBe(estimator.defaults.aggregation);
    expect(spec.surrogate.constantLength).toBe(32);
  });

  it('takes the settings it is given', () => {
    const { preference, rewardModel } = specOf({ estimator: name });
    const compares = preference !== undefined || rewardModel !== undefined;
    const aggregation = compares ? {} : { aggregation: 'tokenMean' };
    const spec = specOf({ estimator: name, ...aggregation, epochs: 2 });
    expect(spec.surrogate).toMatchObject({ aggregation: 'tokenMean', epochs: 2 });
  });

  it('has a page that names its cost', () => {
    const page = new URL(`estimators/${name}.md`, docs);
    expect(existsSync(page)).toBe(true);
    const text = readFileSync(page, 'utf8');
    for (const heading of [
      '## Formula',
      '## Settings',
      '## What it logs',
      '## Cost',
      '## When to choose it',
      '## What can go wrong',
    ]) {
      expect(text, heading).toContain(heading);
    }
  });
});

it('every metric is defined in docs/metrics.md in the words of the program', () => {
  const text = readFileSync(new URL('metrics.md', docs), 'utf8');
  for (const [name, definition] of Object.entries(metricDefinitions)) {
    const row = text.split('\n').find((line) => line.startsWith(`| \`${name}\``));
    expect(row, name).toContain(definition.replaceAll('|', '\\|'));
  }
});

describe('specifications', () => {
  it('reinforce compares with a moving average, or with nothing', () => {
    expect(specOf({ estimator: 'reinforce' }).advantage).toMatchObject({
      baseline: 'movingAverage',
      decay: 0.9,
    });
    expect(specOf({ estimator: 'reinforce', baselineDecay: 0.5 }).advantage.decay).toBe(0.5);
    expect(specOf({ estimator: 'reinforce', baseline: 'none' }).advantage.baseline).toBe('none');
  });

  it('policy-gradient methods clip as soon as answers are not fresh', () => {
    for (const estimator of ['reinforce', 'rloo', 'remax']) {
      expect(specOf({ estimator }).surrogate.kind).toBe('pg');
      expect(specOf({ estimator, epochs: 2 }).surrogate).toMatchObject({
        kind: 'ppoClip',
        clipLow: 0.2,
        clipHigh: 0.2,
      });
      expect(specOf({ estimator, minibatches: 2 }).surrogate.kind).toBe('ppoClip');
      expect(specOf({ estimator, clipHigh: 0.28 }).surrogate).toMatchObject({
        kind: 'ppoClip',
        clipHigh: 0.28,
      });
    }
    expect(specOf({ estimator: 'grpo' }).surrogate.kind).toBe('ppoClip');
  });

  it('grpo divides by the deviation of the group, dr-grpo by the longest answer', () => {
    expect(specOf({ estimator: 'grpo' })).toMatchObject({
      advantage: { baseline: 'groupMean', scale: 'groupStd', ddof: 1 },
      surrogate: { aggregation: 'seqTokenMean' },
    });
    expect(specOf({ estimator: 'dr-grpo' })).toMatchObject({
      advantage: { baseline: 'groupMean', scale: 'none' },
      surrogate: { aggregation: 'constant', constantLength: 32 },
    });
  });

  it('the rest of the family differs where it says', () => {
    const whitened = { scale: 'batchTokens', ddof: 1, eps: 1e-8, epsAt: 'var' };
    expect(specOf({ estimator: 'reinforce-plus-plus' })).toMatchObject({
      plan: { samplesPerPrompt: 1 },
      advantage: { baseline: 'none', ...whitened },
      surrogate: { kind: 'ppoClip', aggregation: 'tokenMean' },
    });
    expect(specOf({ estimator: 'reinforce-plus-plus-baseline' }).advantage).toMatchObject({
      baseline: 'groupMean',
      ...whitened,
    });
    expect(specOf({ estimator: 'gspo' }).surrogate).toMatchObject({
      kind: 'ppoClip',
      ratio: 'seqMean',
      clipLow: 3e-4,
      clipHigh: 4e-4,
    });
    expect(specOf({ estimator: 'cispo' }).surrogate).toMatchObject({
      kind: 'cispo',
      clipLow: 1,
      clipHigh: 4,
    });
    expect(specOf({ estimator: 'opo' }).advantage.baseline).toBe('lengthWeightedGroupMean');
    expect(specOf({ estimator: 'gpg' }).advantage.baseline).toBe('groupMeanTimesNonzero');
    expect(specOf({ estimator: 'pass-at-k' }).advantage.baseline).toBe('bestMinusSecond');
    for (const estimator of ['opo', 'gpg', 'pass-at-k'])
      expect(specOf({ estimator }).surrogate.kind).toBe('pg');
  });

  it('dapo draws again and shortens, raft keeps, the others look into answers', () => {
    expect(specOf({ estimator: 'dapo' })).toMatchObject({
      plan: { samplesPerPrompt: 16, redraws: 3 },
      overlong: { buffer: 6, factor: 1 },
      advantage: { baseline: 'groupMean', scale: 'groupStd' },
      surrogate: { kind: 'ppoClip', aggregation: 'tokenMean', clipLow: 0.2, clipHigh: 0.28 },
    });
    expect(specOf({ estimator: 'dapo', overlongPenalty: 0 }).overlong).toBeUndefined();
    expect(specOf({ estimator: 'raft' })).toMatchObject({
      advantage: { baseline: 'keep', keepFrom: null },
      surrogate: { kind: 'nll', samplerCap: null },
    });
    expect(specOf({ estimator: 'raft', groupSize: 1, keepFrom: 0.5 }).advantage.keepFrom).toBe(0.5);
    expect(specOf({ estimator: 'vineppo' }).plan.anchors).toMatchObject({
      rule: 'lines',
      continuations: 9,
      between: 'segment',
    });
    const own = { estimator: 'trepo', anchorRule: 'stride', anchorStride: 5, continuations: 2 };
    expect(specOf(own).plan.anchors).toMatchObject({ rule: 'stride', stride: 5, continuations: 2 });
    expect(specOf({ estimator: 'trepo' })).toMatchObject({
      plan: { samplesPerPrompt: 4, anchors: { rule: 'coins', chance: 0.125, between: 'segment' } },
      advantage: { baseline: 'anchors', scale: 'none' },
      surrogate: { kind: 'ppoClip', aggregation: 'constant', constantLength: 32 },
    });
  });

  it('remax asks for one greedy answer, sft for none at all', () => {
    expect(specOf({ estimator: 'remax' }).plan).toEqual({ samplesPerPrompt: 1, greedy: true });
    expect(specOf({ estimator: 'sft' })).toMatchObject({
      plan: { samplesPerPrompt: 0, greedy: false },
      surrogate: { kind: 'nll', samplerCap: null },
    });
  });
});

describe('refusals name the setting, the reason and a way out', () => {
  const kl = (where: string, estimator: string, coefficient = 0.1) => ({ where, estimator, coefficient });
  it.each([
    [{ estimator: 'grpo', groupSize: 1 }, 'group-too-small', 'method.groupSize'],
    [{ estimator: 'dr-grpo', groupSize: 1 }, 'group-too-small', 'method.groupSize'],
    [{ estimator: 'rloo', groupSize: 1 }, 'group-too-small', 'method.groupSize'],
    [{ estimator: 'gspo', groupSize: 1 }, 'group-too-small', 'method.groupSize'],
    [{ estimator: 'cispo', groupSize: 1 }, 'group-too-small', 'method.groupSize'],
    [{ estimator: 'opo', groupSize: 1 }, 'group-too-small', 'method.groupSize'],
    [{ estimator: 'gpg', groupSize: 1 }, 'group-too-small', 'method.groupSize'],
    [{ estimator: 'pass-at-k', groupSize: 1 }, 'group-too-small', 'method.groupSize'],
    [{ estimator: 'reinforce-plus-plus-baseline', groupSize: 1 }, 'group-too-small', 'method.groupSize'],
    [{ estimator: 'dapo', groupSize: 1 }, 'group-too-small', 'method.groupSize'],
    [{ estimator: 'dapo', overlongBuffer: 32 }, 'overlong-buffer-too-long', 'method.overlongBuffer'],
    [
      { estimator: 'dapo', overlongBuffer: 0, overlongPenalty: 1 },
      'overlong-penalty-nowhere',
      'method.overlongPenalty',
    ],
    [{ estimator: 'raft', groupSize: 1 }, 'group-too-small', 'method.groupSize'],
    [{ estimator: 'raft', clipLow: 0.1 }, 'setting-not-applicable', 'method.clipLow'],
    [{ estimator: 'raft', kl: kl('loss', 'k2') }, 'setting-not-applicable', 'method.kl'],
    [{ estimator: 'grpo', continuations: 4 }, 'setting-not-applicable', 'method.continuations'],
    [{ estimator: 'grpo', redraws: 1 }, 'setting-not-applicable', 'method.redraws'],
    [{ estimator: 'sft', keepFrom: 1 }, 'setting-not-applicable', 'method.keepFrom'],
    [{ estimator: 'vineppo', anchorChance: 0.5 }, 'setting-not-applicable', 'method.anchorChance'],
    [{ estimator: 'vineppo', anchorRule: 'coins' }, 'anchor-rule-unknown', 'method.anchorRule'],
    [{ estimator: 'vineppo', anchorStride: 4 }, 'setting-not-applicable', 'method.anchorStride'],
    [
      { estimator: 'vineppo', anchorRule: 'stride', anchorStride: 32 },
      'anchors-beyond-answer',
      'method.anchorStride',
    ],
    [{ estimator: 'trepo', anchorRule: 'lines' }, 'anchor-rule-unknown', 'method.anchorRule'],
    [
      { estimator: 'trepo', anchorRule: 'stride', anchorBetween: 'sparse' },
      'anchor-rule-unknown',
      'method.anchorRule',
    ],
    [{ estimator: 'trepo', baseline: 'none' }, 'setting-not-applicable', 'method.baseline'],
    [{ estimator: 'grpo', baseline: 'none' }, 'setting-not-applicable', 'method.baseline'],
    [{ estimator: 'remax', baselineDecay: 0.5 }, 'setting-not-applicable', 'method.baselineDecay'],
    [
      { estimator: 'reinforce', baseline: 'none', baselineDecay: 0.5 },
      'decay-without-baseline',
      'method.baselineDecay',
    ],
    [{ estimator: 'rloo', kl: kl('loss', 'k1') }, 'kl-without-gradient', 'method.kl.estimator'],
    [{ estimator: 'rloo', kl: kl('reward', 'k3') }, 'kl-estimator-in-reward', 'method.kl.estimator'],
    [{ estimator: 'rloo', kl: kl('none', 'k1') }, 'kl-nowhere', 'method.kl.where'],
    [{ estimator: 'remax', minibatches: 5 }, 'too-many-minibatches', 'method.minibatches'],
    [{ estimator: 'sft', groupSize: 4 }, 'setting-not-applicable', 'method.groupSize'],
    [{ estimator: 'sft', kl: kl('loss', 'k2') }, 'setting-not-applicable', 'method.kl'],
    [{ estimator: 'sft', minibatches: 5 }, 'setting-not-applicable', 'method.minibatches'],
    [{ estimator: 'sft', minibatches: 3 }, 'minibatches-uneven', 'method.minibatches'],
    [{ estimator: 'dpo', minibatches: 3 }, 'minibatches-uneven', 'method.minibatches'],
    [{ estimator: 'online-dpo', minibatches: 3 }, 'minibatches-uneven', 'method.minibatches'],
    [{ estimator: 'grpo', minibatches: 3 }, 'minibatches-uneven', 'method.minibatches'],
    [{ estimator: 'grpo', groupSize: 3, minibatches: 5 }, 'minibatches-uneven', 'method.minibatches'],
    [{ estimator: 'grpo', samplerCap: 0.2 }, 'sampler-cap-too-small', 'method.samplerCap'],
    [{ estimator: 'sft', entropyBonus: 0.01 }, 'setting-not-applicable', 'method.entropyBonus'],
    [{ estimator: 'raft', entropyBonus: 0.01 }, 'setting-not-applicable', 'method.entropyBonus'],
    [{ estimator: 'dpo', entropyBonus: 0.01 }, 'setting-not-applicable', 'method.entropyBonus'],
    [{ estimator: 'online-dpo', entropyBonus: 0.01 }, 'setting-not-applicable', 'method.entropyBonus'],
    [{ estimator: 'online-dpo', groupSize: 1 }, 'group-too-small', 'method.groupSize'],
    [{ estimator: 'dpo', kl: kl('loss', 'k2') }, 'setting-not-applicable', 'method.kl'],
    [{ estimator: 'dpo', groupSize: 4 }, 'setting-not-applicable', 'method.groupSize'],
    [
      { estimator: 'dpo', preferenceLoss: 'ipo', labelSmoothing: 0.1 },
      'smoothing-without-effect',
      'method.labelSmoothing',
    ],
    [{ estimator: 'kto', minibatches: 4 }, 'batch-too-small', 'budget.promptsPerStep'],
    [
      { estimator: 'kto', desirableWeight: 0, undesirableWeight: 0 },
      'nothing-to-learn',
      'method.desirableWeight',
    ],
    [
      { estimator: 'ppo', critic: 'head', criticLearningRate: 1e-4 },
      'setting-not-applicable',
      'method.criticLearningRate',
    ],
    [{ estimator: 'rloo', kl: { ...kl('none', 'k1', 0), target: 1 } }, 'kl-nowhere', 'method.kl.target'],
    [
      { estimator: 'rloo', kl: { ...kl('reward', 'k1'), gradient: 'k2' } },
      'kl-gradient-nowhere',
      'method.kl.gradient',
    ],
  ])('%j', (method, code, where) => {
    const error = refusal(method);
    expect(error).toMatchObject({ kind: 'user', code, where });
    expect(error.advice).toBeTruthy();
  });

  it('a step of one answer is refused where answers of a step are compared', () => {
    const one = budgetSchema.parse({ promptsPerStep: 1 });
    const method = methodSchema.parse({ estimator: 'reinforce-plus-plus' });
    expect(() => estimatorSpec(method, one)).toThrow(
      expect.objectContaining({ code: 'batch-too-small', where: 'budget.promptsPerStep' }),
    );
  });

  const foreign = {
    critic: 'own',
    lambda: 0.9,
    valueClip: 0.2,
    valueCoefficient: 0.5,
    criticLearningRate: 1e-4,
    whiten: true,
    beta: 0.1,
    margin: 1,
    overlongBuffer: 2,
    anchorRule: 'coins',
    anchorChance: 0.5,
  };
  it.each(Object.entries(foreign))('%s is refused where only other methods have it', (field, value) => {
    for (const name of estimatorNames) {
      const estimator = estimators[name];
      if (estimator.settings.some((setting) => setting === field)) continue;
      const error = refusal({ estimator: name, [field]: value });
      expect(error).toMatchObject({ code: 'setting-not-applicable', where: `method.${field}` });
    }
  });

  it('looks into answers of one token, and a scale from one token, are refused', () => {
    const short = budgetSchema.parse({ promptsPerStep: 1, maxTokens: 1 });
    for (const estimator of ['vineppo', 'trepo']) {
      expect(() => estimatorSpec(methodSchema.parse({ estimator }), short)).toThrow(
        expect.objectContaining({ code: 'anchors-beyond-answer', where: 'budget.maxTokens' }),
      );
    }
    expect(() => estimatorSpec(methodSchema.parse({ estimator: 'ppo' }), short)).toThrow(
      expect.objectContaining({ code: 'batch-too-small', where: 'budget.promptsPerStep' }),
    );
    const plain = methodSchema.parse({ estimator: 'ppo', whiten: false });
    expect(estimatorSpec(plain, short).advantage.scale).toBe('none');
  });

  it('accepts the same settings where they work', () => {
    expect(specOf({ estimator: 'grpo', entropyBonus: 0.01 }).surrogate.entropyBonus).toBe(0.01);
    expect(specOf({ estimator: 'grpo', entropyBonus: 0 }).surrogate).not.toHaveProperty('entropyBonus');
    expect(specOf({ estimator: 'grpo', groupSize: 3, minibatches: 6 }).surrogate.epochs).toBe(1);
    expect(specOf({ estimator: 'grpo', samplerCap: null }).surrogate.samplerCap).toBeNull();
    expect(specOf({ estimator: 'remax', groupSize: 1 }).plan.samplesPerPrompt).toBe(1);
    expect(specOf({ estimator: 'rloo', kl: kl('reward', 'k1') }).kl.where).toBe('reward');
    expect(specOf({ estimator: 'grpo', kl: kl('loss', 'k3') }).kl.where).toBe('loss');
    expect(specOf({ estimator: 'remax', minibatches: 4 }).surrogate.kind).toBe('ppoClip');
  });
});
