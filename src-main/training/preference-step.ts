/** One step of learning from preferences: pairs or judged answers of the data set, or pairs made of fresh answers. */
import type { PreferenceSpec } from '../contract/estimator.ts';
import { rewardMetrics } from '../estimators/metrics.ts';
import { preferenceMetrics } from '../estimators/preference-metrics.ts';
import { hasSignal } from '../estimators/group-statistics.ts';
import { componentMeans } from './evaluate.ts';
import type { LearnerSequence, OptimizerSettings } from './learner.ts';
import type { LoopState } from './loop-state.ts';
import { sumsOfFresh } from './reference-sums.ts';
import type { DatasetReference } from './reference-sums.ts';
import { checkGradable, sampleAndGrade, sampleOf } from './rollout-step.ts';
import type { StepOutcome } from './rollout-step.ts';
import { statisticsOf } from './rollouts.ts';
import type { Rollouts } from './rollouts.ts';
import { componentMetricPrefix } from './step-metrics.ts';
import type { PreparedPrompt, TrainingParts } from './training-parts.ts';
import { updatePreference } from './update-preference.ts';
import type { PreferenceUnit, PreferenceUpdate } from './update-preference.ts';

function specOf(parts: TrainingParts): PreferenceSpec {
  if (parts.spec.preference === undefined) throw new Error('internal: a method without preferences');
  return parts.spec.preference;
}

/** Learns from the pairs of these rows. The temperature is 1: there is no sampling whose temperature it could match. */
export async function preferenceStep(
  parts: TrainingParts,
  rows: readonly PreparedPrompt[],
  state: LoopState,
  settings: OptimizerSettings,
  reference: DatasetReference,
): Promise<StepOutcome> {
  const started = parts.now();
  const spec = specOf(parts);
  const sums = spec.reference ? await reference.ofTraining(rows) : async () => [];
  const update = await updatePreference(parts, spec, rows.map(unitOf), state.step, settings, 1, sums);
  return {
    metrics: { ...updateMetrics(update, spec), secondsLearn: (parts.now() - started) / 1000 },
    samples: [],
    applied: update.failed === 0,
    change: {
      movingAverage: state.movingAverage,
      samplerGap: state.samplerGap,
      answers: state.answers,
      generatedTokens: state.generatedTokens,
      generateSeconds: state.generateSeconds,
    },
  };
}

/** The answers of a row of the data, with its question. */
export function unitOf({ promptIds, pair }: PreparedPrompt): PreferenceUnit {
  if (pair === undefined) throw new Error('internal: a row without answers to compare');
  const sequence = (answerIds: Int32Array | null): LearnerSequence | null =>
    answerIds && { promptIds, answerIds };
  return { chosen: sequence(pair.chosen), rejected: sequence(pair.rejected) };
}

/** Samples answers, makes a pair of the best and the worst of each question, and learns from the pairs. */
export async function onlinePreferenceStep(
  parts: TrainingParts,
  prompts: readonly PreparedPrompt[],
  state: LoopState,
  settings: OptimizerSettings,
): Promise<StepOutcome> {
  const spec = specOf(parts);
  const { rollouts, statistics } = await sampleAndGrade(
    parts,
    prompts,
    state.step,
    statisticsOf(parts, state),
  );
  checkGradable(parts, rollouts, state.step);
  const started = parts.now();
  const { temperature } = parts.config.budget;
  const units = pairsOf(rollouts);
  const sums = sumsOfFresh(parts.learner, temperature);
  const update = await updatePreference(parts, spec, units, state.step, settings, temperature, sums);
  const samples = rollouts.answers.map((_, place) => sampleOf(rollouts, place));
  const { tokens, generateSeconds, rewardSeconds } = rollouts;
  const components: Record<string, number> = {};
  for (const [name, value] of Object.entries(componentMeans(samples)))
    components[`${componentMetricPrefix}${name}`] = value;
  return {
    metrics: {
      ...rewardMetrics({
        groups: rollouts.groups,
        rewards: rollouts.rewards.map(({ total }) => total),
        lengths: rollouts.answers.map(({ ids }) => ids.length),
        truncated: rollouts.answers.map(({ finish }) => finish === 'length'),
        ...(parts.config.reward?.truncated === 'mask'
          ? { masked: rollouts.rewards.map(({ masked }) => masked === true) }
          : {}),
      }),
      ...components,
      ...updateMetrics(update, spec),
      generatedTokens: tokens,
      generatedTokensPerSecond: tokens / generateSeconds,
      secondsGenerate: generateSeconds,
      secondsReward: rewardSeconds,
      secondsLearn: (parts.now() - started) / 1000,
    },
    samples,
    applied: update.failed === 0,
    change: {
      rewardStatistics: [...statistics],
      movingAverage: state.movingAverage,
      samplerGap: state.samplerGap,
      answers: state.answers + samples.length,
      generatedTokens: state.generatedTokens + tokens,
      generateSeconds: state.generateSeconds + generateSeconds,
    },
  };
}

/** Best against worst answer of each question; questions whose answers tie, or of which fewer than two could be graded, are left out. */
export function pairsOf(
  rollouts: Pick<Rollouts, 'groups' | 'answers' | 'rewards' | 'prompts'>,
): PreferenceUnit[] {
  const groups = new Map<number, { place: number; reward: number }[]>();
  for (const [place, { total }] of rollouts.rewards.entries()) {
    if (total === null) continue;
    const group = rollouts.groups[place]!;
    groups.set(group, [...(groups.get(group) ?? []), { place, reward: total }]);
  }
  return [...groups.values()].flatMap((members): PreferenceUnit[] => {
    if (!hasSignal(members.map(({ reward }) => reward))) return [];
    const [first, ...others] = members;
    if (first === undefined) return [];
    const best = others.reduce((most, one) => (one.reward > most.reward ? one : most), first);
    const worst = others.reduce((least, one) => (one.reward < least.reward ? one : least), first);
    const sequence = ({ place }: { place: number }): LearnerSequence => ({
      promptIds: rollouts.prompts[place]!.promptIds,
      answerIds: rollouts.answers[place]!.ids,
    });
    return [{ chosen: sequence(best), rejected: sequence(worst) }];
  });
}

function updateMetrics(update: PreferenceUpdate, spec: PreferenceSpec): Record<string, number> {
  return {
    loss: update.loss,
    gradientNorm: update.gradientNorm,
    updates: update.applied,
    updatesLeftOut: update.failed,
    learntTokens: update.examples.flat().reduce((sum, { logprobs }) => sum + logprobs.length, 0),
    ...(spec.loss === 'kto' ? { klMismatched: update.kl } : {}),
    ...preferenceMetrics(update.examples, spec),
  };
}
