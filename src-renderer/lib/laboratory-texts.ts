/** Words and numbers of the laboratory's page: verdicts, measures, and how an angle is written. */
import type {
  BiasVerdict,
  DecisionProcess,
  EstimatorFamily,
  LaboratoryRow,
  SampledRow,
} from '../../src-main/contract/laboratory.ts';
import { formatNumber } from './format.ts';

export const verdictTexts: Record<BiasVerdict, { readonly title: string; readonly colour: string }> = {
  unbiased: { title: 'unbiased', colour: '--data-3' },
  multiple: { title: 'right direction', colour: '--data-1' },
  biased: { title: 'biased', colour: '--data-2' },
};

/** Verdicts of a measurement on a model. */
export const sampledVerdictTexts: Record<
  SampledRow['verdict'],
  { readonly title: string; readonly colour: string }
> = {
  clear: { title: 'no evidence of bias', colour: '--data-3' },
  biased: { title: 'biased', colour: '--data-2' },
  noisy: { title: 'too noisy to tell', colour: '--faint' },
};

export const familyTexts: Record<EstimatorFamily, string> = {
  theorem: 'The target',
  method: 'Methods that a run can use',
  critic: 'With a critic',
  continuations: 'With continuations from checkpoints',
  variant: 'Variants and usual mistakes',
};

/** Degrees between the expected and the true gradient; 0 where only rounding differs. */
export function degreesOff(row: LaboratoryRow): number | null {
  if (row.verdict !== 'biased') return 0;
  return row.cosine === null ? null : (Math.acos(row.cosine) * 180) / Math.PI;
}

export interface Measure {
  readonly id: string;
  readonly title: string;
  readonly term: string;
  readonly help: string;
  readonly of: (row: LaboratoryRow) => number | null;
}

/** What the bars show. */
export const measures: readonly Measure[] = [
  {
    id: 'bias',
    title: 'Off course, degrees',
    term: 'bias',
    help: 'Angle between its average and the true gradient. No number of samples and no learning rate mends it.',
    of: degreesOff,
  },
  {
    id: 'noise',
    title: 'Noise over signal',
    term: 'variance',
    help: 'Standard deviation of one estimate over its part along the true gradient. More samples mend it.',
    of: (row) => row.noise,
  },
  {
    id: 'tokens',
    title: 'Tokens per estimate',
    term: 'cost',
    help: 'Tokens generated for one estimate, greedy answers and continuations included.',
    of: (row) => row.tokens,
  },
  {
    id: 'needed',
    title: 'Tokens for a clear step',
    term: 'variance × cost',
    help: 'Tokens to generate until noise and signal are equally large: noise² × tokens per estimate.',
    of: (row) => row.tokensNeeded,
  },
];

/** The columns of the table of numbers. */
export const columns: readonly Measure[] = [
  {
    id: 'cosine',
    title: 'Cosine',
    term: '',
    help: 'Of the angle between average and true gradient: 1 is the same direction.',
    of: (row) => row.cosine,
  },
  {
    id: 'scale',
    title: 'Scale',
    term: '',
    help: 'How much of the true gradient the average holds.',
    of: (row) => row.scale,
  },
  {
    id: 'bias',
    title: 'Bias',
    term: '',
    help: 'Length of average minus truth, over the length of the truth.',
    of: (row) => (row.verdict === 'unbiased' ? 0 : row.bias),
  },
  {
    id: 'variance',
    title: 'Variance',
    term: '',
    help: 'Trace of the covariance of one estimate.',
    of: (row) => row.variance,
  },
  {
    id: 'noise',
    title: 'Noise',
    term: '',
    help: 'Standard deviation over the part along the true gradient.',
    of: (row) => row.noise,
  },
  {
    id: 'answers',
    title: 'Answers',
    term: '',
    help: 'Answers generated for one estimate, continuations included.',
    of: (row) => row.answers,
  },
  {
    id: 'tokens',
    title: 'Tokens',
    term: '',
    help: 'Tokens generated for one estimate.',
    of: (row) => row.tokens,
  },
  {
    id: 'cost',
    title: 'Var. × tokens',
    term: '',
    help: 'Variance times tokens of one estimate.',
    of: (row) => row.varianceCost,
  },
  {
    id: 'needed',
    title: 'Tokens needed',
    term: '',
    help: 'Tokens until noise and signal are equally large.',
    of: (row) => row.tokensNeeded,
  },
];

/** A tiny difference as people read it: 1.7e−16. */
export function formatDifference(value: number): string {
  return value === 0 ? '0' : value < 1e-4 ? value.toExponential(1).replace('-', '−') : formatNumber(value);
}

/** Names of the numbers of a gradient: each letter of each prefix. */
export function gradientLabels(
  process: Pick<DecisionProcess, 'vocabulary'>,
  states: readonly { readonly prefix: string }[],
): { prefix: string; letter: string }[] {
  return states.flatMap(({ prefix }) => process.vocabulary.map((letter) => ({ prefix, letter })));
}
