/**
 * One step of learning from sampled answers: ask, grade, compare, learn. Everything random in it is a
 * function of seed, step, question and answer, so a step can be done again and comes out the same.
 */
import { userError } from '../contract/errors.ts';
import type { Sample } from '../contract/events.ts';
import { uniform } from '../contract/random.ts';
import { adaptedCoefficient } from '../estimators/adaptive-kl.ts';
import { computeAdvantages } from '../estimators/advantages.ts';
import type { RewardStatistics } from '../rewards/running-statistics.ts';
import { lookAhead } from './continuations.ts';
import type { LearnerSequence, OptimizerSettings, TokenScores } from './learner.ts';
import type { LoopState } from './loop-state.ts';
import { reportProgress } from './progress.ts';
import { redraw } from './redraw.ts';
import { gradeTraining, isUngraded, penalized, statisticsOf } from './rollouts.ts';
import type { Rollouts } from './rollouts.ts';
import { rolloutMetrics } from './step-metrics.ts';
import { streams } from './training-parts.ts';
import type { PreparedPrompt, TrainingParts } from './training-parts.ts';
import { criticMetrics, criticValues } from './update-critic.ts';
import { updatePolicy } from './update-policy.ts';

/** What a step changes in the state of the loop, besides the weights. */
export type StepChange = Pick<
  LoopState,
  'movingAverage' | 'samplerGap' | 'answers' | 'generatedTokens' | 'generateSeconds'
> &
  Partial<Pick<LoopState, 'klCoefficient' | 'rewardStatistics'>>;

export interface StepOutcome {
  readonly metrics: Record<string, number>;
  readonly samples: readonly Sample[];
  /** False when the update was left out because loss or gradient was not finite. */
  readonly applied: boolean;
  readonly change: StepChange;
}

/**
 * A difference of log-probabilities between sampler and learner up to which the correcting weight lies within
 * 0.1 % of 1. While the newest measured difference is smaller, the pass that computes the weights is left out.
 */
const negligibleGap = 1e-3;

/**
 * Does one step on these questions.
 * @throws user error `not-gradable` when the share of answers without a grade is above the limit
 */
