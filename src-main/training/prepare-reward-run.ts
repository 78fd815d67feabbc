/** From the configuration of a run that trains a reward model to everything that its loop works with. */
import { availableParallelism } from 'node:os';
import { userError } from '../contract/errors.ts';
import type { RewardModelSpec } from '../contract/estimator.ts';
import type { RunConfig } from '../contract/experiment.ts';
import { randomStream } from '../contract/random.ts';
import { estimatorSpec } from '../estimators/index.ts';
import type { Checkpoint } from '../models/checkpoint.ts';
import type { ModelConfig } from '../models/config.ts';
import { expectedTensors, parameterCount, rewardHeadName } from '../models/expected-tensors.ts';
import { openCheckpoint } from '../models/open-checkpoint.ts';
import { readModelConfig } from '../models/read-config.ts';
import { readTensor } from '../models/read-tensor.ts';
import { loadTokenizer } from '../models/tokenizer.ts';
import { parameterGroups } from '../networks/parameter-groups.ts';
import { initialiseWeights } from '../runtime/load-weights.ts';
import {
  chooseMicroBatchTokens,
  estimateRewardTrainingMemory,
  totalBytes,
} from '../runtime/memory-estimate.ts';
import type { MemoryPart } from '../runtime/memory-estimate.ts';
import { ParameterStore } from '../runtime/parameter-store.ts';
import { configHash } from './loop-state.ts';
import { checkMemory, hashesOf } from './prepare-run.ts';
import type { RunSurroundings } from './prepare-run.ts';
import { prepareRewardPairs } from './prepare-reward-pairs.ts';
import type { PreparedRewardPairs } from './prepare-reward-pairs.ts';
import { createRewardLearner } from './reward-learner.ts';
import { rewardModelConfig } from './reward-model-state.ts';
import type { RewardTrainingParts } from './reward-model-step.ts';
import { openRewardText } from './reward-text.ts';

/** First number of the random stream of a new head, apart from those of the other tensors, which count from 0. */
const headStream = 0x68656164;

/** Everything known about a run before its weights are loaded. */
export interface RewardRunPlan {
  readonly config: RunConfig;
  readonly rewardModel: RewardModelSpec;
  /** Configuration of the reward model that is trained, also where the folder holds a language model. */
  readonly model: ModelConfig;
  readonly rawConfig: Readonly<Record<string, unknown>>;
  /** Null where weights are drawn at random. */
  readonly checkpoint: Checkpoint | null;
  readonly pairs: PreparedRewardPairs;
  readonly microBatchTokens: number;
  readonly memory: readonly MemoryPart[];
}

export interface PreparedRewardRun {
  readonly parts: RewardTrainingParts;
  dispose(): Promise<void>;
}

/** Whether an experiment trains a reward model instead of a language model. */
export function trainsRewardModel({ method }: Pick<RunConfig, 'method'>): boolean {
  return method.estimator === 'reward-model';
}

/**
 * Checks a configuration against model, data and memory; loads no weights.
 * @throws user errors of every part; `reward-unused`; environment error `memory-too-small`
 */
export async function planRewardRun(config: RunConfig, availableMemory: number): Promise<RewardRunPlan> {
  const { rewardModel } = estimatorSpec(config.method, config.budget);
  if (rewardModel === undefined) throw new Error('internal: a method that trains no reward model');
  if (config.reward !== undefined) {
    throw userError(
      'reward-unused',
      'The experiment trains a reward model from pairs; a reward has no use in it.',
      {
        where: 'reward',
        advice: 'Leave the reward out.',
      },
    );
  }
  const folder = config.model.path;
  const checkpoint = config.model.init === 'random' ? null : await openCheckpoint(folder);
  const read = checkpoint
    ? { config: checkpoint.config, raw: checkpoint.rawConfig }
    : await readModelConfig(folder);
  const tokenizer = await loadTokenizer(folder);
  const usable = [read.config.padId, tokenizer.padId, tokenizer.eosId, read.config.eosIds[0]];
  const padId = usable.find((id) => id != null && id < read.config.vocabularySize) ?? null;
  const model: ModelConfig = { ...read.config, padId, rewardHead: true };
  const text = await openRewardText(folder, model, tokenizer, config.model.chat);
  const pairs = await prepareRewardPairs(config, text, model.maxPositions);
  // Both texts of a pair are computed together.
  const longestPair = 2 * pairs.longest;
  const microBatchTokens =
    config.budget.microBatchTokens ?? chooseMicroBatchTokens(model, longestPair, availableMemory);
  const memory = estimateRewardTrainingMemory(model, {
    microBatchTokens,
    longest: pairs.longest,
    pairs: config.budget.promptsPerStep,
    headOnly: rewardModel.headOnly,
  });
  checkMemory(memory, availableMemory);
  const rawConfig = rewardModelConfig(read.raw, model);
  return { config, rewardModel, model, rawConfig, checkpoint, pairs, microBatchTokens, memory };
}

