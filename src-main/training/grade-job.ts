/** Grades answers without a run: given ones for the reward bench, or fresh ones to questions of an experiment. */
import { userError } from '../contract/errors.ts';
import type { TrainerCommand } from '../contract/events.ts';
import type { BenchAnswer, GradedAnswer } from '../contract/reward-bench.ts';
import type { RewardConfig } from '../contract/reward.ts';
import { promptOrder } from '../datasets/prompt-order.ts';
import { createGrader } from '../rewards/grader.ts';
import type { ExternalGraders } from '../rewards/grader.ts';
import { plantedAnswers } from '../rewards/planted-answers.ts';
import type { JobClock } from './generate-job.ts';
import { reportProgress } from './progress.ts';
import { sampleAndGrade } from './rollout-step.ts';
import { statisticsOf } from './rollouts.ts';
import { initialLoopState } from './loop-state.ts';
import type { WorkContext } from './serve-commands.ts';
import type { Grade, TrainingParts } from './training-parts.ts';

export type GradeCommand = Extract<TrainerCommand, { type: 'grade' }>;
export type PreflightCommand = Extract<TrainerCommand, { type: 'preflight' }>;

/** Answers graded together; between two such batches the process reads its messages. */
const answersAtOnce = 256;
/** Questions for which cheats are made: one of each kind for each. */
const plantedQuestions = 32;

/** Grades the answers in their order, then cheats where they are wanted. */
export async function gradeJob(
  command: GradeCommand,
  external: ExternalGraders,
  context: WorkContext & JobClock,
): Promise<void> {
  const answers = command.planted
    ? [...command.answers, ...cheatsFor(command.answers, command.reward)]
    : command.answers;
  await gradeAll(answers, command.reward, command.maxTokens, external, context);
}

/** Samples as the first steps would, grades what comes out, and cheats where they are wanted. */
export async function preflightJob(
  command: PreflightCommand,
  parts: TrainingParts,
  external: ExternalGraders,
  context: WorkContext & JobClock,
): Promise<void> {
  const { seed, budget, reward } = parts.config;
  if (reward === undefined || parts.spec.plan.samplesPerPrompt === 0) {
    throw userError(
      'reward-missing',
      'There is nothing to try: the method samples no answers or the experiment has no reward.',
      {
        where: 'reward',
        advice: 'Add a reward, or choose a method that learns from sampled answers.',
      },
    );
  }
  const asked = Math.min(command.questions, parts.train.length);
  const order = promptOrder({ seed, rows: parts.train.length, promptsPerStep: asked });
  const prompts = Array.from(order.promptsOf(1), (row) => parts.train[row]!);
  const statistics = statisticsOf(parts, initialLoopState(parts.identity));
  // Graded below, where the time of each component is taken.
  const ungraded: Grade = async (_split, answers) => answers.map(() => ({ total: 0, components: [] }));
  const { rollouts } = await sampleAndGrade({ ...parts, grade: ungraded }, prompts, 0, statistics);
  const answers = rollouts.answers.map((answer, place): BenchAnswer => {
    const prompt = rollouts.prompts[place]!;
    return {
      question: rollouts.groups[place]!,
      prompt: prompt.question,
      response: rollouts.texts[place]!.text,
      reference: prompt.reference,
      row: prompt.row,
      finish: answer.finish,
      tokens: answer.ids.length,
      planted: null,
    };
  });
  const all = command.planted ? [...answers, ...cheatsFor(answers, reward)] : answers;
  await gradeAll(all, reward, budget.maxTokens, external, context);
}

/** Cheats for the first questions, from one answer to each. */
function cheatsFor(answers: readonly BenchAnswer[], reward: RewardConfig): BenchAnswer[] {
  const first = new Map<number, BenchAnswer>();
  for (const answer of answers) {
    if (first.size >= plantedQuestions) break;
    if (!first.has(answer.question)) first.set(answer.question, answer);
  }
  return plantedAnswers([...first.values()], reward);
}

async function gradeAll(
  answers: readonly BenchAnswer[],
  reward: RewardConfig,
  maxTokens: number | null,
  external: ExternalGraders,
  context: WorkContext & JobClock,
): Promise<void> {
  const { emit, now, pause, stopRequested } = context;
  const started = now();
  const seconds = reward.components.map(() => 0);
  const grader = createGrader(reward, external, {
    now,
    onTime: (component, took) => (seconds[component]! += took),
  });
  const progress = reportProgress(context, 'training', answers.length, 'grading answers');
  let done = 0;
  for (; done < answers.length; done += answersAtOnce) {
    await pause();
    if (stopRequested()) break;
    const batch = answers.slice(done, done + answersAtOnce);
    const scores = await grader.grade(
      batch.map(({ prompt, response, reference, row, finish, tokens }) => ({
        prompt,
        response,
        reference,
        row,
        finish,
        tokens,
        maxTokens,
      })),
    );
    const graded = batch.map(({ row: _row, ...answer }, place): GradedAnswer => {
      const { total, masked, components } = scores[place]!;
      return { ...answer, total, masked: masked ?? false, components };
    });
    emit({ type: 'graded', answers: graded });
    progress(Math.min(done + answersAtOnce, answers.length));
  }
  emit({ type: 'grade-seconds', components: seconds });
  const rows = Math.min(done, answers.length);
  const status = rows === answers.length ? 'done' : 'stopped';
  emit({ type: 'job-end', status, rows, tokens: 0, seconds: (now() - started) / 1000 });
}