export async function rolloutStep(
  given: TrainingParts,
  prompts: readonly PreparedPrompt[],
  state: LoopState,
  settings: OptimizerSettings,
): Promise<StepOutcome> {
  const parts = withPresentKl(given, state);
  const { spec, config, learner } = parts;
  const { temperature } = config.budget;
  let statistics = statisticsOf(parts, state);
  const ask = async (asked: readonly PreparedPrompt[], firstSlot: number): Promise<Rollouts> => {
    const sampled = await sampleAndGrade(parts, asked, state.step, statistics, firstSlot);
    statistics = sampled.statistics;
    return sampled.rollouts;
  };
  const drawn = await redraw(parts, state.step, prompts, await ask(prompts, 0), ask);
  const rollouts = shaped(parts, drawn.kept);
  const dropped = drawn.dropped && shaped(parts, drawn.dropped);
  checkGradable(parts, rollouts, state.step);
  const ahead = spec.plan.anchors
    ? await lookAhead(parts, rollouts, spec.plan.anchors, state.step, statistics)
    : null;
  const learnStarted = parts.now();
  const sequences = rollouts.answers.map((answer, place): LearnerSequence => ({
    promptIds: rollouts.prompts[place]!.promptIds,
    answerIds: answer.ids,
  }));
  await parts.pause();
  const old = needsOldScores(parts, state) ? await learner.score(sequences, temperature) : null;
  const withReference = spec.kl.where !== 'none' && spec.kl.coefficient > 0;
  await parts.pause();
  const reference = withReference ? await learner.score(sequences, temperature, 'reference') : null;
  const oldLogprobs = old && old.map((scores) => scores.logprobs);
  const referenceLogprobs = reference && reference.map((scores) => scores.logprobs);
  const values = await criticValues(parts, sequences, old);
  const {
    advantages,
    included,
    returns,
    state: nextAdvantageState,
  } = computeAdvantages(
    {
      groups: rollouts.groups,
      rewards: rollouts.rewards.map((score) => score.total),
      lengths: sequences.map((sequence) => sequence.answerIds.length),
      ...(rollouts.greedyRewards === null ? {} : { greedyRewards: rollouts.greedyRewards }),
      ...(ahead === null ? {} : { values: ahead.values }),
      ...(values === null ? {} : { criticValues: values }),
      ...(spec.advantage.baseline === 'keep' ? { tieBreaks: tieBreaks(parts, rollouts, state.step) } : {}),
      ...(oldLogprobs === null || referenceLogprobs === null
        ? {}
        : { logprobs: oldLogprobs, referenceLogprobs }),
    },
    spec.advantage,
    spec.kl,
    { movingAverage: state.movingAverage },
  );
  const critic = values === null || returns === undefined ? null : { oldValues: values, returns };
  const samplerLogprobs = rollouts.answers.map((answer) => answer.logprobs);
  const update = await updatePolicy(
    parts,
    {
      sequences,
      groups: rollouts.groups,
      included,
      advantages,
      samplerLogprobs,
      oldLogprobs,
      referenceLogprobs,
      critic,
    },
    state.step,
    settings,
    temperature,
  );
  const scores = old ?? update.firstScores;
  const measured = largestGap(scores, samplerLogprobs);
  const samples = rollouts.answers.map((_, place): Sample => ({
    ...sampleOf(rollouts, place),
    ...withScores(scores[place] ?? null),
    advantages: advantages[place]!,
    ...(referenceLogprobs === null ? {} : { referenceLogprobs: referenceLogprobs[place]! }),
    ...(ahead === null ? {} : { anchors: ahead.anchors[place]! }),
  }));
  const replaced = dropped === null ? [] : dropped.answers.map((_, place) => sampleOf(dropped, place));
  const seconds = {
    generate: rollouts.generateSeconds + (ahead?.generateSeconds ?? 0),
    reward: rollouts.rewardSeconds + (ahead?.rewardSeconds ?? 0),
    learn: (parts.now() - learnStarted) / 1000,
  };
  const { groups, greedyRewards } = rollouts;
  const tokens = rollouts.tokens + (ahead?.tokens ?? 0);
  const { movingAverage } = state;
  const measures = {
    samples,
    groups,
    replaced: dropped === null ? null : { samples: replaced, groups: dropped.groups },
    greedyRewards,
    masks: config.reward?.truncated === 'mask',
    tokens,
    advantages,
    included,
    old,
    referenceLogprobs,
    movingAverage,
    update,
    seconds,
  };
  return {
    metrics: {
      ...rolloutMetrics(measures, spec.surrogate, spec.kl),
      ...ahead?.metrics,
      ...criticMetrics(parts, critic, included, update),
      ...(spec.kl.target === undefined ? {} : { klCoefficient: spec.kl.coefficient }),
      ...(spec.plan.redraws === undefined ? {} : { redrawRounds: drawn.rounds }),
      ...(spec.advantage.baseline === 'keep'
        ? { keptShare: included.filter(Boolean).length / included.length }
        : {}),
    },
    samples: [...samples, ...replaced],
    applied: update.failed === 0,
    change: {
      rewardStatistics: [...statistics],
      movingAverage: nextAdvantageState.movingAverage,
      ...(spec.kl.target === undefined
        ? {}
        : { klCoefficient: adaptedCoefficient(spec.kl, meanAnswerKl(scores, referenceLogprobs)) }),
      samplerGap: measured ?? state.samplerGap,
      answers: state.answers + samples.length + replaced.length,
      generatedTokens: state.generatedTokens + tokens,
      generateSeconds: state.generateSeconds + seconds.generate,
    },
  };
}

