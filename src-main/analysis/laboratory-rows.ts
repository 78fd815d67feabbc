/**
 * What the laboratory compares: every method of the product, made from its own specification, and beside it the
 * theorem itself, critics, anchors and the usual mistakes.
 */
import { estimatorNames, type AnchorPlan, type EstimatorSpec } from '../contract/estimator.ts';
import { budgetSchema, methodSchema } from '../contract/experiment.ts';
import type { EstimatorFamily, LaboratorySettings } from '../contract/laboratory.ts';
import { randomStream } from '../contract/random.ts';
import type { Estimator } from '../estimators/estimator.ts';
import { estimators } from '../estimators/index.ts';
import { mean } from '../estimators/group-statistics.ts';
import {
  bernoulliAnchors,
  criticAdvantages,
  strideAnchors,
  theoremAdvantages,
  type AnchorRule,
} from './continuation-estimators.ts';
import { anchorMoments, sparseMoments, type ContinuationMoments } from './continuation-moments.ts';
import {
  greedyAnswer,
  prefixValue,
  type EnumeratedAnswer,
  type EnumeratedProcess,
} from './decision-process.ts';
import {
  answerMoments,
  estimatorMoments,
  expectedReward,
  groupMoments,
  type LetterWeights,
  type Moments,
} from './exact-gradient.ts';

export interface LaboratorySetting {
  readonly enumerated: EnumeratedProcess;
  readonly settings: LaboratorySettings;
  /** What the wrong critic says of a prefix. */
  readonly critic: (prefix: string) => number;
}

/** Moments with what one evaluation generates. */
export interface CostedMoments extends Moments {
  readonly answers: number;
  readonly tokens: number;
}

export interface RowDefinition {
  readonly id: string;
  readonly title: string;
  readonly family: EstimatorFamily;
  readonly estimator: string | null;
  readonly about: string;
  /** Whether it aims at something else than the mean reward. */
  readonly otherGoal?: boolean;
  readonly moments: (setting: LaboratorySetting) => CostedMoments;
}

/** A method without a row, with the reason. */
export interface LeftOut {
  readonly id: string;
  readonly title: string;
  readonly reason: string;
}

/** The wrong critic: the true value of each prefix and a normal error, the same for the same seed. */
export function wrongCritic(
  enumerated: EnumeratedProcess,
  settings: LaboratorySettings,
): (prefix: string) => number {
  const stream = randomStream([settings.seed, criticPurpose]);
  const said = new Map(
    enumerated.states.map((state, index) => [
      state,
      prefixValue(enumerated, state) + settings.criticError * stream.normal(index),
    ]),
  );
  return (prefix) => said.get(prefix) ?? 0;
}

/** Every row in the order in which it is shown, and the methods that have none. */
export function laboratoryRows(settings: LaboratorySettings): { rows: RowDefinition[]; left: LeftOut[] } {
  const methods = estimatorNames.map((name) => methodRow(estimators[name]));
  const rows = methods.flatMap((found) => ('moments' in found ? [found] : []));
  const left = methods.flatMap((found) => ('reason' in found ? [found] : []));
  return {
    rows: [theoremRow, ...rows, ...criticRows, ...continuationRows(settings), ...variantRows(settings)],
    left,
  };
}

const criticPurpose = 72;

/** One answer is sampled; `more` tells what else is generated. */
function costed(
  enumerated: EnumeratedProcess,
  moments: Moments,
  more = { answers: 0, tokens: 0 },
): CostedMoments {
  const length = enumerated.answers.reduce(
    (sum, { probability, letters }) => sum + probability * letters.length,
    0,
  );
  return {
    ...moments,
    answers: moments.samples + more.answers,
    tokens: moments.samples * length + more.tokens,
  };
}

const constant = (answer: EnumeratedAnswer, weight: number): LetterWeights =>
  answer.letters.map(() => weight);