/**
 * Loads weights and compiles what the run needs.
 * @throws as `planRewardRun`; `weights-damaged`
 */
export async function prepareRewardRun(
  config: RunConfig,
  surroundings: RunSurroundings,
): Promise<PreparedRewardRun> {
  const { emit } = surroundings;
  emit({ type: 'phase', phase: 'loading' });
  const plan = await planRewardRun(config, surroundings.availableMemory());
  const { model, pairs, rewardModel } = plan;
  for (const message of pairs.warnings) emit({ type: 'log', level: 'warning', message });
  const stores = await createStores(model, rewardModel.headOnly);
  await fillStores(stores, plan);
  const hashes = await hashesOf(config);
  emit({ type: 'phase', phase: 'compiling' });
  const learner = await createRewardLearner({
    config: model,
    ...stores,
    microBatchTokens: plan.microBatchTokens,
    sourceFolder: config.model.path,
    rawConfig: plan.rawConfig,
  });
  const parts: RewardTrainingParts = {
    config,
    spec: estimatorSpec(config.method, config.budget),
    rewardModel,
    train: pairs.train,
    evaluation: pairs.evaluation,
    learner,
    identity: { config: configHash(config), model: hashes.model, data: hashes.data },
    facts: {
      model: { family: model.architecture, parameters: parameterCount(model), hash: hashes.model },
      data: {
        trainRows: pairs.train.length,
        evaluationRows: pairs.evaluation.length,
        droppedRows: pairs.dropped,
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
  return { parts, dispose: () => learner.dispose() };
}

/** What is trained, and what is only read. */
interface Stores {
  readonly store: ParameterStore;
  readonly frozen?: ParameterStore;
}

async function createStores(model: ModelConfig, headOnly: boolean): Promise<Stores> {
  const groups = parameterGroups(expectedTensors(model));
  if (!headOnly) return { store: await ParameterStore.create(groups, true) };
  const isHead = (group: (typeof groups)[number]): boolean => group[0]?.name === rewardHeadName;
  return {
    store: await ParameterStore.create(groups.filter(isHead), true),
    frozen: await ParameterStore.create(
      groups.filter((group) => !isHead(group)),
      false,
    ),
  };
}

/** Weights of the folder, or drawn from the seed; a folder without a head gets one drawn from the seed. */
async function fillStores({ store, frozen }: Stores, plan: RewardRunPlan): Promise<void> {
  const { checkpoint, model, config } = plan;
  const stores = frozen ? [store, frozen] : [store];
  if (checkpoint === null) for (const each of stores) initialiseWeights(each, model, config.seed);
  else {
    for (const each of stores) {
      for (const { name } of each.parameters) {
        const stored = checkpoint.tensors.get(name);
        if (stored) await readTensor(stored, each.weights(name));
        else if (name !== rewardHeadName) throw new Error(`internal: checkpoint without ${name}`);
      }
    }
  }
  if (checkpoint?.config.rewardHead) return;
  const random = randomStream([config.seed, headStream]);
  const head = store.weights(rewardHeadName);
  for (let index = 0; index < head.length; index++)
    head[index] = random.normal(index) * model.initializerRange;
}