/**
 * Whether the learner must score the answers before learning: for ratios of later passes, for a KL penalty in the
 * reward, and for the correction of the sampler. In the only pass over a batch the ratio is 1 by definition.
 */
function needsOldScores(parts: TrainingParts, state: LoopState): boolean {
  const { surrogate, kl } = parts.spec;
  // Nothing is compared with the old policy where answers are learnt as they stand.
  if (surrogate.kind === 'nll') return false;
  // The values of a head on the policy come with the scores.
  if (parts.spec.critic !== undefined && !parts.critic) return true;
  if (surrogate.epochs > 1 || parts.config.method.minibatches > 1) return true;
  if (kl.where === 'reward' && kl.coefficient > 0) return true;
  return surrogate.samplerCap !== null && (state.samplerGap === null || state.samplerGap > negligibleGap);
}

/** The parts with the weight that the KL penalty has in this step. */
function withPresentKl(parts: TrainingParts, { klCoefficient }: LoopState): TrainingParts {
  const { spec } = parts;
  if (spec.kl.target === undefined || klCoefficient === null) return parts;
  return { ...parts, spec: { ...spec, kl: { ...spec.kl, coefficient: klCoefficient } } };
}

/** Mean over answers of log π − log π_ref of the whole answer; NaN where nothing was scored. */
function meanAnswerKl(
  scores: readonly (TokenScores | null)[],
  reference: readonly Float32Array[] | null,
): number {
  let sum = 0;
  let count = 0;
  for (const [place, score] of scores.entries()) {
    const other = reference?.[place];
    if (score === null || !other) continue;
    count++;
    for (const [token, value] of score.logprobs.entries()) sum += value - other[token]!;
  }
  return sum / count;
}

/** A random number for each answer, which decides between equally good ones. */
function tieBreaks(parts: TrainingParts, rollouts: Rollouts, step: number): number[] {
  const stream = [parts.config.seed, streams.tie, step];
  return rollouts.answers.map((_, place) => uniform(stream, place));
}

/** Answers with what their length costs taken off their rewards. */
function shaped(parts: TrainingParts, rollouts: Rollouts): Rollouts {
  const { overlong } = parts.spec;
  const { maxTokens } = parts.config.budget;
  const rewards = rollouts.rewards.map((score, place) =>
    penalized(score, rollouts.answers[place]!.ids.length, overlong, maxTokens),
  );
  return { ...rollouts, rewards };
}

/**
 * @param statistics by which components of the reward are evened out; the sampled answers count in those that come back
 * @param firstSlot number of the first question within the step: no two questions of a step share a stream
 */
