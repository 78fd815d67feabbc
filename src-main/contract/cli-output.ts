/**
 * What each command of the command line prints with --json: the schema of the value (or of each line), and the meaning
 * of its fields for help and documents. Tests parse real output with these schemas.
 */
import { z } from 'zod';
import {
  runDetailSchema,
  runRowSchema,
  runStatusSchema,
  sampleDetailSchema,
  sampleRowSchema,
  seriesSchema,
} from './calls.ts';
import { errorShapeSchema, finishReasonSchema, phaseSchema, sampleAnchorSchema, summarySchema } from './events.ts';
import { hubDescriptionSchema } from './hub.ts';
import { judgeCacheSchema, judgeCheckSchema, keyCardSchema, rubricCardSchema } from './judge.ts';
import { laboratoryReportSchema, sampledReportSchema } from './laboratory.ts';
import { modelEntrySchema, modelSourceSchema } from './model-library.ts';
import { rescoreReportSchema, rewardBenchReportSchema } from './reward-bench.ts';
import { componentScoreSchema, rewardScoreSchema } from './reward.ts';

const numbers = z.array(z.number());
/** Numbers that JSON cannot hold (NaN, infinities) are written as null. */
const numbersOrNull = z.array(z.number().nullable());

export const startOutputSchema = z.strictObject({ url: z.string().nullable(), window: z.boolean() });
export const serveOutputSchema = z.strictObject({ url: z.string() });

const line = <const T extends string, S extends z.ZodRawShape>(event: T, shape: S) =>
  z.strictObject({ event: z.literal(event), run: z.string(), ...shape });

const endStatusSchema = z.enum(['done', 'stopped', 'failed']);
export type EndStatus = z.infer<typeof endStatusSchema>;

const runEndShape = {
  status: endStatusSchema,
  summary: summarySchema.nullable(),
  error: errorShapeSchema.optional(),
};

export const trainSampleSchema = z.strictObject({
  split: z.enum(['train', 'evaluation']),
  promptIndex: z.int(),
  sampleIndex: z.int(),
  prompt: z.string(),
  reference: z.string(),
  promptIds: z.array(z.int()),
  ids: z.array(z.int()),
  text: z.string(),
  finish: finishReasonSchema,
  reward: rewardScoreSchema,
  samplerLogprobs: numbersOrNull,
  logprobs: numbersOrNull.optional(),
  advantages: numbersOrNull.optional(),
  entropies: numbersOrNull.optional(),
  referenceLogprobs: numbersOrNull.optional(),
  tokenEnds: z.array(z.int()).optional(),
  /** Looks into the answer (VinePPO, TRePO). */
  anchors: z.array(sampleAnchorSchema).optional(),
});

/** One line of `train --json`. Lines of several runs of one experiment follow each other. */
export const trainOutputSchema = z.discriminatedUnion('event', [
  line('start', {
    name: z.string(),
    estimator: z.string(),
    seed: z.int(),
    steps: z.int(),
    directory: z.string(),
  }),
  line('phase', { phase: phaseSchema, detail: z.string().optional(), done: z.number().optional() }),
  line('ready', {
    model: z.strictObject({ family: z.string(), parameters: z.int(), hash: z.string() }),
    data: z.strictObject({
      trainRows: z.int(),
      evaluationRows: z.int(),
      droppedRows: z.int(),
      hash: z.string(),
    }),
    estimatedMemory: z.number(),
    device: z.string(),
    fromStep: z.int(),
  }),
  line('step', { step: z.int(), metrics: z.record(z.string(), z.number().nullable()) }),
  line('samples', { step: z.int(), samples: z.array(trainSampleSchema) }),
  line('evaluation', {
    step: z.int(),
    score: z.number(),
    components: z.record(z.string(), z.number()),
    count: z.int(),
    seconds: z.number(),
  }),
  line('checkpoint', {
    step: z.int(),
    role: z.enum(['best', 'last']),
    path: z.string(),
    score: z.number().nullable(),
  }),
  line('log', { level: z.enum(['info', 'warning', 'error']), message: z.string() }),
  line('run-end', runEndShape),
  line('end', {
    ...runEndShape,
    runs: z.array(
      z.strictObject({
        run: z.string(),
        name: z.string(),
        estimator: z.string(),
        seed: z.int(),
        ...runEndShape,
      }),
    ),
  }),
]);
export type TrainLine = z.infer<typeof trainOutputSchema>;

