/**
 * Samples answers to some questions of an experiment and measures the gradient of each answer's log-probability along
 * random directions. Every estimator whose advantage is the same for all tokens of an answer is a weighted sum of these
 * gradients, so one measurement serves all of them. Methods that look into answers weigh their tokens differently: for
 * each of them the gradient weighed by its advantages is measured too.
 */
import { userError } from '../contract/errors.ts';
import type { EstimatorSpec, SurrogateSpec } from '../contract/estimator.ts';
import type { TrainerCommand } from '../contract/events.ts';
import type { AnswerLook } from '../contract/laboratory.ts';
import { computeAdvantages, type AnswerValues } from '../estimators/advantages.ts';
import { estimatorSpec } from '../estimators/index.ts';
import type { SampleResult } from '../rollout/sampler.ts';
import { lookAhead } from './continuations.ts';
import { fitCritic } from './fit-critic.ts';
import { addToSketch } from './gradient-sketch.ts';
import type { PreparedRun } from './prepare-run.ts';
import { reportProgress } from './progress.ts';
import { initialStatistics } from '../rewards/running-statistics.ts';
import type { Rollouts } from './rollouts.ts';
import type { PreparedPrompt, TrainingParts } from './training-parts.ts';

export type GradientCommand = Extract<TrainerCommand, { type: 'lab' }>;

/** Purposes of the random streams, so that they share no numbers with training or each other. */
const purpose = 73;
const fittingPurpose = 75;
/** Answers to a question that are sampled together: enough to keep the sampler busy, few enough to be ended between. */
const answersTogether = 32;
/** Share of the measured answers that a critic is fitted to beforehand, and the least of them for each question. */
const fittingShare = 0.25;
const leastFitting = 32;

/** The sum of log-probabilities with its sign turned: its gradient is the descent direction of training. */
const plainLoss: SurrogateSpec = {
  kind: 'pg',
  ratio: 'token',
  clipLow: 0.2,
  clipHigh: 0.2,
  aggregation: 'tokenSum',
  constantLength: 1,
  epochs: 1,
  samplerCap: null,
};
const noKl = { where: 'none', estimator: 'k1', coefficient: 0 } as const;

/** A method that looks into answers. */
interface Looker {
  readonly method: AnswerLook['method'];
  readonly spec: EstimatorSpec;
}

/**
 * Emits `lab-question` for each question, then `projected` for each answer in rounds over all questions, so that it can
 * be ended early with as many answers to each; then `job-end`.
 * @throws user error `reward-missing`, `questions-too-few`
 */
export async function gradientJob(command: GradientCommand, run: PreparedRun): Promise<void> {
  const { parts } = run;
  const { emit, now, pause, stopRequested } = parts;
  if (parts.grade === null) {
    throw userError('reward-missing', 'Estimators learn from rewards, but the experiment has none.', {
      where: 'reward',
      advice: 'Add a reward with at least one component.',
    });
  }
  if (parts.train.length < command.questions) {
    throw userError(
      'questions-too-few',
      `The data have ${parts.train.length} questions, fewer than the ${command.questions} asked for.`,
      {
        where: 'questions',
        advice: `Use at most ${parts.train.length}.`,
      },
    );
  }
  const started = now();
  const lookers = command.looks.map((method): Looker => ({
    method: method.estimator,
    spec: estimatorSpec(method, command.config.budget),
  }));
  const prompts = parts.train.slice(0, command.questions);
  if (lookers.some(({ spec }) => spec.critic)) await fitToSamples(run, prompts, command.answers);
  const total = command.questions * command.answers;
  const progress = reportProgress(parts, 'training', total, 'measuring gradients');
  emit({ type: 'phase', phase: 'training', detail: 'measuring gradients', done: 0 });
  for (const [question, prompt] of prompts.entries()) await askGreedily(parts, prompt, question);
  let done = 0;
  let tokens = 0;
  const round = command.groupSize * Math.max(1, Math.floor(answersTogether / command.groupSize));
  for (let first = 0; first < command.answers && !stopRequested(); first += round) {
    for (const [question, prompt] of prompts.entries()) {
      const count = Math.min(round, command.answers - first);
      const streams = Array.from({ length: count }, (_, place) => [purpose, question, first + place]);
      const sampled = await sample(parts, prompt, streams);
      const rollouts = await graded(parts, prompt, sampled, first, command.groupSize);
      const looks = await lookInside(run, lookers, rollouts, question);
      for (const [place, { ids, finish }] of sampled.entries()) {
        await pause();
        if (stopRequested()) break;
        const measured: AnswerLook[] = [];
        for (const { advantages, ...look } of looks[place] ?? []) {
          measured.push({ ...look, projection: await measure(run, prompt, ids, advantages, command) });
        }
        emit({
          type: 'projected',
          question,
          answer: first + place,
          reward: rollouts.rewards[place]!.total,
          tokens: ids.length,
          finish,
          projection: await measure(run, prompt, ids, new Float32Array(ids.length).fill(1), command),
          looks: measured,
        });
        done += 1;
        tokens += ids.length;
        progress(done);
      }
      if (stopRequested()) break;
    }
  }
  emit({
    type: 'job-end',
    status: done === total ? 'done' : 'stopped',
    rows: done,
    tokens,
    seconds: (now() - started) / 1000,
  });
}

