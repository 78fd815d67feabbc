/**
 * The training loop: evaluate, step, save, until the last step or a request to stop. Its state is plain data in
 * every checkpoint, and everything else is a function of configuration and step, so that a run that was stopped
 * or killed goes on as if nothing had happened.
 */
import { promptOrder } from '../datasets/prompt-order.ts';
import type { PromptOrder } from '../datasets/prompt-order.ts';
import { needsReference } from '../contract/estimator.ts';
import type { EstimatorSpec } from '../contract/estimator.ts';
import { EspalierError, toErrorShape, userError } from '../contract/errors.ts';
import type { RunSummary } from '../contract/events.ts';
import {
  findCheckpoint,
  linkCheckpoint,
  removeUnfinished,
  resolveCheckpoint,
  writeCheckpoint,
} from './checkpoint.ts';
import { evaluate } from './evaluate.ts';
import type { EvaluationResult } from './evaluate.ts';
import { evaluateRewardModel } from './evaluate-reward-model.ts';
import { watchHealth } from './health.ts';
import { checkIdentity, initialLoopState, readLoopState, writeLoopState } from './loop-state.ts';
import type { LoopState } from './loop-state.ts';
import type { OptimizerSettings } from './learner.ts';
import { describePreflight, noSignal, preflight } from './preflight.ts';
import { onlinePreferenceStep, preferenceStep } from './preference-step.ts';
import { DatasetReference } from './reference-sums.ts';
import { rewardModelStep } from './reward-model-step.ts';
import type { RewardTrainingParts } from './reward-model-step.ts';
import { rolloutStep } from './rollout-step.ts';
import type { StepOutcome } from './rollout-step.ts';
import { statisticsOf } from './rollouts.ts';
import { learningRateAt } from './schedule.ts';
import { supervisedStep } from './supervised-step.ts';
import type { TrainingParts } from './training-parts.ts';

/** What can be trained: a language model, or a reward model. */
export type LoopedParts = TrainingParts | RewardTrainingParts;

export type TrainOutcome = 'done' | 'stopped' | 'failed';

/** The run ends as failed after this many steps in a row without a finite loss and gradient. */
export const failedUpdateLimit = 3;

/** Added to the root of the second moment in AdamW. */
const adamEps = 1e-8;

/**
 * Trains to the end, to a request to stop, or to an error; always ends with an `end` or a `failed` event.
 * @param runDirectory checkpoints are written below it
 * @param resumeFrom checkpoint folder to go on from, or null for a new run
 */
export async function trainLoop(
  parts: LoopedParts,
  runDirectory: string,
  resumeFrom: string | null,
): Promise<TrainOutcome> {
  const loop = new TrainLoop(parts, runDirectory);
  try {
    await loop.start(resumeFrom);
    const outcome = await loop.run();
    parts.emit({ type: 'end', status: outcome, summary: loop.summary() });
    return outcome;
  } catch (error) {
    parts.emit({ type: 'failed', error: toErrorShape(error), summary: loop.summary() });
    return 'failed';
  }
}

class TrainLoop {
  private readonly parts: LoopedParts;
  private readonly runDirectory: string;
  private readonly order: PromptOrder;
  private readonly work: Work;
  private state: LoopState;
  /** Seconds of earlier processes of this run, and when this one began. */
  private secondsBefore = 0;
  private readonly startedAt: number;
  /** State in the newest checkpoint; null before the first. */
  private saved: LoopState | null = null;

  constructor(parts: LoopedParts, runDirectory: string) {
    this.parts = parts;
    this.runDirectory = runDirectory;
    this.state = initialLoopState(parts.identity);
    const { seed, budget } = parts.config;
    this.order = promptOrder({ seed, rows: parts.train.length, promptsPerStep: budget.promptsPerStep });
    this.work = workOf(parts, this.order);
    this.startedAt = parts.now();
  }

  async start(resumeFrom: string | null): Promise<void> {
    const { parts } = this;
    const { learner, spec, emit, facts, identity } = parts;
    // Before weights are restored: the reference is the model that the run began with.
    if (!isRewardTraining(parts) && needsReference(spec)) parts.learner.keepReference();
    await removeUnfinished(this.runDirectory);
    if (resumeFrom !== null) {
      const folder = await resolveCheckpoint(resumeFrom);
      const saved = await readLoopState(folder);
      checkIdentity(saved.identity, identity, folder);
      await learner.restore(folder);
      await this.parts.critic?.restore(folder);
      this.state = { ...saved, failedUpdates: 0 };
      this.secondsBefore = saved.seconds;
      this.saved = this.state;
    }
    emit({ type: 'ready', ...facts, fromStep: this.state.step });
    if (resumeFrom !== null) await this.completeBest();
  }