/** A row whose weights follow from its answer alone. */
function sure(
  weights: (setting: LaboratorySetting, answer: EnumeratedAnswer) => LetterWeights,
): RowDefinition['moments'] {
  return (setting) =>
    costed(
      setting.enumerated,
      answerMoments(setting.enumerated, (answer) => [{ probability: 1, weights: weights(setting, answer) }]),
    );
}

const theoremRow: RowDefinition = {
  id: 'theorem',
  title: 'The theorem, values known exactly',
  family: 'theorem',
  estimator: null,
  about:
    'Each letter counts by how much it changed the expected reward. No run can know this; it is what the others approach.',
  moments: sure(({ enumerated }, answer) => theoremAdvantages(enumerated, answer)),
};

/** The row of a method of the product, from the specification that a run would use. */
function methodRow(estimator: Estimator): RowDefinition | LeftOut {
  const { name, title, description } = estimator;
  const left = (reason: string): LeftOut => ({ id: name, title, reason });
  if (estimator.defaults.groupSize === 0)
    return left('It learns from given texts, so there is no sampled gradient to examine.');
  const usual = estimator.spec(methodSchema.parse({ estimator: name }), budgetSchema.parse({}));
  const reason = withoutGradient(usual);
  if (reason !== null) return left(reason);
  const specOf = ({ enumerated, settings }: LaboratorySetting): EstimatorSpec => {
    const budget = budgetSchema.parse({ maxTokens: enumerated.process.maxLength });
    // One answer is enough where answers are not compared or scaled with each other.
    const { anchors } = usual.plan;
    const alone = usual.plan.samplesPerPrompt === 1 && usual.advantage.scale === 'none';
    const { continuations, coin, stride } = settings;
    const anchored = {
      continuations,
      ...(anchors?.rule === 'coins' ? { anchorChance: coin } : {}),
      ...(anchors?.rule === 'stride' ? { anchorStride: stride } : {}),
    };
    return estimator.spec(
      methodSchema.parse({
        estimator: name,
        groupSize: alone || anchors !== undefined ? 1 : settings.groupSize,
        ...(anchors === undefined ? {} : anchored),
      }),
      budget,
    );
  };
  return {
    id: name,
    title,
    family: 'method',
    estimator: name,
    about: `${description}${aside(usual)}`,
    otherGoal: usual.advantage.baseline === 'bestMinusSecond',
    moments: (setting) => {
      const { enumerated } = setting;
      const spec = specOf(setting);
      if (spec.plan.anchors !== undefined) return anchoredMoments(enumerated, spec, spec.plan.anchors);
      // A moving average that has seen many batches is the expected reward.
      const state = { movingAverage: expectedReward(enumerated) };
      const moments = estimatorMoments(enumerated, spec, undefined, state, setting.critic);
      const greedy = spec.plan.greedy
        ? { answers: 1, tokens: greedyAnswer(enumerated).letters.length }
        : undefined;
      return costed(enumerated, moments, greedy);
    },
  };
}

/** What must be known to read the row of a method. */
function aside(spec: EstimatorSpec): string {
  if (spec.advantage.baseline === 'bestMinusSecond')
    return ' It aims at the best answer of a group and not at the mean reward: another goal has another direction.';
  if (spec.critic !== undefined)
    return ' Here with the wrong critic, in groups as small as those of the others.';
  if (spec.plan.redraws !== undefined)
    return ' On a single question there is none to replace another, so nothing is drawn again here.';
  return '';
}

/** Why the update of a method is no estimate of the gradient of the reward; null where it is one. */
export function withoutGradient(spec: EstimatorSpec): string | null {
  if (spec.preference !== undefined)
    return 'It learns which of two answers is better, not how much reward they get.';
  if (spec.advantage.baseline === 'keep')
    return 'It learns the best answers word by word: its update is no estimate of the gradient of the reward.';
  return null;
}

