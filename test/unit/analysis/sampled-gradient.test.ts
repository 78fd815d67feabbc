/** Measured against exact: on a small process, sampled answers must show what enumeration knows. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  enumerateProcess,
  greedyAnswer,
  type EnumeratedProcess,
} from '../../../src-main/analysis/decision-process.ts';
import { addAnswer, emptyGradient } from '../../../src-main/analysis/exact-gradient.ts';
import { examineProcess } from '../../../src-main/analysis/laboratory.ts';
import { sampledGradients } from '../../../src-main/analysis/sampled-gradient.ts';
import { sampledPicture } from '../../../src-main/analysis/sampled-picture.ts';
import { budgetSchema } from '../../../src-main/contract/experiment.ts';
import {
  laboratorySettingsSchema,
  processFileSchema,
  sampledReportSchema,
  type SampledQuestion,
} from '../../../src-main/contract/laboratory.ts';
import { randomSequence } from '../../../src-main/contract/random.ts';

const url = new URL('../../../resources/laboratory/1-think-or-guess.json', import.meta.url);
const {
  title: _title,
  about: _about,
  ...process
} = processFileSchema.parse(JSON.parse(readFileSync(url, 'utf8')));
const enumerated = enumerateProcess(process);
const groupSize = 3;

/** Answers drawn from the process, each with its exact gradient in place of a projection. */
function sampled(from: EnumeratedProcess, count: number, seed: number): SampledQuestion {
  const draw = randomSequence([seed]);
  const greedy = greedyAnswer(from);
  return {
    greedyReward: greedy.reward,
    greedyTokens: greedy.letters.length,
    answers: Array.from({ length: count }, () => {
      let left = draw();
      const answer = from.answers.find(({ probability }) => (left -= probability) < 0) ?? from.answers[0]!;
      const projection = emptyGradient(from);
      addAnswer(
        projection,
        from,
        answer,
        answer.letters.map(() => 1),
        1,
      );
      return { reward: answer.reward, tokens: answer.letters.length, projection };
    }),
  };
}

const options = { groupSize, seed: 1, budget: budgetSchema.parse({ maxTokens: process.maxLength }) };

describe('sampled gradients of a process whose truth is known', async () => {
  const exact = await examineProcess(process, { settings: laboratorySettingsSchema.parse({ groupSize }) });
  const report = { ...sampledGradients([sampled(enumerated, 3_000, 5)], options), complete: true, seconds: 0 };

  it('is in the form of the contract', () => {
    sampledReportSchema.parse(report);
    expect(report).toMatchObject({ questions: 1, answers: 3_000, batches: 1_000, directions: 21 });
    expect(report.rewardMean).toBeCloseTo(exact.expectedReward, 1);
    expect(sampledPicture(report, 'x')).not.toMatch(/NaN|null|undefined/);
  });

  it.each(report.rows.map((row) => [row.id, row] as const))('%s agrees with enumeration', (id, row) => {
    const want = exact.rows.find((each) => each.id === id) ?? expect.fail(id);
    const { low, high } = row.cosine;
    // Twice the half width: eleven intervals of 95 % would not all hold.
    const slack = ((high ?? 0) - (low ?? 0)) / 2 + 1e-9;
    expect(want.cosine).toBeGreaterThan((low ?? 0) - slack);
    expect(want.cosine).toBeLessThan((high ?? 0) + slack);
    expect(row.tokens / want.tokens).toBeCloseTo(1, 1);
    expect(row.variance / want.variance).toBeGreaterThan(0.7);
    expect(row.variance / want.variance).toBeLessThan(1.4);
    if (want.verdict !== 'biased') expect(row.verdict).not.toBe('biased');
  });

  it('finds the bias of GRPO, and none in RLOO and Dr. GRPO', () => {
    const verdicts = Object.fromEntries(report.rows.map((row) => [row.id, row.verdict]));
    expect(verdicts).toMatchObject({ grpo: 'biased', rloo: 'clear', 'dr-grpo': 'clear' });
  });

  it('says that it cannot tell where there is no signal', () => {
    const flat = enumerateProcess({
      ...process,
      rewards: Object.fromEntries(Object.keys(process.rewards).map((answer) => [answer, 1])),
    });
    const { rows } = sampledGradients([sampled(flat, 30, 3)], options);
    for (const row of rows) {
      expect(row.verdict).toBe('noisy');
      expect(row.meaning).toMatch(/^Too noisy/);
    }
  });

  it('needs two batches', () => {
    expect(() => sampledGradients([sampled(enumerated, 5, 1)], options)).toThrow(RangeError);
  });
});
