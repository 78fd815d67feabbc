/**
 * The experiment file: one JSON document, the same in the window, on the command line and in the store.
 * Every field carries its help (plain words, exact term, unit, effect) so that form, command line and
 * documents say the same thing.
 */
import { z } from 'zod';
import { aggregationSchema, estimatorNameSchema, klSchema } from './estimator.ts';
import { rewardSchema } from './reward.ts';

/** Help shown beside a field. `raising` says what a larger value does. */
export interface FieldHelp {
  label: string;
  term?: string;
  help: string;
  unit?: string;
  raising?: string;
}

/** Attaches help to a schema; read back with `fieldHelp`. */
function field<S extends z.ZodType>(schema: S, help: FieldHelp): S {
  return schema.meta({ ...help });
}

export const modelSchema = z.strictObject({
  path: field(z.string().min(1), {
    label: 'Model folder',
    term: 'checkpoint',
    help: 'A folder in the Hugging Face format, or builtin:NAME for a model that ships with Espalier.',
  }),
  train: field(z.enum(['all']).default('all'), {
    label: 'What is trained',
    term: 'trainable parameters',
    help: 'All weights of the model.',
  }),
  chat: field(z.enum(['auto', 'on', 'off']).default('auto'), {
    label: 'Chat template',
    help: 'auto applies the chat template of the model folder where it has one; on requires one; off sends the prompt as it is.',
  }),
  init: field(z.enum(['weights', 'random']).default('weights'), {
    label: 'Starting weights',
    help: 'weights loads the stored weights; random draws new ones from the seed (the folder then needs only its configuration and tokenizer).',
  }),
});

export const dataSchema = z.strictObject({
  path: field(z.string().min(1), {
    label: 'Training questions',
    term: 'training set',
    help: 'A Parquet, Arrow, JSONL, JSON, CSV or text file with one question a row, or a folder of such files as from the Hugging Face Hub or save_to_disk. A split is named behind a hash sign: folder#train, folder#configuration/train.',
  }),
  prompt: field(z.string().min(1).default('{prompt}'), {
    label: 'Question',
    term: 'prompt template',
    help: 'Text with column names in braces, for example {prompt}.',
  }),
  messages: field(z.string().min(1).optional(), {
    label: 'Conversation',
    term: 'messages',
    help: 'A column in braces that holds a conversation (a list of {role, content} or {from, value}, or a transcript), instead of a question. An answer of the assistant at its end is the right answer where the data has no column for it.',
  }),
  system: field(z.string().min(1).optional(), {
    label: 'System prompt',
    term: 'system message',
    help: 'Text, or column names in braces, that the chat template puts before the conversation; without a chat template it stands before the question.',
  }),
  answer: field(z.string().min(1).default('{answer}'), {
    label: 'Right answer',
    term: 'reference answer',
    help: 'Text with column names in braces; rewards compare with it, and SFT learns it.',
  }),
  chosen: field(z.string().min(1).optional(), {
    label: 'Better answer',
    term: 'chosen',
    help: 'Text with column names in braces; methods that learn from pairs make this answer likelier. Left out: {chosen}.',
  }),
  rejected: field(z.string().min(1).optional(), {
    label: 'Worse answer',
    term: 'rejected',
    help: 'Text with column names in braces; methods that learn from pairs make this answer less likely. Left out: {rejected}.',
  }),
  margin: field(z.string().min(1).optional(), {
    label: 'Margin',
    term: 'margin',
    help: 'For reward-model: a column in braces with a number that says by how much the better answer should lead. Left out: no margin.',
  }),
  label: field(z.string().min(1).optional(), {
    label: 'Verdict',
    term: 'label',
    help: 'For KTO: a column in braces that calls the answer of its row good (true, 1, yes, good) or bad (false, 0, no, bad), instead of pairs.',
  }),
  evaluation: field(z.string().min(1).optional(), {
    label: 'Held-out questions',
    term: 'evaluation set',
    help: 'A file of questions that are never trained on. Without one, a share of the training file is held out.',
  }),
  holdOut: field(z.number().min(0).max(0.9).default(0.1), {
    label: 'Share held out',
    help: 'Share of rows kept for evaluation when no evaluation file is given.',
  }),
  filter: field(z.record(z.string(), z.array(z.union([z.string(), z.number(), z.boolean()]))).optional(), {
    label: 'Rows to use',
    term: 'filter',
    help: 'Column names with the values to keep, for example {"difficulty": [1, 2]}.',
  }),
  limit: field(z.int().min(1).optional(), {
    label: 'Most rows to use',
    help: 'Only this many rows of the training file, drawn by the seed.',
    unit: 'rows',
  }),
  evaluationLimit: field(z.int().min(1).default(256), {
    label: 'Questions per evaluation',
    help: 'How many held-out questions each evaluation asks (the same ones every time).',
    unit: 'questions',
    raising: 'Raising it makes the score steadier and each evaluation slower.',
  }),
});

