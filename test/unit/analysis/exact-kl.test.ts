/** What each KL estimate pulls toward on average, exactly, through the advantages and losses that training uses. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { enumerateProcess, type EnumeratedProcess } from '../../../src-main/analysis/decision-process.ts';
import { estimatorMoments } from '../../../src-main/analysis/exact-gradient.ts';
import type { EstimatorSpec } from '../../../src-main/contract/estimator.ts';
import { klEstimate, type KlTerm } from '../../../src-main/estimators/kl-estimate.ts';

const table = z.record(z.string(), z.array(z.number()));
const fileSchema = z.object({
  tolerance: z.number(),
  cases: z.array(
    z.object({
      name: z.string(),
      input: z.object({
        vocabulary: z.array(z.string()),
        maxLength: z.int(),
        logits: table,
        referenceLogits: table,
      }),
      expected: z.object({
        sequenceKl: z.number(),
        gradients: z.record(z.enum(['sequenceKl', 'reverseKlFrozen', 'forwardKlFrozen', 'zero']), table),
        estimators: z.array(
          z.object({
            name: z.string(),
            equals: z.enum(['sequenceKl', 'reverseKlFrozen', 'forwardKlFrozen', 'zero']),
            gradient: table,
            expectedValue: z.number().optional(),
          }),
        ),
      }),
    }),
  ),
});
const url = new URL('../../fixtures/estimators/exact-kl.json', import.meta.url);
const file = fileSchema.parse(JSON.parse(readFileSync(url, 'utf8')));

const loss = (estimator: KlTerm['estimator'], more: Partial<KlTerm> = {}): KlTerm => ({
  where: 'loss',
  estimator,
  coefficient: 1,
  ...more,
});
const inReward: KlTerm = { where: 'reward', estimator: 'k1', coefficient: 1 };
const rules: Readonly<Record<string, { kl: KlTerm; klFold?: 'score' | 'toGo' }>> = {
  'k1-in-reward/to-go': { kl: inReward, klFold: 'toGo' },
  'k1-in-reward/whole-sequence': { kl: inReward, klFold: 'score' },
  'k1-in-loss': { kl: loss('k1') },
  'k2-in-loss': { kl: loss('k2') },
  'k3-in-loss': { kl: loss('k3') },
  'k1+-in-loss': { kl: loss('k1', { gradient: 'k2' }) },
  'k3+-in-loss': { kl: loss('k3', { gradient: 'k2' }) },
  'k1-in-loss/unbiased-gradient': { kl: loss('k1', { gradient: 'k2', ratioCap: 10 }) },
  'k3-in-loss/unbiased-gradient': { kl: loss('k3', { gradient: 'k2', ratioCap: 10 }) },
  'k3-in-loss/trl': { kl: loss('k3') },
  'k3-in-loss-times-ratio/trl': { kl: loss('k3', { gradient: 'timesRatio' }) },
};

function specOf(kl: KlTerm, klFold: 'score' | 'toGo'): EstimatorSpec {
  return {
    plan: { samplesPerPrompt: 1, greedy: false },
    advantage: { baseline: 'none', scale: 'none', ddof: 1, eps: 0, klFold },
    surrogate: {
      kind: 'pg',
      ratio: 'token',
      clipLow: 0,
      clipHigh: 0,
      aggregation: 'seqSum',
      constantLength: 1,
      epochs: 1,
      samplerCap: null,
    },
    kl,
  };
}

/** Every answer is worth nothing, so that only the KL moves the policy. */
function processOf(
  input: { vocabulary: string[]; maxLength: number },
  logits: Record<string, number[]>,
): EnumeratedProcess {
  const answers: string[] = [];
  const extend = (prefix: string): void => {
    for (const letter of input.vocabulary) {
      const text = prefix + letter;
      if (letter === input.vocabulary.at(-1) || text.length === input.maxLength) answers.push(text);
      else extend(text);
    }
  };
  extend('');
  return enumerateProcess({
    ...input,
    logits,
    rewards: Object.fromEntries(answers.map((answer) => [answer, 0])),
  });
}

describe.each(file.cases.map((each) => [each.name, each] as const))('%s', (_, { input, expected }) => {
  const { referenceLogits, logits, ...rest } = input;
  const enumerated = processOf(rest, logits);
  const reference = processOf(rest, referenceLogits);

  it.each(expected.estimators.map((row) => [row.name, row] as const))('%s', (name, row) => {
    const rule = rules[name] ?? expect.fail(`no rule for ${name}`);
    const { gradient } = estimatorMoments(enumerated, specOf(rule.kl, rule.klFold ?? 'toGo'), reference);
    const wanted = expected.gradients[row.equals];
    enumerated.states.forEach((state, index) => {
      for (let letter = 0; letter < input.vocabulary.length; letter++) {
        // The step goes against the penalty, so its gradient has the opposite sign.
        const got = -gradient[index * input.vocabulary.length + letter]!;
        expect(Math.abs(got - row.gradient[state]![letter]!)).toBeLessThan(file.tolerance);
        expect(Math.abs(got - wanted[state]![letter]!)).toBeLessThan(file.tolerance);
      }
    });
    if (row.expectedValue !== undefined) {
      let value = 0;
      enumerated.answers.forEach((answer, index) => {
        answer.logprobs.forEach((logprob, place) => {
          value +=
            answer.probability *
            klEstimate(logprob, reference.answers[index]!.logprobs[place]!, rule.kl).value;
        });
      });
      expect(Math.abs(value - row.expectedValue)).toBeLessThan(file.tolerance);
    }
  });
});
