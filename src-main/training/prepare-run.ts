/**
 * From the configuration of a run to everything that its loop works with. All that can be wrong with model,
 * data or settings is found here, before weights are loaded and before anything is written.
 */
import { availableParallelism } from 'node:os';
import { EspalierError, userError } from '../contract/errors.ts';
import { needsReference } from '../contract/estimator.ts';
import type { EstimatorSpec } from '../contract/estimator.ts';
import type { TrainerEvent } from '../contract/events.ts';
import type { RunConfig } from '../contract/experiment.ts';
import { dataHash } from '../datasets/data-hash.ts';
import { estimatorSpec, sampledTogether } from '../estimators/index.ts';
import type { Checkpoint } from '../models/checkpoint.ts';
import type { ModelConfig } from '../models/config.ts';
import { modelHash } from '../models/model-hash.ts';
import { parameterCount } from '../models/expected-tensors.ts';
import { openCheckpoint } from '../models/open-checkpoint.ts';
import { readModelConfig } from '../models/read-config.ts';
import { requireLanguageModel } from '../models/use.ts';
import type { SpawnSandbox } from '../rewards/sandbox/child.ts';
import { createSampler } from '../rollout/create-sampler.ts';
import {
  createCriticStore,
  createParameterStore,
  initialiseWeights,
  loadWeights,
} from '../runtime/load-weights.ts';
import { chooseMicroBatchTokens, estimateTrainingMemory, totalBytes } from '../runtime/memory-estimate.ts';
import type { MemoryPart } from '../runtime/memory-estimate.ts';
import type { ParameterStore } from '../runtime/parameter-store.ts';
import { createCritic } from './compiled-critic.ts';
import { createLearner } from './compiled-learner.ts';
import { gradeWith } from './grade-with.ts';
import type { MeasuringLearner } from './learner.ts';
import { judgeMetrics } from './judge-link.ts';
import type { JudgeLink } from './judge-link.ts';
import { configHash } from './loop-state.ts';
import { preparePrompts } from './prepare-prompts.ts';
import type { PreparedPrompts } from './prepare-prompts.ts';
import { openText } from './prepare-text.ts';
import type { OpenedText } from './prepare-text.ts';
import type { ExternalGraders } from '../rewards/grader.ts';
import { externalGraders } from './reward-graders.ts';
import { rewardModelMemory } from './reward-model-grader.ts';
import type { TrainingParts } from './training-parts.ts';

/** What the process gives to a run. */
export interface RunSurroundings {
  readonly emit: (event: TrainerEvent) => void;
  readonly now: () => number;
  readonly memory: () => number;
  /** Bytes that a new process could take without swapping. */
  readonly availableMemory: () => number;
  /** Starts the process in which users' patterns, schemas and code run. */
  readonly spawnSandbox: SpawnSandbox;
  readonly stopRequested: () => boolean;
  readonly pause: () => Promise<void>;
  readonly judge: Pick<JudgeLink, 'ask' | 'takeCounts'>;
}

/** Everything known about a run before its weights are loaded. */
export interface RunPlan {
  readonly config: RunConfig;
  readonly spec: EstimatorSpec;
  readonly model: ModelConfig;
  /** Null where weights are drawn at random. */
  readonly checkpoint: Checkpoint | null;
  readonly text: OpenedText;
  readonly prompts: PreparedPrompts;
  readonly microBatchTokens: number;
  readonly memory: readonly MemoryPart[];
  readonly warnings: readonly string[];
}

export interface PreparedRun {
  readonly parts: TrainingParts;
  /** The learner of `parts` and its weights, for measurements of gradients. */
  readonly learner: MeasuringLearner;
  readonly store: ParameterStore;
  /** What the run's reward needs beside the answers. */
  readonly external: ExternalGraders;
  dispose(): Promise<void>;
}

/**
 * Checks a configuration against model, data and memory; loads no weights.
 * @throws user errors of every part; environment error `memory-too-small`
 */
export async function planRun(config: RunConfig, availableMemory: number): Promise<RunPlan> {
  const spec = estimatorSpec(config.method, config.budget);
  if (spec.rewardModel !== undefined) {
    throw userError('method-trains-reward-model', 'The method reward-model trains no language model.', {
      where: 'method.estimator',
      advice: 'Choose a method that learns from rewards.',
    });
  }
  const fromData = spec.plan.samplesPerPrompt === 0;
  const learnsAnswers = fromData && spec.preference === undefined;
  if (!fromData && config.reward === undefined) {
    throw userError('reward-missing', 'The method learns from rewards, but the experiment has none.', {
      where: 'reward',
      advice:
        'Add a reward with at least one component, or use a method that learns from data, such as sft or dpo.',
    });
  }
  const { preference } = spec;
  const folder = config.model.path;
  const checkpoint = config.model.init === 'random' ? null : await openCheckpoint(folder);
  const model = checkpoint?.config ?? (await readModelConfig(folder)).config;
  requireLanguageModel(model, folder);
  const text = await openText(folder, model, config.model.chat);
  const prompts = await preparePrompts(
    config,
    { learnsAnswers, ...(fromData && preference ? { pairs: { single: preference.loss === 'kto' } } : {}) },
    text,
  );
  const longest = Math.max(prompts.longestSequence, prompts.longestPrompt + config.budget.maxTokens);
  const microBatchTokens =
    config.budget.microBatchTokens ??
    chooseMicroBatchTokens(model, longest * (preference ? 2 : 1), availableMemory);
  const memory = estimateTrainingMemory(model, {
    microBatchTokens,
    longest,
    sequences: config.budget.promptsPerStep * Math.max(preference ? 2 : 1, spec.plan.samplesPerPrompt),
    sampledTogether: fromData && config.reward === undefined ? 0 : answersAtOnce(config, spec),
    reference: needsReference(spec),
    critic: spec.critic?.network === 'own',
    entropyBonus: spec.surrogate.entropyBonus !== undefined,
  }).concat(await rewardModelMemory(config.reward, availableMemory));
  checkMemory(memory, availableMemory);
  const warnings = [...prompts.warnings];
  if (text.stopIds.length === 0) {
    warnings.push(
      `The model has no token that ends an answer: every answer runs to ${config.budget.maxTokens} tokens.`,
    );
  }
  return { config, spec, model, checkpoint, text, prompts, microBatchTokens, memory, warnings };
}