export const methodSchema = z.strictObject({
  estimator: field(estimatorNameSchema.default('dr-grpo'), {
    label: 'Method',
    term: 'estimator',
    help: 'How rewards of whole answers become a learning signal for each token.',
  }),
  groupSize: field(z.int().min(1).max(1024).optional(), {
    label: 'Answers per question',
    term: 'group size',
    help: 'How many answers are sampled for each question.',
    unit: 'answers',
    raising: 'Raising it makes each step steadier and slower.',
  }),
  learningRate: field(z.number().positive().max(1).default(1e-5), {
    label: 'Update strength',
    term: 'learning rate',
    help: 'Size of each weight update (AdamW).',
    raising: 'Raising it learns faster, until it becomes unstable.',
  }),
  schedule: field(z.enum(['constant', 'linear', 'cosine']).default('constant'), {
    label: 'Update strength over time',
    term: 'learning-rate schedule',
    help: 'constant keeps it; linear and cosine let it fall to zero at the last step.',
  }),
  warmupSteps: field(z.int().min(0).default(0), {
    label: 'Gentle start',
    term: 'warm-up',
    help: 'Steps over which the learning rate rises from zero.',
    unit: 'steps',
  }),
  weightDecay: field(z.number().min(0).max(1).default(0), {
    label: 'Pull of weights toward zero',
    term: 'weight decay',
    help: 'Decoupled decay of AdamW, on matrices only.',
  }),
  beta1: field(z.number().min(0).max(0.9999).default(0.9), { label: 'Momentum', term: 'AdamW β1', help: 'Memory of past gradients.' }),
  beta2: field(z.number().min(0).max(0.99999).default(0.999), { label: 'Scale memory', term: 'AdamW β2', help: 'Memory of past squared gradients.' }),
  clipNorm: field(z.number().positive().nullable().default(1), {
    label: 'Largest update',
    term: 'gradient clipping (global norm)',
    help: 'Gradients with a larger norm are scaled down to it; null switches clipping off.',
  }),
  epochs: field(z.int().min(1).max(64).default(1), {
    label: 'Passes over each batch',
    term: 'epochs per batch',
    help: 'How often each batch of answers is learnt from before new ones are sampled.',
    raising: 'Raising it reuses answers, which drift away from what the model would now say.',
  }),
  minibatches: field(z.int().min(1).max(256).default(1), {
    label: 'Updates per pass',
    term: 'minibatches',
    help: 'Optimizer steps that one pass over the batch is cut into.',
  }),
  clipLow: field(z.number().min(0).max(1).optional(), { label: 'Lower clip', term: 'ε low', help: 'Lower width of the clip band of the ratio.' }),
  clipHigh: field(z.number().min(0).max(10).optional(), { label: 'Upper clip', term: 'ε high', help: 'Upper width of the clip band of the ratio.' }),
  aggregation: field(aggregationSchema.optional(), {
    label: 'Weight of long answers',
    term: 'loss aggregation',
    help: 'How token losses are averaged; each method has its own default.',
  }),
  baseline: field(z.enum(['none', 'movingAverage']).optional(), {
    label: 'Baseline',
    help: 'For REINFORCE: compare with nothing, or with the moving average of earlier rewards.',
  }),
  baselineDecay: field(z.number().min(0).max(0.9999).optional(), {
    label: 'Baseline memory',
    term: 'moving-average decay',
    help: 'Weight of the previous value in the moving-average baseline.',
  }),
  critic: field(z.enum(['own', 'head']).optional(), {
    label: 'Critic',
    term: 'value network',
    help: 'For PPO: own trains a second network that predicts rewards; head lets the model itself predict them, with half the memory.',
  }),
  lambda: field(z.number().min(0).max(1).optional(), {
    label: 'Trust in the critic',
    term: 'GAE λ',
    help: 'For PPO: 1 compares the reward itself with the prediction of the critic (unbiased); less replaces more of the reward by later predictions.',
    raising: 'Raising it trusts the critic less: less bias, more variance.',
  }),
  valueClip: field(z.number().positive().nullable().optional(), {
    label: 'Clip of values',
    term: 'value clipping',
    help: 'For PPO: how far the critic may move in one step before its loss holds it back; null switches it off.',
  }),
  valueCoefficient: field(z.number().positive().optional(), {
    label: 'Weight of the critic',
    term: 'value loss coefficient',
    help: 'For PPO: weight of the critic beside the policy.',
  }),
  criticLearningRate: field(z.number().positive().max(1).optional(), {
    label: 'Update strength of the critic',
    term: 'critic learning rate',
    help: 'For PPO with a critic of its own: its learning rate; as that of the policy when left out.',
  }),
  whiten: field(z.boolean().optional(), {
    label: 'Even out advantages',
    term: 'whitening',
    help: 'For PPO: shifts and scales the advantages of a batch to mean 0 and deviation 1.',
  }),
  preferenceLoss: field(z.enum(['sigmoid', 'robust', 'ipo']).optional(), {
    label: 'Form of the loss',
    help: 'For DPO: sigmoid is the usual one; robust corrects for swapped pairs; ipo aims at a fixed lead instead of an ever larger one.',
  }),
  beta: field(z.number().positive().optional(), {
    label: 'Hold on the original model',
    term: 'β',
    help: 'For methods that learn from pairs: scale of the log-probability differences.',
    raising: 'Raising it keeps the model closer to the original (for SimPO and ORPO: learns pairs harder).',
  }),
  labelSmoothing: field(z.number().min(0).max(0.49).optional(), {
    label: 'Doubt in the pairs',
    term: 'label smoothing',
    help: 'Share of pairs assumed to be the wrong way round.',
  }),
  margin: field(z.number().min(0).optional(), {
    label: 'Wanted lead',
    term: 'target margin γ',
    help: 'For SimPO: lead in β × mean log-probability that the better answer is to have.',
  }),
  likelihoodWeight: field(z.number().min(0).optional(), {
    label: 'Weight of imitation',
    term: 'NLL coefficient',
    help: 'For DPO and SimPO: also learns the better answers word by word, with this weight.',
  }),
  desirableWeight: field(z.number().min(0).optional(), {
    label: 'Weight of good answers',
    help: 'For KTO: weight of answers called good.',
  }),
  undesirableWeight: field(z.number().min(0).optional(), {
    label: 'Weight of bad answers',
    help: 'For KTO: weight of answers called bad.',
  }),
  redraws: field(z.int().min(0).max(100).optional(), {
    label: 'Rounds of further questions',
    term: 'dynamic sampling',
    help: 'For DAPO: questions whose answers all got the same reward are replaced by further ones, at most this often in a step.',
    unit: 'rounds',
    raising: 'Raising it fills steps with questions that teach something, and costs more answers.',
  }),
  overlongBuffer: field(z.int().min(0).optional(), {
    label: 'Last tokens that cost',
    term: 'overlong buffer',
    help: 'For DAPO: answers that end within this many tokens of the longest answer lose reward, up to the penalty.',
    unit: 'tokens',
  }),
  overlongPenalty: field(z.number().min(0).optional(), {
    label: 'Penalty at the longest answer',
    term: 'overlong penalty factor',
    help: 'For DAPO: what an answer of the greatest length loses of its reward; 0 switches the penalty off.',
  }),
  keepFrom: field(z.number().optional(), {
    label: 'Reward from which answers are kept',
    term: 'rejection threshold',
    help: 'For RAFT: every answer with at least this reward is learnt; left out, the best answer to each question.',
  }),
  anchorRule: field(z.enum(['stride', 'coins', 'lines']).optional(), {
    label: 'Where to look into an answer',
    term: 'anchor rule',
    help: 'For VinePPO and TRePO: stride looks every few tokens, coins at random places drawn ahead, lines after each line.',
  }),
  anchorStride: field(z.int().min(1).optional(), {
    label: 'Tokens between looks',
    term: 'anchor stride',
    help: 'For VinePPO and TRePO with stride: tokens from one look to the next; a quarter of the longest answer when left out.',
    unit: 'tokens',
    raising: 'Raising it saves continuations and tells tokens apart less finely.',
  }),
  anchorChance: field(z.number().gt(0).max(1).optional(), {
    label: 'Chance of a look',
    term: 'anchor probability',
    help: 'For TRePO with coins: the chance of each place of the answer to be looked at; four looks in the longest answer when left out.',
    raising: 'Raising it tells tokens apart more finely and costs more continuations.',
  }),
  anchorBetween: field(z.enum(['segment', 'linear', 'sparse']).optional(), {
    label: 'Between two looks',
    term: 'interpolation',
    help: 'For TRePO: segment credits the tokens between two looks together, linear shares the credit out (biased), sparse credits drawn tokens alone.',
  }),
  continuations: field(z.int().min(1).max(256).optional(), {
    label: 'Continuations of each look',
    term: 'Monte-Carlo rollouts',
    help: 'For VinePPO and TRePO: fresh ends that are sampled from each place looked at; their mean reward is its value.',
    unit: 'continuations',
    raising: 'Raising it makes the signal steadier and costs generated tokens.',
  }),
  headOnly: field(z.boolean().optional(), {
    label: 'Train the head alone',
    term: 'linear probe',
    help: 'For reward-model: leaves the network as it is and trains only the last matrix, which turns its view of a text into a score.',
  }),
  centering: field(z.number().min(0).optional(), {
    label: 'Pull of scores toward zero',
    term: 'reward centering',
    help: 'For reward-model: weight of the mean of (better score + worse score)², which keeps scores around 0 without touching their distance.',
    raising: 'Raising it holds the mean of the scores closer to 0.',
  }),
  kl: field(klSchema.default({ where: 'none', estimator: 'k1', coefficient: 0 }), {
    label: 'Stay close to the original model',
    term: 'KL penalty',
    help: 'Penalises drifting away from the model at the start.',
    raising: 'Raising it keeps the model closer to the original.',
  }),
  entropyBonus: field(z.number().min(0).max(10).optional(), {
    label: 'Reward for variety',
    term: 'entropy bonus',
    help: 'For methods that weigh sampled answers: weight of the entropy of the next token, which the loss is lowered by; 0 or left out for none, 0.001 to 0.01 is usual.',
    raising: 'Raising it keeps answers varied for longer, up to answers that are noise.',
  }),
  samplerCap: field(z.number().positive().nullable().default(2), {
    label: 'Cap of the sampler correction',
    term: 'truncated importance sampling',
    help: 'Largest weight that corrects for rounding differences between sampler and learner; null switches it off.',
  }),
});

