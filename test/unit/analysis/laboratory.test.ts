/** The laboratory's rows against the reference table, and what it refuses, leaves out and writes. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  anchorOutcomes,
  bernoulliAnchors,
  sparseOutcomes,
  strideAnchors,
} from '../../../src-main/analysis/continuation-estimators.ts';
import { anchorMoments, sparseMoments } from '../../../src-main/analysis/continuation-moments.ts';
import { enumerateProcess, type EnumeratedProcess } from '../../../src-main/analysis/decision-process.ts';
import { answerMoments, trueGradient, type Moments } from '../../../src-main/analysis/exact-gradient.ts';
import { examineProcess, examineRow } from '../../../src-main/analysis/laboratory.ts';
import { laboratoryPicture } from '../../../src-main/analysis/laboratory-picture.ts';
import { laboratoryRows, wrongCritic } from '../../../src-main/analysis/laboratory-rows.ts';
import { estimatorNames } from '../../../src-main/contract/estimator.ts';
import {
  decisionProcessSchema,
  laboratoryReportSchema,
  laboratorySettingsSchema,
  processFileSchema,
} from '../../../src-main/contract/laboratory.ts';
import { estimators } from '../../../src-main/estimators/index.ts';

const rowSchema = z.object({
  name: z.string(),
  unbiased: z.boolean(),
  exactMultiple: z.number().optional(),
  gradient: z.record(z.string(), z.array(z.number())),
  variance: z.number(),
  scale: z.number(),
  cosine: z.number(),
});
const file = z
  .object({
    cases: z.array(
      z.object({
        name: z.string(),
        input: z.object({
          ...decisionProcessSchema.shape,
          wrongCritic: z.record(z.string(), z.number()),
        }),
        expected: z.object({ estimators: z.array(rowSchema) }),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../../fixtures/estimators/exact.json', import.meta.url), 'utf8')));

/** Row of the laboratory and row of the reference table; those of methods only where the method exists. */
const pairs: readonly (readonly [string, string])[] = [
  ['theorem', 'theorem'],
  ['reinforce', 'reinforce/prompt-value-baseline'],
  ['reinforce/no-baseline', 'reinforce'],
  ['remax', 'remax'],
  ['rloo', 'rloo/g3/seqSum'],
  ['dr-grpo', 'dr-grpo/g3/constant'],
  ['opo', 'opo/g3/seqSum'],
  ['ppo/right-critic', 'ppo/lambda-0/exact-critic'],
  ['ppo/wrong-critic/lambda-1', 'ppo/lambda-1/any-critic'],
  ['ppo/wrong-critic/lambda-0.95', 'ppo/lambda-0.95/wrong-critic'],
  ['ppo/wrong-critic/lambda-0', 'ppo/lambda-0/wrong-critic'],
  ['vineppo/steps', 'vineppo/after-a/m1'],
  ['trepo-segment/stride', 'trepo-segment/stride-2/m1'],
  ['trepo-segment/coins', 'trepo-segment/bernoulli-0.5/m1'],
  ['trepo-segment/one-of-length', 'trepo-segment/one-of-length/m1'],
  ['trepo-linear/stride', 'trepo-linear/stride-2/m1'],
  ['trepo-sparse/coins', 'trepo-sparse/q-0.5/m1-shared'],
  ['discounted', 'discount-0.9-to-go'],
  ['length-normalised', 'group-mean/g3/seqTokenMean'],
  ['token-mean', 'group-mean/g3/tokenMean'],
  ['truncated-masked', 'truncated-answers-masked'],
  ['end-token-dropped', 'end-token-term-dropped'],
];
const settings = laboratorySettingsSchema.parse({ continuations: 1 });
const { rows: definitions, left } = laboratoryRows(settings);

describe.each(file.cases.map((each) => [each.name, each] as const))('%s', (_, { input, expected }) => {
  const { wrongCritic: said, ...process } = input;
  const enumerated = enumerateProcess(process);
  const truth = trueGradient(enumerated);
  const setting = { enumerated, settings, critic: (prefix: string) => said[prefix] ?? expect.fail(prefix) };

  it.each(pairs.filter(([id]) => definitions.some((row) => row.id === id)))('%s is %s', (id, name) => {
    const definition = definitions.find((row) => row.id === id) ?? expect.fail(id);
    const want = expected.estimators.find((row) => row.name === name) ?? expect.fail(name);
    const got = examineRow(definition, setting, truth);
    enumerated.states.forEach((state, index) => {
      want.gradient[state]!.forEach((value, letter) => {
        expect(got.gradient[index * process.vocabulary.length + letter]).toBeCloseTo(value, 9);
      });
    });
    expect(got.variance).toBeCloseTo(want.variance, 9);
    expect(got.scale).toBeCloseTo(want.scale, 9);
    expect(got.cosine).toBeCloseTo(want.cosine, 9);
    expect(got.verdict).toBe(
      want.unbiased ? 'unbiased' : want.exactMultiple === undefined ? 'biased' : 'multiple',
    );
  });
});