/** Fits the critic to answers that are not measured. */
async function fitToSamples(
  { parts }: PreparedRun,
  prompts: readonly PreparedPrompt[],
  answers: number,
): Promise<void> {
  const { emit, pause, stopRequested } = parts;
  const count = Math.max(leastFitting, Math.ceil(answers * fittingShare));
  const judged = [];
  for (const [question, prompt] of prompts.entries()) {
    emit({ type: 'phase', phase: 'training', detail: 'sampling answers for the critic' });
    const streams = Array.from({ length: count }, (_, place) => [fittingPurpose, question, place]);
    const { answers: sampled, rewards } = await graded(
      parts,
      prompt,
      await sample(parts, prompt, streams),
      0,
      count,
    );
    for (const [place, { ids }] of sampled.entries()) {
      const reward = rewards[place]!.total;
      if (reward !== null) judged.push({ promptIds: prompt.promptIds, answerIds: ids, reward });
    }
  }
  const explained = await fitCritic(parts, judged, async (share) => {
    emit({ type: 'phase', phase: 'training', detail: `fitting the critic, ${Math.round(share * 100)} %` });
    await pause();
    return !stopRequested();
  });
  emit({
    type: 'log',
    level: 'info',
    message: `The critic was fitted to ${judged.length} other answers and explains ${Number.isFinite(explained) ? `${Math.round(explained * 100)} %` : 'none'} of the differences between their rewards.`,
  });
}

async function sample(
  parts: TrainingParts,
  { promptIds }: PreparedPrompt,
  streams: readonly (readonly number[])[],
): Promise<SampleResult[]> {
  const { seed, budget } = parts.config;
  return parts.sampler.generate(
    streams.map((stream) => ({ promptIds, stream: [seed, ...stream] })),
    { ...samplingOptions(parts), temperature: budget.temperature },
  );
}

function samplingOptions({ config, stopIds }: TrainingParts) {
  return { maxTokens: config.budget.maxTokens, topP: 1, topK: 0, stopIds };
}

/** The reward of the greedy answer to a question. */
async function askGreedily(parts: TrainingParts, prompt: PreparedPrompt, question: number): Promise<void> {
  const [greedy] = await parts.sampler.generate(
    [{ promptIds: prompt.promptIds, stream: [parts.config.seed] }],
    { ...samplingOptions(parts), temperature: 0 },
  );
  if (greedy === undefined) throw new Error('internal: no greedy answer');
  const { rewards } = await graded(parts, prompt, [greedy], 0, 1);
  parts.emit({
    type: 'lab-question',
    question,
    prompt: prompt.question,
    greedyReward: rewards[0]?.total ?? null,
    greedyTokens: greedy.ids.length,
  });
}