export const samplesOutputSchema = z.strictObject({
  rows: z.array(z.union([sampleDetailSchema, sampleRowSchema])),
  total: z.int(),
  pairs: z.strictObject({ path: z.string(), count: z.int() }).optional(),
  best: z.strictObject({ path: z.string(), count: z.int() }).optional(),
});
export const generateOutputSchema = z.strictObject({
  ids: z.array(z.int()),
  text: z.string(),
  logprobs: numbers,
  finish: finishReasonSchema,
});
/** Of a language model, or of a reward model. */
export const scoreOutputSchema = z.union([
  z.strictObject({ logprobs: numbers, entropies: numbers }),
  z.strictObject({ score: z.number() }),
]);
export const rewardOutputSchema = z.strictObject({
  total: z.number().nullable(),
  masked: z.literal(true).optional(),
  components: z.record(z.string(), componentScoreSchema.shape.value),
  reasons: z.record(z.string(), z.string()),
});
const verdictCounts = z.strictObject({ first: z.int(), second: z.int(), equal: z.int() });
export const judgeOutputSchema = z.discriminatedUnion('action', [
  judgeCheckSchema.extend({ action: z.literal('check') }),
  z.strictObject({ action: z.literal('keys'), keys: z.array(keyCardSchema) }),
  z.strictObject({ action: z.literal('set-key'), key: keyCardSchema }),
  z.strictObject({ action: z.literal('remove-key'), name: z.string() }),
  z.strictObject({ action: z.literal('rubrics'), rubrics: z.array(rubricCardSchema) }),
  judgeCacheSchema.extend({ action: z.literal('cache'), removed: z.int() }),
  z.strictObject({
    action: z.literal('agree'),
    pairs: z.int(),
    undecided: z.int(),
    notGradable: z.int(),
    agreement: z.strictObject({ value: z.number(), low: z.number(), high: z.number() }),
    kappa: z.number().nullable(),
    decided: z.strictObject({ pairs: z.int(), agreement: z.number().nullable() }),
    table: z.strictObject({ first: verdictCounts, second: verdictCounts, equal: verdictCounts }),
    counts: z.strictObject({
      requests: z.int(),
      questions: z.int(),
      cached: z.int(),
      unreadable: z.int(),
      compared: z.int(),
      alwaysFirst: z.int(),
      alwaysSecond: z.int(),
    }),
  }),
]);
export type JudgeOutput = z.input<typeof judgeOutputSchema>;
export const exportOutputSchema = z.strictObject({
  format: z.enum(['hf']),
  path: z.string(),
  source: z.string(),
  run: z.string().nullable(),
  step: z.int().nullable(),
  role: z.enum(['best', 'last']).nullable(),
  score: z.number().nullable(),
  bytes: z.number(),
  files: z.array(z.string()),
});
/** Exact, or with --sample measured. */
export const labOutputSchema = z.union([laboratoryReportSchema, sampledReportSchema]);
/** What `fetch` did; with --dry-run what it would do (`hubDescriptionSchema`). */
export const fetchOutputSchema = z.strictObject({
  kind: z.enum(['model', 'dataset']),
  name: z.string(),
  revision: z.string(),
  commit: z.string(),
  path: z.string(),
  files: z.array(z.string()),
  bytes: z.number(),
  config: z.string().nullable(),
  splits: z.array(z.strictObject({ split: z.string(), paths: z.array(z.string()) })),
});
export const doctorCheckSchema = z.strictObject({
  name: z.string(),
  status: z.enum(['good', 'warning', 'failed']),
  found: z.string(),
  advice: z.string().nullable(),
});
export type DoctorCheck = z.infer<typeof doctorCheckSchema>;
export const doctorOutputSchema = z.strictObject({ ok: z.boolean(), checks: z.array(doctorCheckSchema) });

/** One figure of the bench, of one peer or alone. `ratio` above 1: Espalier is better. Memory in bytes. */
export const benchOutputSchema = z.strictObject({
  name: z.string(),
  unit: z.string(),
  espalier: z.number(),
  peer: z.number().nullable(),
  peerName: z.string().nullable(),
  ratio: z.number().nullable(),
  memory: z.number().nullable(),
  peerMemory: z.number().nullable(),
});
export type BenchLine = z.infer<typeof benchOutputSchema>;

