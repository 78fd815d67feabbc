/** The whole examination of one process: its values, the theorem, and every estimator's exact mean and spread. */
import { userError } from '../contract/errors.ts';
import { nearestName } from '../contract/nearest-name.ts';
import {
  laboratorySettingsSchema,
  type BiasVerdict,
  type DecisionProcess,
  type LaboratoryReport,
  type LaboratoryRow,
  type LaboratorySettings,
} from '../contract/laboratory.ts';
import { enumerateProcess, prefixValue, type EnumeratedProcess } from './decision-process.ts';
import { compareGradients, dot, expectedReward, trueGradient } from './exact-gradient.ts';
import {
  laboratoryRows,
  wrongCritic,
  type LaboratorySetting,
  type RowDefinition,
} from './laboratory-rows.ts';
import { rowMeaning, summarise } from './laboratory-words.ts';
import { demonstrateTheorem, stateVisits } from './token-rewards.ts';

/** Largest relative error that counts as rounding: whitening divides by deviations that rounding makes of zeros. */
const rounding = 1e-8;

/** Most groups of answers that are gone through for one estimator; together about two seconds of work. */
export const mostGroups = 12_000;

export interface LaboratoryOptions {
  readonly settings?: LaboratorySettings;
  /** Rows by id, or all rows of a family or method by its name; all where absent. */
  readonly estimators?: readonly string[];
  /** Milliseconds, rising. */
  readonly now?: () => number;
  /** Called before each row; lets others work meanwhile. */
  readonly pause?: () => Promise<void>;
}

/**
 * Examines a process.
 * @throws user error `process-…` that names the place, `process-flat` where the gradient is 0, `groups-too-many`,
 * `lab-estimator-unknown`
 */
export async function examineProcess(
  process: DecisionProcess,
  options: LaboratoryOptions = {},
): Promise<LaboratoryReport> {
  const { settings = laboratorySettingsSchema.parse({}), now = () => performance.now(), pause } = options;
  const began = now();
  const enumerated = enumerateProcess(process);
  refuseLargeGroups(enumerated, settings);
  const truth = trueGradient(enumerated);
  const gradientNorm = Math.sqrt(dot(truth, truth));
  if (gradientNorm < 1e-12) {
    throw userError(
      'process-flat',
      'Every choice leads to the same expected reward, so the true gradient is 0 and nothing can be compared with it.',
      {
        where: 'rewards',
        advice: 'Give at least two answers that the process can write different rewards.',
      },
    );
  }
  const setting: LaboratorySetting = { enumerated, settings, critic: wrongCritic(enumerated, settings) };
  const { rows: all, left } = laboratoryRows(settings);
  const rows: LaboratoryRow[] = [];
  for (const definition of chosenRows(all, left, options.estimators)) {
    await pause?.();
    rows.push(examineRow(definition, setting, truth));
  }
  const visits = stateVisits(enumerated);
  const theorem = demonstrateTheorem(enumerated, settings.seed, settings.discount);
  return {
    process,
    settings,
    states: enumerated.states.map((prefix, index) => ({
      prefix,
      policy: [...enumerated.policy[index]!],
      value: prefixValue(enumerated, prefix),
      visited: visits[index]!,
    })),
    answers: enumerated.answers.map(({ text, probability, reward, ended }) => ({
      text,
      probability,
      reward,
      ended,
    })),
    expectedReward: expectedReward(enumerated),
    gradient: [...truth],
    gradientNorm,
    theorem,
    rows,
    left,
    summary: summarise(rows, theorem),
    seconds: (now() - began) / 1000,
  };
}

/** One row of the table. */
export function examineRow(
  definition: RowDefinition,
  setting: LaboratorySetting,
  truth: Float64Array,
): LaboratoryRow {
  const moments = definition.moments(setting);
  const { gradient, answers, tokens } = moments;
  // Below 0 only by rounding.
  const variance = Math.max(0, moments.variance);
  const size = dot(truth, truth);
  const { scale, cosine, relativeBias, relativeDirectionBias } = compareGradients(gradient, truth);
  const present = dot(gradient, gradient) > rounding ** 2 * size;
  const aligned = present && Math.abs(scale) > rounding;
  const directionBias = aligned ? relativeDirectionBias / Math.abs(scale) : null;
  const noise = aligned ? Math.sqrt(variance / (scale ** 2 * size)) : null;
  const numbers = {
    variance,
    scale: present ? scale : 0,
    cosine: present ? Math.max(-1, Math.min(1, cosine)) : null,
    bias: relativeBias,
    directionBias,
    noise,
    answers,
    tokens,
    varianceCost: variance * tokens,
    tokensNeeded: noise === null ? null : noise ** 2 * tokens,
    verdict: verdictOf(relativeBias, directionBias, scale),
  };
  const { id, title, family, estimator, about, otherGoal = false } = definition;
  return {
    id,
    title,
    family,
    estimator,
    about,
    otherGoal,
    meaning: rowMeaning(numbers),
    gradient: [...gradient],
    ...numbers,
  };
}

function verdictOf(bias: number, directionBias: number | null, scale: number): BiasVerdict {
  if (bias < rounding) return 'unbiased';
  return directionBias !== null && directionBias < rounding && scale > 0 ? 'multiple' : 'biased';
}

function refuseLargeGroups(enumerated: EnumeratedProcess, { groupSize }: LaboratorySettings): void {
  const answers = enumerated.answers.length;
  let groups = 1;
  for (let draw = 1; draw <= groupSize; draw++) groups = (groups * (answers + draw - 1)) / draw;
  if (groups <= mostGroups) return;
  throw userError(
    'groups-too-many',
    `${answers} answers make ${Math.round(groups).toLocaleString('en')} groups of ${groupSize}; at most ${mostGroups.toLocaleString('en')} are gone through one by one.`,
    {
      where: 'settings.groupSize',
      advice: 'Use fewer answers per question, fewer letters, or shorter answers.',
    },
  );
}

/** The rows asked for, in the order of the table. */
function chosenRows(
  all: readonly RowDefinition[],
  left: readonly { readonly id: string; readonly reason: string }[],
  asked: readonly string[] | undefined,
): readonly RowDefinition[] {
  if (asked === undefined || asked.length === 0) return all;
  const fits = (row: RowDefinition, name: string): boolean =>
    row.id === name || row.family === name || row.id.startsWith(`${name}/`) || row.id.startsWith(`${name}-`);
  for (const name of asked) {
    if (all.some((row) => fits(row, name))) continue;
    const without = left.find(({ id }) => id === name);
    const near = nearestName(name, [...all.map(({ id }) => id), ...all.map(({ family }) => family)]);
    throw userError(
      'lab-estimator-unknown',
      without === undefined
        ? `The laboratory has no estimator "${name}".`
        : `${name} has no row in the laboratory. ${without.reason}`,
      {
        where: 'estimators',
        advice:
          near === undefined || without !== undefined
            ? `There are: ${all.map(({ id }) => id).join(', ')}.`
            : `Did you mean ${near}?`,
      },
    );
  }
  return all.filter((row) => asked.some((name) => fits(row, name)));
}
