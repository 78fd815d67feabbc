/**
 * Every figure of the bench: which measurement gives it, in what unit, whom it is compared with, and the bar that it
 * must reach. Figures of one job come from the same processes.
 */
import { userError } from '../../contract/errors.ts';
import { nearestName } from '../../contract/nearest-name.ts';
import { advantageEstimators } from './advantages.ts';
import type { MeasurementKind } from './measurements.ts';
import { grpoPeers, parquetPeers, samplePeers, trainPeers } from './peers.ts';
import type { Peer } from './peers.ts';
import type { PresetName } from './presets.ts';
import { presetNames } from './presets.ts';
import { verifierCases } from './verifiers.ts';

/** What a figure must reach. */
export interface Bar {
  /** The peer that the ratios are taken to; null: the figure itself. */
  readonly peer: string | null;
  /** Least ratio to the peer, or least value; absent where memory alone is judged. */
  readonly least?: number;
  /** Most memory as a share of the peer's. */
  readonly memoryShare?: number;
}

export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** What it says, in one sentence. */
  readonly about: string;
  /** Whether a larger value is better. */
  readonly higher: boolean;
  /** Name of the number in what the measurement prints; the same in what a peer gives. */
  readonly key: string;
  /** The unit of the measurement times this is the unit of the figure. */
  readonly factor: number;
  readonly bar?: Bar;
}

/** One measurement, with all the figures that come from it. */
export interface Job {
  readonly kind: MeasurementKind;
  readonly preset: PresetName | null;
  readonly figures: readonly Figure[];
  readonly peers: readonly Peer[];
  /** Another measurement of Espalier on the same preset that this one is compared with, in turn with it; its kind is its name. */
  readonly beside?: MeasurementKind;
}

const trainBars: Record<PresetName, Bar> = {
  starter: { peer: 'pytorch-f32', least: 1.8, memoryShare: 0.5 },
  smol135: { peer: 'pytorch-f32', least: 1.8, memoryShare: 0.9 },
};
const sizes: Record<PresetName, string> = {
  starter: '3.2 million parameters',
  smol135: '134.5 million parameters',
};

const trainFigure = (preset: PresetName): Figure => ({
  name: `train-${preset}`,
  unit: 'ms/step',
  about: `One training step of all weights, ${sizes[preset]}: forward, loss, backward, clip, AdamW.`,
  higher: false,
  key: 'seconds',
  factor: 1000,
  bar: trainBars[preset],
});

const shareFigure: Figure = {
  name: 'matmul-share',
  unit: 'share',
  about:
    'Needed matrix products of the training step of smol135 in a second, as a share of what a 1024³ MatMul reaches in the same process.',
  higher: true,
  key: 'matmulShare',
  factor: 1,
  bar: { peer: null, least: 0.65 },
};

const trainJob = (preset: PresetName): Job => ({
  kind: 'train',
  preset,
  figures: preset === 'smol135' ? [trainFigure(preset), shareFigure] : [trainFigure(preset)],
  peers: trainPeers(preset),
});

const sampleJob = (preset: PresetName): Job => ({
  kind: 'sample',
  preset,
  figures: [
    {
      name: `sample-${preset}`,
      unit: 'tokens/s',
      about: `Sampling a batch of answers, ${sizes[preset]}, prefill and log-probabilities included.`,
      higher: true,
      key: 'tokensPerSecond',
      factor: 1,
      bar: { peer: 'onnxruntime-genai', least: 1 },
    },
  ],
  peers: samplePeers(preset),
});

const grpoJob = (preset: PresetName): Job => ({
  kind: 'grpo',
  preset,
  figures: [
    {
      name: `grpo-${preset}`,
      unit: 's/step',
      about: `One whole GRPO step, ${sizes[preset]}: sampling, reward, learning.`,
      higher: false,
      key: 'seconds',
      factor: 1,
      ...(preset === 'starter' ? { bar: { peer: 'trl', least: 3, memoryShare: 0.5 } } : {}),
    },
  ],
  peers: grpoPeers,
});