export const budgetSchema = z.strictObject({
  steps: field(z.int().min(1).max(10_000_000).default(200), { label: 'Steps', help: 'Learning steps in the whole run.', unit: 'steps' }),
  promptsPerStep: field(z.int().min(1).max(65_536).default(16), {
    label: 'Questions per step',
    term: 'batch size in prompts',
    help: 'Different questions asked in each step.',
    unit: 'questions',
    raising: 'Raising it makes each step steadier and slower.',
  }),
  maxTokens: field(z.int().min(1).max(131_072).default(64), {
    label: 'Longest answer',
    term: 'maximum new tokens',
    help: 'Answers are cut off after this many tokens.',
    unit: 'tokens',
  }),
  maxPromptTokens: field(z.int().min(1).max(131_072).default(512), {
    label: 'Longest question',
    term: 'maximum prompt tokens',
    help: 'Questions with more tokens are left out, and counted.',
    unit: 'tokens',
  }),
  temperature: field(z.number().positive().max(10).default(1), {
    label: 'Creativity',
    term: 'temperature',
    help: 'Divides the logits when answers are sampled; learning uses the same value.',
    raising: 'Raising it makes answers more varied.',
  }),
  seeds: field(z.array(z.int().min(0)).min(1).default([1]), { label: 'Seeds', help: 'One run for each seed; the same seed gives the same run.' }),
  evaluateEvery: field(z.int().min(1).default(20), { label: 'Evaluate every', help: 'Steps between evaluations on held-out questions.', unit: 'steps' }),
  checkpointEvery: field(z.int().min(1).default(50), { label: 'Save every', term: 'checkpoint interval', help: 'Steps between saved checkpoints.', unit: 'steps' }),
  preflight: field(z.enum(['block', 'warn', 'off']).default('block'), {
    label: 'Before the start',
    term: 'pre-flight',
    help: 'Asks and grades a few questions first. block: does not start when no group of answers has different rewards; warn: says so and starts; off: asks nothing.',
  }),
  microBatchTokens: field(z.int().min(64).optional(), {
    label: 'Tokens at once',
    term: 'micro-batch tokens',
    help: 'Most tokens in one forward and backward pass; chosen from the memory of the machine when left out.',
    unit: 'tokens',
  }),
});