  async run(): Promise<'done' | 'stopped'> {
    const { config, emit, stopRequested, pause } = this.parts;
    const { steps, checkpointEvery } = config.budget;
    if (!(await this.preflight())) return 'stopped';
    emit({ type: 'phase', phase: 'training' });
    for (;;) {
      const improved = (await this.orSave(() => this.evaluateIfDue())) === 'improved';
      const finished = this.state.step >= steps;
      await pause();
      const stopping = stopRequested();
      if (stopping && !finished) emit({ type: 'phase', phase: 'stopping' });
      // The folder of the start is written only where a stop or the best score asks for it.
      const due = this.state.step > 0 && this.state.step % checkpointEvery === 0;
      if (improved || finished || stopping || due) await this.save(improved);
      if (finished) return 'done';
      if (stopping) return 'stopped';
      await this.orSave(() => this.stepUnlessStopped());
    }
  }

  /** Whether the run may begin; a new run of sampled answers is tried out first. */
  private async preflight(): Promise<boolean> {
    const { parts, state } = this;
    const { budget } = parts.config;
    const fresh = state.step === 0 && state.evaluatedStep < 0;
    if (
      !fresh ||
      budget.preflight === 'off' ||
      isRewardTraining(parts) ||
      parts.grade === null ||
      parts.spec.plan.samplesPerPrompt === 0
    )
      return true;
    parts.emit({ type: 'phase', phase: 'preflight' });
    const found = await preflight(parts, statisticsOf(parts, state), (step) =>
      rowsOfStep(parts, this.order, step),
    );
    if (found === null) return false;
    if (found.signal === 0 && budget.preflight === 'block') throw noSignal(found);
    parts.emit({
      type: 'log',
      level: found.signal === 0 ? 'warning' : 'info',
      message: describePreflight(found),
    });
    return true;
  }

  /** Totals so far; also handed out with an error. */
  summary(): RunSummary {
    const { before, after, best, step, answers, generatedTokens, generateSeconds } = this.state;
    return {
      before,
      after,
      best: best?.score ?? null,
      bestStep: best?.step ?? null,
      steps: step,
      answers,
      generatedTokens,
      seconds: this.seconds(),
      generatedTokensPerSecond: generateSeconds > 0 ? generatedTokens / generateSeconds : 0,
      peakMemory: Math.max(this.state.peakMemory, this.parts.memory()),
    };
  }

  private seconds(): number {
    return this.secondsBefore + Math.max(0, this.parts.now() - this.startedAt) / 1000;
  }

  private async evaluateIfDue(): Promise<'improved' | 'evaluated' | 'not due'> {
    const { evaluation, config, emit } = this.parts;
    const { step } = this.state;
    const due = step % config.budget.evaluateEvery === 0 || step >= config.budget.steps;
    if (evaluation.length === 0 || !due || this.state.evaluatedStep === step) return 'not due';
    emit({ type: 'phase', phase: 'evaluating' });
    const result = await this.work.evaluate(this.state);
    // Stopped meanwhile: asked again when the run goes on.
    if (result === null) return 'not due';
    const { score, components, count, seconds, samples, statistics } = result;
    if (samples.length > 0) emit({ type: 'samples', step, samples: [...samples] });
    emit({ type: 'evaluation', step, score, components: { ...components }, count, seconds });
    emit({ type: 'phase', phase: 'training' });
    const improved = this.state.best === null || score > this.state.best.score;
    this.state = {
      ...this.state,
      evaluatedStep: step,
      evaluationStatistics: [...(statistics ?? [])],
      before: this.state.before ?? score,
      after: score,
      best: improved ? { step, score } : this.state.best,
    };
    return improved ? 'improved' : 'evaluated';
  }