/** What every command prints with --json where it cannot do its work. */
export const errorOutputSchema = z.strictObject({ error: errorShapeSchema });

export interface CommandOutput {
  /** `value`: one JSON value. `lines`: one JSON object a line. */
  readonly form: 'value' | 'lines';
  readonly schema: z.ZodType;
  /** Meaning of each field; `event.field` where lines differ by their `event`, `[].` for the entries of an array. */
  readonly fields: Readonly<Record<string, string>>;
}

const statusField = `One of ${runStatusSchema.options.join(', ')}.`;
const runFields = {
  id: 'Name of the run in every command.',
  name: 'Name of the experiment.',
  experimentId: 'Equal for the runs of one experiment (`vary`, several seeds).',
  status: statusField,
  estimator: 'Estimator of the run.',
  seed: 'Seed of the run.',
  createdAt: 'When it was queued, in milliseconds since 1970; `startedAt` and `endedAt` likewise, or null.',
  startedAt: 'When its trainer began, or null.',
  endedAt: 'When it ended, or null.',
  step: 'Last finished step.',
  steps: 'Steps in all.',
  reward: 'Newest mean reward of training answers, or null.',
  score: 'Newest held-out score, or null.',
  bestScore: 'Best held-out score so far, or null.',
  secondsLeft: 'Estimated seconds to the end, or null.',
  phase: 'What the trainer does now, or null.',
  phaseDetail: 'What it waits for, such as a judge that does not answer, or null.',
  sparkline: 'Mean reward over the run, at most 60 points.',
  error: 'Why it failed (`kind`, `code`, `message`, `where`, `advice`, `details`), or null.',
  deletedAt: 'When it was deleted, or null.',
};