export async function sampleAndGrade(
  parts: TrainingParts,
  prompts: readonly PreparedPrompt[],
  step: number,
  statistics: RewardStatistics,
  firstSlot = 0,
): Promise<{ readonly rollouts: Rollouts; readonly statistics: RewardStatistics }> {
  const { plan } = parts.spec;
  const { seed, budget } = parts.config;
  const started = parts.now();
  const asked = prompts.flatMap((prompt, slot) =>
    Array.from({ length: plan.samplesPerPrompt }, (_, sample) => ({ prompt, slot, sample })),
  );
  const options = { maxTokens: budget.maxTokens, topP: 1, topK: 0, stopIds: parts.stopIds };
  const progress = reportProgress(parts, 'training', asked.length, 'sampling answers');
  const answers = await parts.sampler.generate(
    asked.map(({ prompt, slot, sample }) => ({
      promptIds: prompt.promptIds,
      stream: [seed, streams.answer, step, firstSlot + slot, sample],
    })),
    {
      ...options,
      temperature: budget.temperature,
      onProgress: (finished) => {
        progress(finished);
        return true;
      },
    },
  );
  const greedy = plan.greedy
    ? await parts.sampler.generate(
        prompts.map((prompt) => ({ promptIds: prompt.promptIds, stream: [seed] })),
        { ...options, temperature: 0 },
      )
    : null;
  const sampled = parts.now();
  await parts.pause();
  const texts = await parts.decode(answers);
  const greedyTexts = greedy && (await parts.decode(greedy));
  const graded = await gradeTraining(
    parts,
    asked.map(({ prompt }, place) => ({
      prompt,
      text: texts[place]!.text,
      finish: answers[place]!.finish,
      tokens: answers[place]!.ids.length,
    })),
    statistics,
    true,
  );
  const greedyRewards =
    greedy && greedyTexts
      ? (
          await gradeTraining(
            parts,
            prompts.map((prompt, slot) => ({
              prompt,
              text: greedyTexts[slot]!.text,
              finish: greedy[slot]!.finish,
              tokens: greedy[slot]!.ids.length,
            })),
            graded.statistics,
            false,
          )
        ).scores.map((score) => score.total)
      : null;
  const rollouts = {
    prompts: asked.map(({ prompt }) => prompt),
    groups: asked.map(({ slot }) => slot),
    places: asked.map(({ sample }) => sample),
    answers,
    texts,
    rewards: graded.scores,
    greedyRewards,
    tokens: [...answers, ...(greedy ?? [])].reduce((sum, answer) => sum + answer.ids.length, 0),
    generateSeconds: (sampled - started) / 1000,
    rewardSeconds: (parts.now() - sampled) / 1000,
  };
  return { rollouts, statistics: graded.statistics };
}

export function checkGradable(parts: TrainingParts, rollouts: Rollouts, step: number): void {
  const limit = parts.config.reward?.notGradableLimit ?? 0;
  const failed = rollouts.rewards.filter(isUngraded);
  const share = failed.length / rollouts.rewards.length;
  if (share <= limit && failed.length < rollouts.rewards.length) return;
  const component = failed.flatMap((score) => score.components).find((part) => part.value === null);
  // The answers are kept although nothing is learnt from them: they show what the grader failed on.
  parts.emit({
    type: 'samples',
    step: step + 1,
    samples: rollouts.answers.map((_, place) => sampleOf(rollouts, place)),
  });
  throw userError(
    'not-gradable',
    `${failed.length} of ${rollouts.rewards.length} answers of step ${step + 1} could not be graded, more than the limit of ${Math.round(limit * 100)} %` +
      (component === undefined ? '.' : `: ${component.name}: ${component.reason}.`),
    {
      where: component === undefined ? 'reward' : `reward component ${component.name}`,
      advice:
        'Check the answer column of the training data and the settings of this component, or raise reward.notGradableLimit; then continue the run.',
    },
  );
}

export function sampleOf(rollouts: Rollouts, place: number): Sample {
  const prompt = rollouts.prompts[place]!;
  const answer = rollouts.answers[place]!;
  return {
    split: 'train',
    promptIndex: prompt.index,
    sampleIndex: rollouts.places[place]!,
    prompt: prompt.prompt,
    reference: prompt.reference,
    promptIds: prompt.promptIds,
    ids: answer.ids,
    ...rollouts.texts[place]!,
    finish: answer.finish,
    reward: rollouts.rewards[place]!,
    samplerLogprobs: answer.logprobs,
  };
}

function withScores(scores: TokenScores | null): Pick<Sample, 'logprobs' | 'entropies'> {
  return scores === null ? {} : { logprobs: scores.logprobs, entropies: scores.entropies };
}

/** Largest |log π_learner − log π_sampler| over all tokens that were scored; null where none was. */
function largestGap(
  scores: readonly (TokenScores | null)[],
  sampler: readonly Float32Array[],
): number | null {
  let gap: number | null = null;
  for (const [place, score] of scores.entries()) {
    if (score === null) continue;
    for (const [token, value] of score.logprobs.entries()) {
      const difference = Math.abs(value - sampler[place]![token]!);
      if (Number.isFinite(difference) && (gap === null || difference > gap)) gap = difference;
    }
  }
  return gap;
}
