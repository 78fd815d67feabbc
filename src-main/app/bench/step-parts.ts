/** What a whole step of learning works with, put together for a benchmark: real engine, no files, nothing emitted. */
import type { RunConfig } from '../../contract/experiment.ts';
import { runConfigSchema } from '../../contract/experiment.ts';
import { estimatorSpec } from '../../estimators/index.ts';
import { createSampler } from '../../rollout/create-sampler.ts';
import { createCriticStore, initialiseWeights } from '../../runtime/load-weights.ts';
import { createCritic } from '../../training/compiled-critic.ts';
import { createLearner } from '../../training/compiled-learner.ts';
import type { Critic } from '../../training/critic.ts';
import type { TrainingParts } from '../../training/training-parts.ts';
import type { PresetModel } from './preset-model.ts';

/** The parts that a measurement chooses itself. */
export type ChosenParts = Pick<TrainingParts, 'stopIds' | 'decode' | 'grade'>;

/** The configuration of a benchmark's run: an experiment's own defaults but for what is given. */
export function benchConfig(
  method: Partial<RunConfig['method']>,
  budget: Partial<RunConfig['budget']>,
): RunConfig {
  return runConfigSchema.parse({
    version: 1,
    name: 'Benchmark',
    model: { path: 'benchmark' },
    data: { path: 'benchmark' },
    method,
    budget,
    seed: 0,
  });
}

/**
 * Compiles learner and sampler over the weights, and a critic with random weights where the method has one of its own.
 * @param microBatchTokens most tokens, padding included, of one forward and backward pass
 */
export async function stepParts(
  model: PresetModel,
  config: RunConfig,
  microBatchTokens: number,
  chosen: ChosenParts,
): Promise<TrainingParts> {
  const learner = await createLearner({
    config: model.config,
    store: model.store,
    microBatchTokens,
    sourceFolder: '',
  });
  const spec = estimatorSpec(config.method, config.budget);
  // Every method writes as many answers at a time: those of a step, whether they are answers or continuations.
  const places = config.budget.promptsPerStep * spec.plan.samplesPerPrompt;
  const sampler = await createSampler({ config: model.config, weights: model.store, places });
  return {
    config,
    spec,
    critic: spec.critic?.network === 'own' ? await randomCritic(model, microBatchTokens) : null,
    train: [],
    evaluation: [],
    learner,
    sampler,
    ...chosen,
    identity: benchIdentity,
    facts: {
      model: { family: model.config.architecture, parameters: 0, hash: '' },
      data: { trainRows: 0, evaluationRows: 0, droppedRows: 0, hash: '' },
      estimatedMemory: 0,
      device: 'cpu',
    },
    emit: () => {},
    now: () => performance.now(),
    memory: () => process.memoryUsage.rss(),
    stopRequested: () => false,
    pause: () => Promise.resolve(),
  };
}

async function randomCritic({ config }: PresetModel, microBatchTokens: number): Promise<Critic> {
  const store = await createCriticStore(config);
  initialiseWeights(store, config, 1);
  return createCritic({ config, store, microBatchTokens });
}

/** A benchmark is never resumed. */
export const benchIdentity = { config: '', model: '', data: '' } as const;