export const experimentSchema = z.strictObject({
  version: z.literal(1).meta({ label: 'Version', help: 'Version of this format.' }),
  name: field(z.string().min(1).max(200), { label: 'Name', help: 'What this experiment is called in lists.' }),
  model: modelSchema,
  data: dataSchema,
  reward: rewardSchema.optional(),
  method: methodSchema.prefault({}),
  budget: budgetSchema.prefault({}),
  /** Paths of settings (such as `method.estimator`) with the values to try, one run for each combination. */
  vary: z
    .record(z.string(), z.array(z.json()).min(1))
    .optional()
    .meta({ label: 'Settings to compare', help: 'Settings by path, such as method.estimator, with the values to try: one run for each combination and seed.' }),
});

/** An experiment as a person writes it: defaults may be missing. */
export type ExperimentInput = z.input<typeof experimentSchema>;
/** An experiment with every default filled in. */
export type Experiment = z.output<typeof experimentSchema>;
export type MethodConfig = Experiment['method'];
export type BudgetConfig = Experiment['budget'];

/** The experiment of one run: no `vary`, one seed. Stored with the run. */
export const runConfigSchema = experimentSchema.omit({ vary: true }).extend({ seed: z.int().min(0) });
export type RunConfig = z.output<typeof runConfigSchema>;

/** Help of the field at a path such as `budget.steps`, or undefined where there is none. */
export function fieldHelp(path: string): FieldHelp | undefined {
  let schema: z.ZodType | undefined = experimentSchema;
  for (const key of path.split('.')) {
    while (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) {
      schema = schema.unwrap() as z.ZodType;
    }
    if (!(schema instanceof z.ZodObject)) return undefined;
    schema = (schema.shape as Record<string, z.ZodType>)[key];
  }
  const meta = schema?.meta();
  return meta && typeof meta['help'] === 'string' ? (meta as unknown as FieldHelp) : undefined;
}