/** Another method on as many answers as GRPO, next to it. */
const methodJob = (kind: 'ppo' | 'trepo', figure: Pick<Figure, 'about' | 'bar'>): Job => ({
  kind,
  preset: 'starter',
  figures: [{ name: `${kind}-starter`, unit: 's/step', higher: false, key: 'seconds', factor: 1, ...figure }],
  peers: [],
  beside: 'grpo',
});

const alone = (kind: MeasurementKind, preset: PresetName | null, figures: readonly Figure[]): Job => ({
  kind,
  preset,
  figures,
  peers: [],
});

const sandboxAbout: Readonly<Record<string, string>> = {
  regex: 'Texts of about 100 words graded by `regex` in the sandbox process.',
  function: 'Texts of about 100 words graded by a function of the user in the sandbox process.',
  'json-schema': 'JSON of ten fields graded by `json-schema` in the sandbox process.',
};

/** Every measurement of the bench, in the order in which they are done. */
export const jobs: readonly Job[] = [
  // All of one preset together: its weights lie on the disk only as long.
  ...presetNames.flatMap((preset) => [
    trainJob(preset),
    sampleJob(preset),
    grpoJob(preset),
    alone('sft', preset, [
      {
        name: `sft-${preset}`,
        unit: 'tokens/s',
        about: `Supervised steps, ${sizes[preset]}; tokens of prompt and answer.`,
        higher: true,
        key: 'tokensPerSecond',
        factor: 1,
      },
    ]),
  ]),
  alone('reward-model', 'starter', [
    {
      name: 'reward-model',
      unit: 'share',
      about:
        'Texts of many lengths scored by a reward model: tokens in a second, as a share of what bare forward passes over full rows reach in the same process.',
      higher: true,
      key: 'share',
      factor: 1,
      bar: { peer: null, least: 0.7 },
    },
    {
      name: 'reward-model-tokens',
      unit: 'tokens/s',
      about: 'The same as tokens in a second.',
      higher: true,
      key: 'tokensPerSecond',
      factor: 1,
    },
  ]),
  methodJob('ppo', {
    about:
      'One whole PPO step with a critic of its own, 3.2 million parameters, beside a GRPO step on as many answers.',
    bar: { peer: 'grpo', least: 1 / 2.2 },
  }),
  methodJob('trepo', {
    about:
      'One whole TRePO step, continuations included, 3.2 million parameters, beside a GRPO step on as many answers.',
    bar: { peer: 'grpo', memoryShare: 1.1 },
  }),
  alone('continuations', 'starter', [
    {
      name: 'continuations-starter',
      unit: 'share',
      about:
        'Tokens a second of continuations from places inside answers, as a share of those of plain answers on the same batch width.',
      higher: true,
      key: 'share',
      factor: 1,
      bar: { peer: null, least: 0.8 },
    },
  ]),
  alone('matmul', null, [
    {
      name: 'matmul',
      unit: 'GFLOP/s',
      about: 'A product of two 1024 × 1024 matrices by ONNX Runtime: what this machine can do.',
      higher: true,
      key: 'gflops',
      factor: 1,
    },
  ]),
  alone(
    'advantages',
    null,
    advantageEstimators.map((estimator) => ({
      name: `advantages-${estimator}`,
      unit: 'ms',
      about: `Advantages of 4,096 answers of 1,024 tokens with ${estimator}.`,
      higher: false,
      key: estimator,
      factor: 1,
    })),
  ),
  alone(
    'sandbox',
    null,
    Object.entries(sandboxAbout).map(([key, about]) => ({
      name: `sandbox-${key}`,
      unit: 'answers/s',
      about,
      higher: true,
      key,
      factor: 1,
      bar: { peer: null, least: 5000 },
    })),
  ),
  alone(
    'verifiers',
    null,
    Object.entries(verifierCases).map(([verifier, { about }]) => ({
      name: `verifier-${verifier}`,
      unit: 'answers/s',
      about,
      higher: true,
      key: verifier,
      factor: 1,
      bar: { peer: null, least: 200_000 },
    })),
  ),
  alone('store', null, [
    {
      name: 'store-insert',
      unit: 'responses/s',
      about: 'Writing 100,000 responses of 32 tokens with all numbers for each token, 256 in a transaction.',
      higher: true,
      key: 'insert',
      factor: 1,
    },
    ...(
      [
        ['list', 'The newest 100 of 100,000 responses, and their number.'],
        ['filter', 'The best 100 of those in a range of rewards, and their number.'],
        ['search', 'The newest 100 that hold a word which one answer in eight has, and their number.'],
      ] as const
    ).map(([key, about]) => ({ name: `store-${key}`, unit: 'ms', about, higher: false, key, factor: 1 })),
  ]),
  alone('json-lines', null, [
    {
      name: 'data-jsonl',
      unit: 'MB/s',
      about: 'JSON lines of conversations to rows.',
      higher: true,
      key: 'megabytes',
      factor: 1,
    },
    {
      name: 'data-jsonl-share',
      unit: 'share',
      about:
        'The same as a share of the speed of the barest program: the file read as one string, JSON.parse for each line.',
      higher: true,
      key: 'share',
      factor: 1,
      bar: { peer: null, least: 0.7 },
    },
  ]),
  {
    kind: 'parquet',
    preset: null,
    figures: [
      {
        name: 'data-parquet',
        unit: 'rows/s',
        about: 'A Parquet file (zstd) of conversations to rows.',
        higher: true,
        key: 'rows',
        factor: 1,
        bar: { peer: 'pyarrow', least: 1 },
      },
    ],
    peers: parquetPeers,
  },
  alone('tokenising', null, [
    {
      name: 'data-tokenise',
      unit: 'MB/s',
      about: 'Texts of 100 words encoded in batches with the tokenizer of the starter model.',
      higher: true,
      key: 'megabytes',
      factor: 1,
      bar: { peer: null, least: 1 },
    },
  ]),
];