/** A method with anchors, one answer a question; the aggregation must be the same for every answer. */
function anchoredMoments(
  enumerated: EnumeratedProcess,
  spec: EstimatorSpec,
  plan: AnchorPlan,
): CostedMoments {
  const { aggregation, constantLength } = spec.surrogate;
  if (aggregation !== 'constant' && aggregation !== 'seqSum')
    throw new Error(`internal: anchors with the aggregation ${aggregation}`);
  const divisor = aggregation === 'constant' ? constantLength : 1;
  const rules: Readonly<Record<AnchorPlan['rule'], AnchorRule>> = {
    stride: strideAnchors(plan.stride),
    coins: bernoulliAnchors(plan.chance),
    // The first letter stands for a token that ends a line.
    lines: afterFirstLetter,
  };
  const found =
    plan.between === 'sparse'
      ? sparseMoments(enumerated, plan.chance, plan.continuations)
      : anchorMoments(enumerated, rules[plan.rule], plan.between, plan.continuations);
  return costed(
    enumerated,
    {
      ...found,
      gradient: found.gradient.map((value) => value / divisor),
      variance: found.variance / divisor ** 2,
    },
    { answers: found.continuations, tokens: found.continuedLetters },
  );
}

const exactCritic = ({ enumerated }: LaboratorySetting) => {
  return (prefix: string): number => prefixValue(enumerated, prefix);
};

function criticRow(id: string, title: string, about: string, lambda: number, right: boolean): RowDefinition {
  return {
    id,
    title,
    family: 'critic',
    estimator: null,
    about,
    moments: sure((setting, answer) =>
      criticAdvantages(answer, right ? exactCritic(setting) : setting.critic, lambda),
    ),
  };
}

const criticRows: readonly RowDefinition[] = [
  criticRow(
    'ppo/right-critic',
    'PPO, λ = 0, critic right',
    'Counts each letter by the change of the critic’s value; this critic knows the true values.',
    0,
    true,
  ),
  criticRow(
    'ppo/wrong-critic/lambda-1',
    'PPO, λ = 1, critic wrong',
    'Reward minus what a critic with mistakes expected before each letter.',
    1,
    false,
  ),
  criticRow(
    'ppo/wrong-critic/lambda-0.95',
    'PPO, λ = 0.95, critic wrong',
    'Leans a little on a critic with mistakes.',
    0.95,
    false,
  ),
  criticRow(
    'ppo/wrong-critic/lambda-0',
    'PPO, λ = 0, critic wrong',
    'Trusts a critic with mistakes entirely.',
    0,
    false,
  ),
];

/** VinePPO: a boundary after each first letter of the vocabulary that is not the last of its answer. */
const afterFirstLetter: AnchorRule = (answer) => {
  const later = answer.letters.flatMap((_, place) =>
    place > 0 && answer.letters[place - 1] === 0 ? [place] : [],
  );
  return [{ probability: 1, positions: [0, ...later] }];
};

/** One position drawn when the length is already known. */
const oneOfLength: AnchorRule = (answer) => {
  const length = answer.letters.length;
  if (length === 1) return [{ probability: 1, positions: [0] }];
  return Array.from({ length: length - 1 }, (_, index) => ({
    probability: 1 / (length - 1),
    positions: [0, index + 1],
  }));
};