  /** A grader that fails ends the run before anything was learnt from the step: it can go on from here once mended. */
  private async orSave<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const mendable =
        error instanceof EspalierError && (error.code === 'not-gradable' || error.code.startsWith('judge-'));
      if (mendable && (this.state.step > 0 || error.code === 'not-gradable')) await this.save(false);
      throw error;
    }
  }

  /** A stop while a judge is waited for gives the step up: it is done again, with the same answers, when the run goes on. */
  private async stepUnlessStopped(): Promise<void> {
    try {
      await this.step();
    } catch (error) {
      const stopped = error instanceof EspalierError && error.kind === 'cancelled';
      if (!stopped || !this.parts.stopRequested()) throw error;
    }
  }

  private async step(): Promise<void> {
    const { parts, state } = this;
    const { method, budget } = parts.config;
    const learningRate = learningRateAt(
      {
        kind: method.schedule,
        peak: method.learningRate,
        warmupSteps: method.warmupSteps,
        steps: budget.steps,
      },
      state.step,
    );
    const settings = {
      learningRate,
      beta1: method.beta1,
      beta2: method.beta2,
      eps: adamEps,
      weightDecay: method.weightDecay,
      clipNorm: method.clipNorm,
    };
    const started = parts.now();
    const outcome = await this.work.step(state, settings);
    const step = state.step + 1;
    const memory = parts.memory();
    const metrics = {
      ...outcome.metrics,
      ...parts.graderMetrics?.(),
      learningRate,
      secondsStep: (parts.now() - started) / 1000,
      memoryResident: memory,
    };
    if (outcome.samples.length > 0) parts.emit({ type: 'samples', step, samples: [...outcome.samples] });
    const told = finiteOnly(metrics);
    parts.emit({ type: 'step', step, metrics: told });
    const health = watchHealth(state.health, step, told);
    for (const message of health.warnings) parts.emit({ type: 'log', level: 'warning', message });
    this.state = {
      ...state,
      ...outcome.change,
      step,
      health: health.state,
      failedUpdates: outcome.applied ? 0 : state.failedUpdates + 1,
      peakMemory: Math.max(state.peakMemory, memory),
    };
    if (!outcome.applied) this.reportFailedUpdate();
  }

  private reportFailedUpdate(): void {
    const { step, failedUpdates } = this.state;
    const message = `Step ${step}: loss or gradient was not a finite number, so its update was left out and the weights stay as they were (${failedUpdates} of ${failedUpdateLimit} in a row before the run ends).`;
    this.parts.emit({ type: 'log', level: 'warning', message });
    if (failedUpdates < failedUpdateLimit) return;
    throw userError(
      'training-diverged',
      `Training ended at step ${step}: loss or gradient was not finite in ${failedUpdateLimit} steps in a row.`,
      {
        where: 'method.learningRate',
        advice:
          this.saved === null
            ? 'Start again with a lower learning rate, a longer warm-up or a smaller clipNorm.'
            : `The checkpoint of step ${this.saved.step} is kept. Start again with a lower learning rate, a longer warm-up or a smaller clipNorm.`,
      },
    );
  }

  private async save(improved: boolean): Promise<void> {
    const { emit, learner, critic, config } = this.parts;
    const { step, best } = this.state;
    // A stop right after a save, or a run resumed at its end: the newest folder already holds this state.
    if (this.saved === this.state) return;
    emit({ type: 'phase', phase: 'saving' });
    const state = { ...this.state, seconds: this.seconds() };
    const last = await writeCheckpoint(this.runDirectory, 'last', step, async (directory) => {
      await learner.save(directory);
      await critic?.save(directory);
      await writeLoopState(directory, state);
    });
    this.saved = this.state;
    const score = this.state.evaluatedStep === step ? this.state.after : null;
    emit({ type: 'checkpoint', step, role: 'last', path: last, score });
    if (improved && best !== null) await this.linkBest(last, best);
    if (step < config.budget.steps) emit({ type: 'phase', phase: 'training' });
  }

  private async linkBest(last: string, best: { step: number; score: number }): Promise<void> {
    const path = await linkCheckpoint(this.runDirectory, last, 'best', best.step);
    this.parts.emit({ type: 'checkpoint', step: best.step, role: 'best', path, score: best.score });
  }

  /** A process that was killed between writing a checkpoint and naming it the best left the second undone. */
  private async completeBest(): Promise<void> {
    const { best, step } = this.state;
    if (best === null || best.step !== step) return;
    const last = await findCheckpoint(this.runDirectory, 'last', step);
    if (last !== null && (await findCheckpoint(this.runDirectory, 'best', step)) === null)
      await this.linkBest(last, best);
  }
}

function isRewardTraining(parts: LoopedParts): parts is RewardTrainingParts {
  return 'rewardModel' in parts;
}

/** What differs between the things that are trained. */
interface Work {
  evaluate(state: LoopState): Promise<EvaluationResult | null>;
  step(state: LoopState, settings: OptimizerSettings): Promise<StepOutcome>;
}

function workOf(parts: LoopedParts, order: PromptOrder): Work {
  if (isRewardTraining(parts)) {
    return {
      evaluate: () => evaluateRewardModel(parts),
      step: (state, settings) =>
        rewardModelStep(parts, rowsOfStep(parts, order, state.step), state, settings),
    };
  }
  const { learner, train, config, spec } = parts;
  // Asked by methods that learn from preferences in the data.
  const reference = new DatasetReference(learner, train, order, config.budget.promptsPerStep);
  const step = stepOf(spec, reference);
  return {
    evaluate: ({ evaluationStatistics }) => evaluate(parts, reference, evaluationStatistics),
    step: (state, settings) => step(parts, rowsOfStep(parts, order, state.step), state, settings),
  };
}

/** @param step from 0 */
function rowsOfStep<Row>(
  { train }: { readonly train: readonly Row[] },
  order: PromptOrder,
  step: number,
): Row[] {
  return Array.from(order.promptsOf(step + 1), (row) => train[row]!);
}

/** How a step is done: by what the method learns from. */
function stepOf({ plan, preference }: EstimatorSpec, reference: DatasetReference): typeof rolloutStep {
  if (plan.samplesPerPrompt > 0) return preference === undefined ? rolloutStep : onlinePreferenceStep;
  if (preference === undefined) return supervisedStep;
  return (parts, rows, state, settings) => preferenceStep(parts, rows, state, settings, reference);
}

/** Metrics that are numbers: a mean over nothing, or the loss of a step that was left out, is not reported. */
function finiteOnly(metrics: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}