/** One entry for each command. */
export const cliOutputs = {
  start: {
    form: 'value',
    schema: startOutputSchema,
    fields: {
      url: 'Address of the local server with its token; null where a window opened.',
      window: 'Whether an Electron window opened.',
    },
  },
  serve: {
    form: 'value',
    schema: serveOutputSchema,
    fields: { url: 'Address with its token; printed as soon as the server answers.' },
  },
  train: {
    form: 'lines',
    schema: trainOutputSchema,
    fields: {
      event:
        'What the line tells: start, phase, ready, step, samples, evaluation, checkpoint, log, run-end or end.',
      run: 'The run that it belongs to; in the last line the run with the best held-out score.',
      'start.name':
        'Name of the experiment, with `estimator`, `seed`, `steps` and the `directory` of the run.',
      'phase.phase': `One of ${phaseSchema.options.join(', ')}; with \`detail\` and the share \`done\` where known.`,
      'ready.model': '`family`, `parameters` and `hash` of the model.',
      'ready.data': '`trainRows`, `evaluationRows`, `droppedRows` and `hash` of the data.',
      'ready.estimatedMemory':
        'Bytes that the run is expected to need; with the `device` and the step it begins after (`fromStep`).',
      'step.step': 'Number of the step, from 1.',
      'step.metrics': 'Every metric of the step by name; null where it was not a number.',
      'samples.samples':
        'Every answer of the step: question, reference, tokens, text, finish reason, reward, numbers for each token.',
      'evaluation.score':
        'Mean reward of greedy answers to the held-out questions; with `components`, `count` and `seconds`.',
      'checkpoint.path': 'Folder of a saved checkpoint; with `step`, `role` (best or last) and `score`.',
      'log.message': 'A remark of the trainer, with its `level`.',
      'run-end.status':
        'done, stopped or failed; one such line for each run of an experiment that has several.',
      'end.status': 'done; failed where a run failed; else stopped where a run was stopped.',
      'end.summary':
        '`before`, `after`, `best`, `bestStep` (held-out scores), `steps`, `answers`, `generatedTokens`, `seconds`, `generatedTokensPerSecond`, `peakMemory`; null where nothing was done.',
      'end.error': 'Why it failed, where it did.',
      'end.runs': 'Every run of the experiment with its `status`, `summary` and `error`.',
    },
  },
  runs: {
    form: 'value',
    schema: z.array(runRowSchema),
    fields: Object.fromEntries(Object.entries(runFields).map(([name, help]) => [`[].${name}`, help])),
  },
  show: {
    form: 'value',
    schema: runDetailSchema,
    fields: {
      ...runFields,
      config: 'The whole experiment of this run, every default filled in.',
      facts: 'What the trainer found: model, data, their hashes, memory, device; null before it began.',
      summary: 'Closing summary, or null.',
      directory: 'Folder of the run.',
      evaluations: 'Held-out scores: `step`, `score`, `components`, `count`, `seconds`, `at`.',
      checkpoints: 'Saved checkpoints: `step`, `role`, `path`, `score`, `at`.',
      log: 'Remarks of the trainer: `at`, `level`, `message`.',
    },
  },
  metrics: {
    form: 'value',
    schema: z.array(seriesSchema),
    fields: {
      '[].name': 'Name of the metric.',
      '[].steps': 'Steps at which it was measured.',
      '[].values': 'Its values, one for each step.',
    },
  },
  samples: {
    form: 'value',
    schema: samplesOutputSchema,
    fields: {
      total: 'Answers that match, of which `rows` holds at most `--limit`.',
      pairs:
        'With `--pairs`: the `path` of the file and the `count` of pairs in it; then no rows are listed.',
      best: 'With `--best`: the `path` of the file and the `count` of answers in it; then no rows are listed.',
      rows: 'The answers:',
      'rows[].id': 'Number of the answer in the store; `runId` and `step` say where it belongs.',
      'rows[].split': 'train or evaluation.',
      'rows[].promptIndex': 'Number of the question in its file; `sampleIndex` numbers its answers.',
      'rows[].prompt': 'The question.',
      'rows[].reference': 'The right answer.',
      'rows[].text': 'The answer.',
      'rows[].finish': 'stop or length.',
      'rows[].tokens': 'Tokens of the answer.',
      'rows[].reward': 'Total reward; null where it was not gradable.',
      'rows[].components': '`name`, `value` and `reason` of each reward component.',
      'rows[].ids':
        'With --tokens: tokens of the answer; with `promptIds`, `samplerLogprobs`, `logprobs`, `advantages`, `entropies`, `referenceLogprobs` (null where not kept) and `tokenEnds`.',
    },
  },
  models: {
    form: 'value',
    schema: z.array(modelEntrySchema),
    fields: {
      '[].path': 'How an experiment names it: a folder, or builtin:NAME.',
      '[].name': 'Its name.',
      '[].source': `Where it was found: ${modelSourceSchema.options.join(', ')}.`,
      '[].revision': 'Branch or commit, for models of the Hugging Face cache; else null.',
      '[].bytes': 'Size of its files.',
      '[].supported': 'Whether it can be trained and sampled here.',
      '[].why': 'Why not, or null.',
      '[].advice': 'What to do then, or null.',
      '[].card':
        '`path`, `name`, `family`, `parameters`, `context`, `vocabulary`, `hasChatTemplate`, `bytes`, `about`; null where it is not supported.',
      '[].memory':
        'Estimated bytes for `training` all weights and for `sampling`, the `available` memory, and whether it `trains` and `samples` with that; null where it is not supported.',
    },
  },
  fetch: {
    form: 'value',
    schema: z.union([fetchOutputSchema, hubDescriptionSchema]),
    fields: {
      kind: 'model or dataset.',
      name: 'Name of the repository.',
      revision: 'Branch, tag or commit that was asked for.',
      commit: 'Commit that it stands for.',
      path: 'Folder of the model, or of the snapshot of the dataset.',
      files: 'Files that belong to it; with --dry-run each with `path`, `size` and whether it is `cached`.',
      bytes: 'Their size.',
      config: 'Configuration of a dataset, or null.',
      splits: 'Splits of a dataset: `split` with the `paths` of its files.',
      missingBytes:
        'With --dry-run: bytes still to be fetched; with `freeBytes`, whether it `fits`, the `cache`, `private`, `gated`, `licence`, `configs` of a dataset, and what is known of a `model`.',
    },
  },
  generate: {
    form: 'lines',
    schema: generateOutputSchema,
    fields: {
      ids: 'Tokens of the answer, the stop token included.',
      text: 'The answer as text.',
      logprobs:
        'Log-probability of each token as it was sampled (of the softmax at the temperature; at 1 when greedy).',
      finish: 'stop: the model ended its answer; length: it was cut off.',
    },
  },
  score: {
    form: 'lines',
    schema: scoreOutputSchema,
    fields: {
      logprobs: 'Log-probability of each token of the response, in nats.',
      entropies: 'Entropy of the distribution that each token was chosen from, in nats.',
      score: 'Of a reward model alone: the score of the text.',
    },
  },
  reward: {
    form: 'lines',
    schema: rewardOutputSchema,
    fields: {
      total:
        'What the components make together; null where one could not be graded, or the answer is left out.',
      masked: 'true where the reward leaves the answer out because it was cut off; absent otherwise.',
      components: 'Value of each component by name; null where it could not be graded.',
      reasons: 'Why each component gave its value.',
    },
  },
  'reward-bench': {
    form: 'value',
    schema: rewardBenchReportSchema,
    fields: {
      reward: 'The reward, with every default.',
      from: 'Where the answers come from: pasted, references, run or model.',
      answers: 'Real answers.',
      questions: 'Questions that they belong to.',
      notGradable: 'Answers that could not be graded.',
      masked: 'Answers that were cut off and left out.',
      groupsWithSignal: 'Share of questions with several answers whose rewards differ; null where none has several.',
      truncated: 'Share of answers that were cut off.',
      total:
        'The total over the real answers: `count`, `notGradable`, `mean`, `deviation`, `low`, `high`, `distinct` values and a `histogram` of `edges` and `counts`.',
      components: 'The same for each component, by `name`, with `secondsPerAnswer`.',
      disagreements:
        'Pairs of components (`first`, `second`) with the rank `correlation` and `examples` (places in `rows`), the most different first.',
      planted:
        'For each cheat its `name`, `count`, `mean` total, the share of real answers that it `beats`, and its `best` row.',
      advice: '`level` (good, note, warning, blocking), `message` and `advice`.',
      rows: 'Every answer with `total`, `masked` and `components`; `planted` names the cheat, or is null.',
      printed: 'Lines that functions of the reward printed, the first of all.',
      seconds: 'Time that it took.',
    },
  },
  rescore: {
    form: 'value',
    schema: rescoreReportSchema,
    fields: {
      runId: 'The run.',
      answers: 'Stored answers that were graded.',
      notGradable: 'Those that could not be graded by the new reward.',
      warning: 'What the report lacks, or null.',
      steps: 'Steps of the run; `before` and `after` hold the mean of the old and of the new reward in each.',
      before: 'Mean of the old reward in each step; null where nothing could be graded.',
      after: 'Mean of the new reward in each step.',
      correlation: 'Rank correlation (Spearman) of old and new; null where one of them does not vary.',
      moved:
        'Answers whose rank changed most: `sampleId`, `step`, `prompt`, `text`, `before`, `after`, `rankBefore` and `rankAfter` (0 worst, 1 best), `components`.',
      seconds: 'Time that it took.',
    },
  },
  judge: {
    form: 'value',
    schema: judgeOutputSchema,
    fields: {
      action: 'What was asked for: check, agree, keys, set-key, remove-key, rubrics or cache.',
      problems:
        'check: what is wrong (`level`, `code`, `message`, `advice`); with `reachable`, `models` and `seconds`, null where not known.',
      pairs: 'agree: pairs that both people and the judge judged; with `undecided` by people and `notGradable`.',
      agreement: 'agree: share with the same verdict, `value` with its 95 % interval `low` to `high`.',
      kappa: "agree: Cohen's kappa, 0 for chance and 1 for full agreement; null where it is not defined.",
      decided: 'agree: `pairs` on which neither said equal, and the `agreement` on them.',
      table: 'agree: pairs by the verdict of people, then by that of the judge.',
      counts:
        'agree: `requests` sent, `questions`, `cached` of them, `unreadable` replies, pairs `compared` in both orders, `alwaysFirst` and `alwaysSecond` of which were decided by the place.',
      keys: 'keys: `name`, `place` and `where`; never the key.',
      key: 'set-key: the same of the key that was kept.',
      rubrics: 'rubrics: `id`, `title`, `about`, `mode` and the words.',
      replies: 'cache: judgements kept, their `bytes`, when the `oldest` was kept, and how many were `removed`.',
    },
  },
  export: {
    form: 'value',
    schema: exportOutputSchema,
    fields: {
      format: 'hf: a Hugging Face folder.',
      path: 'The folder that was written.',
      source: 'The folder that it was made from.',
      run: 'The run, or null for a model folder.',
      step: 'Step of the checkpoint, or null; with its `role` (best or last) and held-out `score`.',
      role: 'best or last, or null.',
      score: 'Held-out score of the checkpoint, or null.',
      bytes: 'Size of the folder.',
      files: 'Its files.',
    },
  },
  lab: {
    form: 'value',
    schema: labOutputSchema,
    fields: {
      process: 'The decision process that was examined.',
      settings: 'The settings, every default filled in.',
      states:
        'Every unfinished prefix: `prefix`, `policy` (chance of each letter), `value` (expected reward), `visited` (chance to pass it).',
      answers: 'Every answer: `text`, `probability`, `reward`, `ended`.',
      expectedReward: 'Expected reward of one answer.',
      gradient: 'Its gradient with respect to the logits, prefix by prefix, letter by letter.',
      gradientNorm: 'Length of the gradient.',
      theorem:
        'The theorem shown: `tokenRewards` as drawn, `responseRewards`, `tokenGradient`, `responseGradient`, `largestDifference`; with `discount`: `discountedGradient`, `discountedDifference`, `discountedCosine`.',
      rows: 'One entry for each estimator:',
      'rows[].id':
        'Name for --estimators; with `title`, `family`, `estimator` (the method that it belongs to, or null) and `about`.',
      'rows[].verdict':
        'unbiased, multiple (of the true gradient) or biased; with `meaning`, a plain sentence, and `otherGoal` where it aims at something else than the mean reward.',
      'rows[].gradient': 'Expected gradient of one estimate.',
      'rows[].variance': 'Trace of the covariance of one estimate.',
      'rows[].scale':
        'How much of the true gradient the expected one holds; with `cosine` of the angle between them.',
      'rows[].bias':
        'Length of expected minus true gradient over length of the true one; `directionBias`: what remains after the best scaling.',
      'rows[].noise': 'Standard deviation of one estimate over its part along the true gradient.',
      'rows[].answers': 'Expected answers generated for one estimate, with their `tokens`.',
      'rows[].varianceCost': 'variance × tokens.',
      'rows[].tokensNeeded': 'Tokens to generate until noise and gradient are equally large.',
      left: 'Methods without a row: `id`, `title`, `reason`.',
      questions:
        'With --sample: questions asked; with `answers` in all, `groupSize`, `batches` (independent estimates), `directions`, `generatedTokens`, `rewardMean`, `lengthMean`.',
      'rows[].verdict (sampled)':
        'With --sample: biased (the interval of the cosine lies below 1), clear (no evidence of bias) or noisy; `cosine`, `scale`, `bias`, `directionBias`, `noise` and `tokensNeeded` are then `value`, `low`, `high`, relative to a reference from all other answers.',
      complete: 'With --sample: false where it was ended before its last answer.',
      summary: 'What the table says, in plain sentences.',
      seconds: 'Time that it took.',
    },
  },
  doctor: {
    form: 'value',
    schema: doctorOutputSchema,
    fields: {
      ok: 'Whether nothing failed.',
      'checks[].name': 'What was looked at.',
      'checks[].status': 'good, warning or failed.',
      'checks[].found': 'What was found.',
      'checks[].advice': 'What to do, or null.',
      checks: 'The checks:',
    },
  },
  bench: {
    form: 'lines',
    schema: benchOutputSchema,
    fields: {
      name: 'Name of the figure.',
      unit: 'Its unit.',
      espalier: 'What Espalier reached.',
      peer: 'What the peer reached in the same run, or null.',
      peerName: 'The peer, or null.',
      ratio: 'Above 1: Espalier is better; null without a peer.',
      memory: 'Peak memory of Espalier in bytes, or null.',
      peerMemory: 'Peak memory of the peer in bytes, or null.',
    },
  },
} as const satisfies Record<string, CommandOutput>;

export type CommandName = keyof typeof cliOutputs;
