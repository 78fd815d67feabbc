/**
 * Samples answers to some questions of an experiment and measures the gradient of each answer's log-probability along
 * random directions. Every estimator whose advantage is the same for all tokens of an answer is a weighted sum of these
 * gradients, so one measurement serves all of them.
 */
import { userError } from '../contract/errors.ts';
import type { SurrogateSpec } from '../contract/estimator.ts';
import type { TrainerCommand } from '../contract/events.ts';
import type { SampleResult } from '../rollout/sampler.ts';
import { addToSketch } from './gradient-sketch.ts';
import type { PreparedRun } from './prepare-run.ts';
import { reportProgress } from './progress.ts';
import type { PreparedPrompt, TrainingParts } from './training-parts.ts';

export type GradientCommand = Extract<TrainerCommand, { type: 'lab' }>;

/** Purpose of the random streams, so that they share no numbers with training. */
const purpose = 73;

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

/**
 * Emits `lab-question` and then `projected` for each answer, question by question, then `job-end`.
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
  const total = command.questions * command.answers;
  const progress = reportProgress(parts, 'training', total, 'measuring gradients');
  emit({ type: 'phase', phase: 'training', detail: 'measuring gradients', done: 0 });
  let done = 0;
  let tokens = 0;
  for (let question = 0; question < command.questions && !stopRequested(); question++) {
    const prompt = parts.train[question]!;
    const { sampled, greedy } = await sample(parts, prompt, question, command.answers);
    const rewards = await gradeAll(parts, prompt, [...sampled, greedy]);
    emit({
      type: 'lab-question',
      question,
      prompt: prompt.question,
      greedyReward: rewards.at(-1) ?? null,
      greedyTokens: greedy.ids.length,
    });
    for (const [answer, { ids, finish }] of sampled.entries()) {
      await pause();
      if (stopRequested()) break;
      const projection = await measure(run, prompt, ids, command);
      emit({
        type: 'projected',
        question,
        answer,
        reward: rewards[answer] ?? null,
        tokens: ids.length,
        finish,
        projection,
      });
      done += 1;
      tokens += ids.length;
      progress(done);
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

async function sample(
  parts: TrainingParts,
  prompt: PreparedPrompt,
  question: number,
  count: number,
): Promise<{ sampled: SampleResult[]; greedy: SampleResult }> {
  const { seed, budget } = parts.config;
  const options = { maxTokens: budget.maxTokens, topP: 1, topK: 0, stopIds: parts.stopIds };
  const { promptIds } = prompt;
  const requests = Array.from({ length: count }, (_, answer) => ({
    promptIds,
    stream: [seed, purpose, question, answer],
  }));
  const sampled = await parts.sampler.generate(requests, { ...options, temperature: budget.temperature });
  const [greedy] = await parts.sampler.generate([{ promptIds, stream: [seed] }], {
    ...options,
    temperature: 0,
  });
  if (greedy === undefined) throw new Error('internal: no greedy answer');
  return { sampled, greedy };
}

async function gradeAll(
  parts: TrainingParts,
  prompt: PreparedPrompt,
  answers: readonly SampleResult[],
): Promise<(number | null)[]> {
  const texts = await parts.decode(answers);
  const scores = await parts.grade?.(
    'train',
    answers.map(({ finish, ids }, place) => ({
      prompt,
      text: texts[place]!.text,
      finish,
      tokens: ids.length,
    })),
  );
  return (scores ?? []).map(({ total }) => total);
}

/** The gradient of the summed log-probability of one answer, along the directions. */
async function measure(
  { learner, store, parts }: PreparedRun,
  prompt: PreparedPrompt,
  answerIds: Int32Array,
  { directions, config }: GradientCommand,
): Promise<Float32Array> {
  const ones = new Float32Array(answerIds.length).fill(1);
  learner.discardGradient();
  await learner.accumulate(
    [
      {
        promptIds: prompt.promptIds,
        answerIds,
        // The loss is −advantage × log-probability: with −1 its gradient is that of the log-probability.
        advantages: ones.map(() => -1),
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