describe('moments by mean and variance of values are those of every combination gone through', () => {
  const { wrongCritic: _unused, ...process } = file.cases[1]!.input;
  const enumerated = enumerateProcess(process);
  const close = (got: Moments, want: Moments): void => {
    got.gradient.forEach((value, index) => expect(value).toBeCloseTo(want.gradient[index]!, 12));
    expect(got.variance).toBeCloseTo(want.variance, 10);
  };
  const listed = (outcomes: ReturnType<typeof anchorOutcomes>): Moments =>
    answerMoments(enumerated, outcomes);

  it.each([1, 2])('%i continuations', (count) => {
    for (const rule of [strideAnchors(2), bernoulliAnchors(0.3)]) {
      for (const between of ['segment', 'linear'] as const) {
        close(
          anchorMoments(enumerated, rule, between, count),
          listed(anchorOutcomes(enumerated, rule, between, count)),
        );
      }
    }
    if (count === 1)
      close(sparseMoments(enumerated, 0.4, 1), listed(sparseOutcomes(enumerated, 0.4, 1, true)));
  });

  it('many continuations leave the variance of known values', () => {
    const many = anchorMoments(enumerated, strideAnchors(1), 'segment', 1e12);
    close(many, listed(anchorOutcomes(enumerated, strideAnchors(1), 'segment', 'exact')));
  });

  it('counts continuations and their letters', () => {
    const { continuations, continuedLetters } = anchorMoments(enumerated, strideAnchors(10), 'segment', 4);
    const length = enumerated.answers.reduce((sum, each) => sum + each.probability * each.letters.length, 0);
    expect(continuations).toBeCloseTo(4, 12);
    expect(continuedLetters).toBeCloseTo(4 * length, 12);
  });
});

describe('every method', () => {
  it.each(estimatorNames)('%s has a row or a reason', (name) => {
    const row = definitions.find(({ estimator }) => estimator === name);
    const reason = left.find(({ id }) => id === name)?.reason;
    if (estimators[name].defaults.groupSize === 0) expect(reason).toMatch(/\w+/);
    else expect(row ?? reason).toBeDefined();
  });
});

const shipped = new URL('../../../resources/laboratory/', import.meta.url);
describe.each(readdirSync(shipped))('the process %s that ships', (name) => {
  const { title, about, ...process } = processFileSchema.parse(
    JSON.parse(readFileSync(new URL(name, shipped), 'utf8')),
  );

  it('says what it is about and is examined at once', async () => {
    expect(title).toMatch(/\w+/);
    expect(about).toMatch(/\.$/);
    const report = laboratoryReportSchema.parse(await examineProcess(process));
    expect(report.theorem.largestDifference).toBeLessThan(1e-12);
    expect(report.theorem.discountedDifference).toBeGreaterThan(1e-3);
    expect(report.seconds).toBeLessThan(3);
    for (const row of report.rows) expect(row.meaning).toMatch(/^(On average|Even with) .*\.$/);
    const picture = laboratoryPicture(report, 'A <b> & "c"');
    expect(picture).toContain('A &#60;b&#62; &#38; &#34;c&#34;');
    for (const row of report.rows) expect(picture).toContain(row.title);
    expect(picture).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe('length bias shows on the default process', () => {
  it('dividing by length turns the direction; Dr. GRPO does not', async () => {
    const [name] = readdirSync(shipped).sort();
    const {
      title: _title,
      about: _about,
      ...process
    } = processFileSchema.parse(JSON.parse(readFileSync(new URL(name!, shipped), 'utf8')));
    const { rows, summary } = await examineProcess(process, {
      estimators: ['dr-grpo', 'grpo', 'length-normalised'],
    });
    const cosine = Object.fromEntries(rows.map((row) => [row.id, row.cosine]));
    expect(cosine['dr-grpo']).toBeCloseTo(1, 12);
    expect(cosine['grpo']).toBeLessThan(0.95);
    expect(cosine['length-normalised']).toBeLessThan(0.95);
    expect(rows.map((row) => row.id)).toEqual(['grpo', 'dr-grpo', 'length-normalised']);
    expect(summary[1]).toContain('Dr. GRPO');
  });
});

describe('refusals name the place', () => {
  const { wrongCritic: _unused, ...process } = file.cases[0]!.input;
  it.each([
    [
      { ...process, rewards: Object.fromEntries(Object.keys(process.rewards).map((key) => [key, 1])) },
      {},
      'rewards',
    ],
    [{ ...process, logits: { ...process.logits, aa: [1, 2] } }, {}, 'logits.aa'],
    [process, { estimators: ['grop'] }, 'estimators'],
    [process, { estimators: ['sft'] }, 'estimators'],
    [process, { settings: laboratorySettingsSchema.parse({ groupSize: 8 }) }, 'settings.groupSize'],
  ])('%#', async (bad, options, where) => {
    await expect(examineProcess(bad, options)).rejects.toMatchObject({ kind: 'user', where });
  });

  it('suggests the nearest name', async () => {
    await expect(examineProcess(process, { estimators: ['grop'] })).rejects.toMatchObject({
      advice: 'Did you mean grpo?',
    });
  });
});

it('the wrong critic is as wrong as asked for, and the same for the same seed', () => {
  const { wrongCritic: _unused, ...process } = file.cases[0]!.input;
  const enumerated: EnumeratedProcess = enumerateProcess(process);
  const right = wrongCritic(enumerated, { ...settings, criticError: 0 });
  const wrong = wrongCritic(enumerated, settings);
  const again = wrongCritic(enumerated, settings);
  const other = wrongCritic(enumerated, { ...settings, seed: 2 });
  expect(enumerated.states.map(wrong)).toEqual(enumerated.states.map(again));
  expect(enumerated.states.map(wrong)).not.toEqual(enumerated.states.map(other));
  expect(enumerated.states.map(wrong)).not.toEqual(enumerated.states.map(right));
});
