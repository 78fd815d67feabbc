/**
 * Looking into answers (VinePPO, TRePO): from places inside each answer fresh ends are sampled, all of them in one
 * call of the sampler, and graded like answers. Their mean reward is the value of the place. They are never trained on.
 */
import type { AnchorPlan } from '../contract/estimator.ts';
import type { SampleAnchor } from '../contract/events.ts';
import { randomStream } from '../contract/random.ts';
import type { AnswerValues } from '../estimators/advantages.ts';
import { anchorPositions } from '../estimators/anchor-positions.ts';
import type { AnchorPositions } from '../estimators/anchor-positions.ts';
import { mean, standardDeviation } from '../estimators/group-statistics.ts';
import type { RewardStatistics } from '../rewards/running-statistics.ts';
import type { SampleResult } from '../rollout/sampler.ts';
import { reportProgress } from './progress.ts';
import { gradeTraining, penalized } from './rollouts.ts';
import type { Rollouts } from './rollouts.ts';
import { streams } from './training-parts.ts';
import type { PreparedPrompt, TrainingParts } from './training-parts.ts';

export interface Lookahead {
  /** What the advantages need, one entry for each answer; null where a value could not be estimated. */
  readonly values: readonly (AnswerValues | null)[];
  /** What is stored with each answer. */
  readonly anchors: readonly SampleAnchor[][];
  readonly tokens: number;
  readonly generateSeconds: number;
  readonly rewardSeconds: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** A place of which the value is estimated; places of answers to one question with equal beginnings are one. */
interface Place {
  readonly prompt: PreparedPrompt;
  /** Tokens of the answer before the place. */
  readonly prefix: Int32Array;
  readonly stream: readonly number[];
}

/**
 * Samples and grades the continuations of all places of all answers.
 * @param step number of the step, from 0
 * @param statistics by which components of the reward are evened out; continuations do not count in them
 */
export async function lookAhead(
  parts: TrainingParts,
  rollouts: Rollouts,
  plan: AnchorPlan,
  step: number,
  statistics: RewardStatistics,
): Promise<Lookahead> {
  const { config, spec } = parts;
  const { maxTokens, temperature } = config.budget;
  const started = parts.now();
  const positions = await positionsOf(parts, rollouts, plan, step);
  const places: Place[] = [];
  const known = new Map<string, number>();
  /** Place of each position of each answer, in `places`. */
  const found = positions.map(({ positions: list }, answer) =>
    list.map((position) => {
      const prefix = rollouts.answers[answer]!.ids.subarray(0, position);
      const group = rollouts.groups[answer]!;
      const key = `${group}:${prefix.join()}`;
      const present = known.get(key);
      if (present !== undefined) return present;
      known.set(key, places.length);
      const stream = [config.seed, streams.continuation, step, group, rollouts.places[answer]!, position];
      places.push({ prompt: rollouts.prompts[answer]!, prefix, stream });
      return places.length - 1;
    }),
  );
  const progress = reportProgress(
    parts,
    'training',
    places.length * plan.continuations,
    'sampling continuations',
  );
  const ends = await parts.sampler.generate(
    places.flatMap(({ prompt, prefix, stream }) => {
      const promptIds = joined(prompt.promptIds, prefix);
      return Array.from({ length: plan.continuations }, (_, order) => ({
        promptIds,
        stream: [...stream, order],
        // The whole answer keeps the length that every answer has.
        maxTokens: maxTokens - prefix.length,
      }));
    }),
    {
      maxTokens,
      temperature,
      topP: 1,
      topK: 0,
      stopIds: parts.stopIds,
      onProgress: (finished) => {
        progress(finished);
        return true;
      },
    },
  );
  const sampled = parts.now();
  await parts.pause();
  const wholes = ends.map((end, index): SampleResult => {
    const { prefix } = places[Math.floor(index / plan.continuations)]!;
    return { ...end, ids: joined(prefix, end.ids) };
  });
  const texts = await parts.decode(wholes);
  const tails = await parts.decode(ends);
  const { scores } = await gradeTraining(
    parts,
    wholes.map(({ finish, ids }, index) => ({
      prompt: places[Math.floor(index / plan.continuations)]!.prompt,
      text: texts[index]!.text,
      finish,
      tokens: ids.length,
    })),
    statistics,
    false,
  );
  const rewards = scores.map(
    (score, index) => penalized(score, wholes[index]!.ids.length, spec.overlong, maxTokens).total,
  );
  const looked = places.map(({ prefix }, place) => {
    const from = place * plan.continuations;
    const members = Array.from({ length: plan.continuations }, (_, order) => from + order);
    const graded = members.flatMap((index) => rewards[index] ?? []);
    return {
      anchor: {
        position: prefix.length,
        value: graded.length === 0 ? null : mean(graded),
        continuations: members.map((index) => ({
          text: tails[index]!.text,
          reward: rewards[index]!,
          tokens: ends[index]!.ids.length,
        })),
      } satisfies SampleAnchor,
      deviation: graded.length > 1 ? standardDeviation(graded, 1) : null,
    };
  });
  const anchors = found.map((list) => list.map((place) => looked[place]!.anchor));
  const values = anchors.map((list, answer) =>
    valuesOf(
      plan,
      positions[answer]!,
      list,
      rollouts.answers[answer]!.ids.length,
      rollouts.rewards[answer]!.total,
    ),
  );
  const tokens = ends.reduce((sum, { ids }) => sum + ids.length, 0);
  return {
    values,
    anchors,
    tokens,
    generateSeconds: (sampled - started) / 1000,
    rewardSeconds: (parts.now() - sampled) / 1000,
    metrics: {
      continuationTokens: tokens,
      anchorsPerAnswer: mean(anchors.map((list) => list.length)),
      anchorValueSpread: mean(anchors.flatMap((list) => spread(list))),
      continuationRewardStd: mean(looked.flatMap(({ deviation }) => deviation ?? [])),
    },
  };
}

/** Where each answer is looked into. Tokens that end a line are known by their ids, as the rule must not read ahead. */
async function positionsOf(
  parts: TrainingParts,
  rollouts: Rollouts,
  plan: AnchorPlan,
  step: number,
): Promise<AnchorPositions[]> {
  const lineEnds = plan.rule === 'lines' ? await lineEndIds(parts, rollouts) : null;
  return rollouts.answers.map(({ ids }, answer) => {
    const coins = randomStream([
      parts.config.seed,
      streams.anchor,
      step,
      rollouts.groups[answer]!,
      rollouts.places[answer]!,
    ]);
    return anchorPositions(plan, {
      length: ids.length,
      coin: (place) => coins.uniform(place),
      endsLine: (token) => lineEnds?.has(ids[token]!) ?? false,
    });
  });
}

/** Ids of tokens whose own text has a line break. */
async function lineEndIds(parts: TrainingParts, rollouts: Rollouts): Promise<ReadonlySet<number>> {
  const ids = [...new Set(rollouts.answers.flatMap((answer) => [...answer.ids]))];
  const texts = await parts.decode(
    ids.map((id) => ({ ids: Int32Array.of(id), logprobs: Float32Array.of(0), finish: 'length' })),
  );
  return new Set(ids.filter((_, place) => texts[place]!.text.includes('\n')));
}

/** The values in the form that advantages take; null where one is missing. */
function valuesOf(
  plan: AnchorPlan,
  { drawn }: AnchorPositions,
  anchors: readonly SampleAnchor[],
  length: number,
  reward: number | null,
): AnswerValues | null {
  if (reward === null) return null;
  const known = anchors.flatMap(({ position, value }) => (value === null ? [] : [{ position, value }]));
  if (known.length < anchors.length) return null;
  if (plan.between !== 'sparse') return { between: plan.between, anchors: known };
  const at = new Map(known.map(({ position, value }) => [position, value]));
  // At the end of the answer nothing is left to be expected: its value is its own reward.
  at.set(length, reward);
  return {
    between: 'sparse',
    drawn: drawn.map((token) => ({ token, before: at.get(token - 1)!, after: at.get(token)! })),
    chance: plan.chance,
  };
}

/** Largest less smallest value inside an answer; nothing where there are fewer than two. */
function spread(anchors: readonly SampleAnchor[]): number[] {
  const values = anchors.flatMap(({ value }) => value ?? []);
  return values.length < 2 ? [] : [Math.max(...values) - Math.min(...values)];
}

function joined(first: Int32Array, second: Int32Array): Int32Array {
  const ids = new Int32Array(first.length + second.length);
  ids.set(first);
  ids.set(second, first.length);
  return ids;
}