function continuationRows({ continuations, stride, coin }: LaboratorySettings): readonly RowDefinition[] {
  const row = (
    id: string,
    title: string,
    about: string,
    moments: (enumerated: EnumeratedProcess) => ContinuationMoments,
  ): RowDefinition => ({
    id,
    title,
    family: 'continuations',
    estimator: null,
    about,
    moments: ({ enumerated }) => {
      const found = moments(enumerated);
      return costed(enumerated, found, { answers: found.continuations, tokens: found.continuedLetters });
    },
  });
  const anchored = (rule: AnchorRule, between: 'segment' | 'linear') => (enumerated: EnumeratedProcess) =>
    anchorMoments(enumerated, rule, between, continuations);
  return [
    row(
      'vineppo/steps',
      'VinePPO, a piece ends after each first letter',
      'Cuts the answer after each first letter; a piece counts by how much it changed the mean reward of fresh continuations.',
      anchored(afterFirstLetter, 'segment'),
    ),
    row(
      'trepo-segment/stride',
      'TRePO, segments at fixed distances',
      `Values every ${stride} letters by ${continuations} continuations; the letters between share the whole change.`,
      anchored(strideAnchors(stride), 'segment'),
    ),
    row(
      'trepo-segment/coins',
      'TRePO, segments at coin tosses',
      `Coins thrown ahead (chance ${coin}) place the checkpoints; the letters between share the whole change.`,
      anchored(bernoulliAnchors(coin), 'segment'),
    ),
    row(
      'trepo-segment/one-of-length',
      'TRePO, one checkpoint drawn afterwards',
      'A known mistake: the checkpoint is drawn when the length is already known, so the draw depends on the future.',
      anchored(oneOfLength, 'segment'),
    ),
    row(
      'trepo-linear/stride',
      'TRePO, linear between checkpoints',
      'The change between two checkpoints is divided among the letters between: long pieces count less.',
      anchored(strideAnchors(stride), 'linear'),
    ),
    row(
      'trepo-sparse/coins',
      'TRePO, sparse',
      `Coins (chance ${coin}) draw single letters, whose values before and after are estimated; the others count nothing.`,
      (enumerated) => sparseMoments(enumerated, coin, continuations),
    ),
  ];
}

function variantRows({ discount, groupSize }: LaboratorySettings): readonly RowDefinition[] {
  const row = (
    id: string,
    title: string,
    about: string,
    moments: RowDefinition['moments'],
  ): RowDefinition => ({
    id,
    title,
    family: 'variant',
    estimator: null,
    about,
    moments,
  });
  /** Reward minus group mean, without a division by the deviation. */
  const centred =
    (
      divisor: (answer: EnumeratedAnswer, group: readonly EnumeratedAnswer[]) => number,
    ): RowDefinition['moments'] =>
    ({ enumerated }) =>
      costed(
        enumerated,
        groupMoments(enumerated, groupSize, (group) => {
          const center = mean(group.map(({ reward }) => reward));
          return group.map((answer) => constant(answer, (answer.reward - center) / divisor(answer, group)));
        }),
      );
  return [
    row(
      'reinforce/no-baseline',
      'REINFORCE, no baseline',
      'Each letter counts by the reward itself.',
      sure((_, answer) => constant(answer, answer.reward)),
    ),
    row(
      'discounted',
      `Discount ${discount}`,
      'The reward counts less for early letters, as a discount would have it.',
      sure((_, answer) =>
        answer.letters.map(
          (_letter, place) => discount ** (answer.letters.length - 1 - place) * answer.reward,
        ),
      ),
    ),
    row(
      'length-normalised',
      'Group mean, divided by own length',
      'Each answer counts once, however long: a letter of a long answer counts less.',
      centred((answer, group) => answer.letters.length * group.length),
    ),
    row(
      'token-mean',
      'Group mean, divided by all tokens',
      'Divided by the letters of the whole group.',
      centred((_, group) => group.reduce((sum, { letters }) => sum + letters.length, 0)),
    ),
    row(
      'truncated-masked',
      'Cut-off answers left out',
      'Answers that were cut off at the greatest length teach nothing.',
      sure((_, answer) => constant(answer, answer.ended ? answer.reward : 0)),
    ),
    row(
      'end-token-dropped',
      'End token not trained',
      'The decision to stop is left out of the gradient.',
      sure((_, answer) =>
        answer.letters.map((_letter, place) =>
          answer.ended && place === answer.letters.length - 1 ? 0 : answer.reward,
        ),
      ),
    ),
  ];
}