/**
 * Loads weights and compiles what the run needs.
 * @throws as `planRun`; `weights-damaged`
 */
export async function prepareRun(config: RunConfig, surroundings: RunSurroundings): Promise<PreparedRun> {
  const { emit } = surroundings;
  emit({ type: 'phase', phase: 'loading' });
  const plan = await planRun(config, surroundings.availableMemory());
  for (const message of plan.warnings) emit({ type: 'log', level: 'warning', message });
  const { model, checkpoint, text, prompts, spec } = plan;
  const graders = externalGraders(surroundings, config.seed);
  if (config.reward !== undefined) await graders.load(config.reward);
  const load = async (store: ParameterStore): Promise<void> => {
    if (checkpoint === null) initialiseWeights(store, model, config.seed);
    else await loadWeights(store, checkpoint);
  };
  const valueHead = spec.critic?.network === 'head';
  const store = await createParameterStore(model, true, valueHead);
  await load(store);
  const criticStore = spec.critic?.network === 'own' ? await createCriticStore(model) : null;
  if (criticStore) await load(criticStore);
  const hashes = await hashesOf(config);
  emit({ type: 'phase', phase: 'compiling' });
  const learner = await createLearner({
    config: model,
    store,
    microBatchTokens: plan.microBatchTokens,
    sourceFolder: config.model.path,
    valueHead,
  });
  const critic = criticStore
    ? await createCritic({ config: model, store: criticStore, microBatchTokens: plan.microBatchTokens })
    : null;
  const sampler = await createSampler({ config: model, weights: store });
  const parts: TrainingParts = {
    config,
    spec,
    train: prompts.train,
    evaluation: prompts.evaluation,
    stopIds: text.stopIds,
    learner,
    critic,
    sampler,
    decode: (answers) => text.decode(answers),
    grade:
      config.reward === undefined
        ? null
        : gradeWith(config.reward, config.budget.maxTokens, graders.external),
    graderMetrics: () => judgeMetrics(surroundings.judge.takeCounts()),
    identity: { config: configHash(config), model: hashes.model, data: hashes.data },
    facts: {
      model: { family: model.architecture, parameters: parameterCount(model), hash: hashes.model },
      data: {
        trainRows: prompts.train.length,
        evaluationRows: prompts.evaluation.length,
        droppedRows: prompts.dropped,
        hash: hashes.data,
      },
      estimatedMemory: totalBytes(plan.memory),
      device: `cpu (${availableParallelism()} threads)`,
    },
    emit,
    now: surroundings.now,
    memory: surroundings.memory,
    stopRequested: surroundings.stopRequested,
    pause: surroundings.pause,
  };
  return {
    parts,
    learner,
    store,
    external: graders.external,
    async dispose() {
      await graders.dispose();
      await sampler.dispose();
      await critic?.dispose();
      await learner.dispose();
    },
  };
}

function answersAtOnce(config: RunConfig, spec: EstimatorSpec): number {
  return Math.max(sampledTogether(spec.plan, config.budget.promptsPerStep), config.data.evaluationLimit);
}

/** @throws environment error `memory-too-small` that names the largest part */
export function checkMemory(parts: readonly MemoryPart[], available: number): void {
  const needed = totalBytes(parts);
  if (needed <= available) return;
  const [largest] = [...parts].sort((a, b) => b.bytes - a.bytes);
  throw new EspalierError(
    'environment',
    'memory-too-small',
    `The run needs about ${gigabytes(needed)} of memory, but only ${gigabytes(available)} are free. Its largest part: ${largest?.name ?? 'none'}, ${gigabytes(largest?.bytes ?? 0)}.`,
    {
      advice:
        largest?.name === 'activations'
          ? 'Lower budget.microBatchTokens, budget.maxTokens or budget.maxPromptTokens, or close other programs.'
          : 'Use a smaller model, or close other programs.',
    },
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Hashes of the contents of the model folder and of the data files. */
export async function hashesOf({ model, data }: RunConfig): Promise<{ model: string; data: string }> {
  return {
    model: await modelHash(model.path),
    data: await dataHash([data.path, ...(data.evaluation === undefined ? [] : [data.evaluation])]),
  };
}