/** The answers with their rewards; groups that are compared share no continuations with each other. */
async function graded(
  parts: TrainingParts,
  prompt: PreparedPrompt,
  answers: readonly SampleResult[],
  first: number,
  groupSize: number,
): Promise<Rollouts> {
  const texts = await parts.decode(answers);
  const rewards = await parts.grade?.(
    'train',
    answers.map(({ finish, ids }, place) => ({
      prompt,
      text: texts[place]!.text,
      finish,
      tokens: ids.length,
    })),
  );
  return {
    prompts: answers.map(() => prompt),
    groups: answers.map((_, place) => Math.floor((first + place) / groupSize)),
    places: answers.map((_, place) => (first + place) % groupSize),
    answers,
    texts,
    rewards: rewards ?? [],
    greedyRewards: null,
    tokens: answers.reduce((sum, { ids }) => sum + ids.length, 0),
    generateSeconds: 0,
    rewardSeconds: 0,
  };
}

/** What each method made of each answer, with its advantages before a batch scales them. */
async function lookInside(
  { parts }: PreparedRun,
  lookers: readonly Looker[],
  rollouts: Rollouts,
  question: number,
): Promise<(Omit<AnswerLook, 'projection'> & { advantages: Float32Array })[][]> {
  const found = rollouts.answers.map(
    (): (Omit<AnswerLook, 'projection'> & { advantages: Float32Array })[] => [],
  );
  const lengths = rollouts.answers.map(({ ids }) => ids.length);
  // Progress is told in answers that are measured.
  const quiet = { ...parts, emit: () => undefined };
  for (const { method, spec } of lookers) {
    const ahead = spec.plan.anchors
      ? await lookAhead(quiet, rollouts, spec.plan.anchors, question, initialStatistics(parts.config.reward))
      : null;
    const critic =
      spec.critic && parts.critic
        ? await parts.critic.values(
            rollouts.answers.map(({ ids }, place) => ({
              promptIds: rollouts.prompts[place]!.promptIds,
              answerIds: ids,
            })),
          )
        : null;
    const { advantages } = computeAdvantages(
      {
        groups: rollouts.groups,
        rewards: rollouts.rewards.map(({ total }) => total),
        lengths,
        ...(ahead ? { values: ahead.values } : {}),
        ...(critic ? { criticValues: critic } : {}),
      },
      { ...spec.advantage, scale: 'none' },
      noKl,
    );
    const counted = new Set<unknown>();
    found.forEach((list, place) => {
      let tokens = 0;
      // Answers of a group that begin alike share a place; it is paid for once.
      for (const anchor of ahead?.anchors[place] ?? []) {
        if (counted.has(anchor)) continue;
        counted.add(anchor);
        for (const { tokens: more } of anchor.continuations) tokens += more;
      }
      list.push({
        method,
        advantages: advantages[place]!,
        tokens,
        values: mutable(ahead?.values[place] ?? null),
        criticValues: critic?.[place] ?? null,
      });
    });
  }
  return found;
}

/** The values in the form of the contract, whose lists may be written to. */
function mutable(values: AnswerValues | null): AnswerLook['values'] {
  if (values === null) return null;
  return values.between === 'sparse'
    ? { ...values, drawn: [...values.drawn] }
    : { ...values, anchors: [...values.anchors] };
}

/** The gradient of Σ advantage × log-probability over the tokens of one answer, along the directions. */
async function measure(
  { learner, store, parts }: PreparedRun,
  prompt: PreparedPrompt,
  answerIds: Int32Array,
  advantages: Float32Array,
  { directions, config }: GradientCommand,
): Promise<Float32Array> {
  const ones = new Float32Array(answerIds.length).fill(1);
  if (advantages.every((advantage) => advantage === 0)) return new Float32Array(directions);
  learner.discardGradient();
  await learner.accumulate(
    [
      {
        promptIds: prompt.promptIds,
        answerIds,
        // The loss is −advantage × log-probability; its gradient is wanted with the other sign.
        advantages: advantages.map((advantage) => -advantage),
        oldLogprobs: null,
        referenceLogprobs: null,
        weights: ones,
      },
    ],
    plainLoss,
    noKl,
    parts.config.budget.temperature,
  );
  const sketch = new Float64Array(directions);
  let first = 0;
  for (const { name } of store.parameters) {
    const values = store.gradient(name);
    addToSketch(sketch, values, first, config.seed);
    first += values.length;
  }
  learner.discardGradient();
  return Float32Array.from(sketch);
}
