/** One step of supervised learning: the right answers of the data set, end token included, each token weighed alike. */
import type { LoopState } from './loop-state.ts';
import type { OptimizerSettings } from './learner.ts';
import type { StepOutcome } from './rollout-step.ts';
import { supervisedMetrics } from './step-metrics.ts';
import type { PreparedPrompt, TrainingParts } from './training-parts.ts';
import { updatePolicy } from './update-policy.ts';

/** Learns from the answers of these rows. The temperature is 1: there is no sampling whose temperature it could match. */
export async function supervisedStep(
  parts: TrainingParts,
  rows: readonly PreparedPrompt[],
  state: LoopState,
  settings: OptimizerSettings,
): Promise<StepOutcome> {
  const started = parts.now();
  const sequences = rows.map((row) => {
    if (row.answerIds === null) throw new Error('supervised learning needs answers');
    return { promptIds: row.promptIds, answerIds: row.answerIds };
  });
  const update = await updatePolicy(
    parts,
    {
      sequences,
      groups: rows.map((_, place) => place),
      included: rows.map(() => true),
      advantages: sequences.map((sequence) => new Float32Array(sequence.answerIds.length).fill(1)),
      samplerLogprobs: null,
      oldLogprobs: null,
      referenceLogprobs: null,
    },
    state.step,
    settings,
    1,
  );
  return {
    metrics: supervisedMetrics(update, parts.spec.surrogate, parts.spec.kl, (parts.now() - started) / 1000),
    samples: [],
    applied: update.failed === 0,
    change: {
      movingAverage: state.movingAverage,
      samplerGap: state.samplerGap,
      answers: state.answers,
      generatedTokens: state.generatedTokens,
      generateSeconds: state.generateSeconds,
    },
  };
}