/** Names of all figures, in order. */
export const figureNames: readonly string[] = jobs.flatMap((job) => job.figures.map(({ name }) => name));

/**
 * The jobs that give these figures; peers only where a figure can be compared with them.
 * @param names figures, or beginnings that several share (`train` for all that are called `train-…`); empty: all
 * @param extra whether the peers' faster set-ups in other precision are among them
 * @throws user error `figure-unknown`
 */
export function chooseJobs(names: readonly string[], extra: boolean): Job[] {
  for (const name of names) {
    if (figureNames.some((figure) => isMeant(figure, name))) continue;
    const near = nearestName(name, figureNames);
    throw userError(
      'figure-unknown',
      `There is no figure "${name}".${near === undefined ? '' : ` Did you mean ${near}?`}`,
      { where: '--only', advice: '"espalier bench --list" lists them.' },
    );
  }
  return jobs.flatMap((job) => {
    const figures = job.figures.filter(
      (figure) => names.length === 0 || names.some((name) => isMeant(figure.name, name)),
    );
    if (figures.length === 0) return [];
    const compared = figures.some((figure) => figure.key !== shareFigure.key);
    const peers = compared ? job.peers.filter((peer) => extra || peer.extra !== true) : [];
    return [{ ...job, figures, peers }];
  });
}

/** A figure's own name; else the beginning that several share. */
function isMeant(figure: string, name: string): boolean {
  return figure === name || (!figureNames.includes(name) && figure.startsWith(`${name}-`));
}

/** The value of a figure in what a measurement or a peer gave; null where it is not in it. */
export function figureValue(figure: Figure, measured: Readonly<Record<string, number>>): number | null {
  const value = measured[figure.key];
  return value === undefined ? null : value * figure.factor;
}
