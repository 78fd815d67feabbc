/** Parts of a training run on the tabular policy: each question is a number, its right answer one letter and the end. */
import { spawnSandbox } from '../../helpers/spawn-sandbox.ts';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runConfigSchema } from '../../../src-main/contract/experiment.ts';
import type { RunConfig } from '../../../src-main/contract/experiment.ts';
import type { TrainerEvent } from '../../../src-main/contract/events.ts';
import type { RewardScore } from '../../../src-main/contract/reward.ts';
import { estimatorSpec } from '../../../src-main/estimators/index.ts';
import { gradeWith } from '../../../src-main/training/grade-with.ts';
import { configHash } from '../../../src-main/training/loop-state.ts';
import { externalGraders } from '../../../src-main/training/reward-graders.ts';
import type { Grade, PreparedPrompt, TrainingParts } from '../../../src-main/training/training-parts.ts';
import { TabularPolicy } from './tabular-policy.ts';

export const shape = { prompts: 6, vocabulary: 5 } as const;
const letters = ['', 'a', 'b', 'c', 'd'];

export function letterOf(prompt: number): number {
  return 1 + (prompt % (shape.vocabulary - 1));
}

export const prompts: readonly PreparedPrompt[] = Array.from({ length: shape.prompts }, (_, index) => ({
  index,
  row: {},
  question: `question ${index}`,
  prompt: `question ${index}`,
  promptIds: Int32Array.of(index),
  reference: letters[letterOf(index)]!,
  answerIds: Int32Array.of(letterOf(index), 0),
}));

export function exactReward(_split: string, prompt: PreparedPrompt, text: string): RewardScore {
  const value = text === prompt.reference ? 1 : 0;
  return {
    total: value,
    components: [{ name: 'exact', value, reason: value === 1 ? 'equal' : 'different' }],
  };
}

/** Grades one answer. */
export type RewardOne = (split: string, prompt: PreparedPrompt, text: string) => RewardScore;

function gradeEach(reward: RewardOne): Grade {
  return async (split, answers) => answers.map(({ prompt, text }) => reward(split, prompt, text));
}

export interface Changes {
  readonly method?: Record<string, unknown>;
  readonly budget?: Record<string, unknown>;
  readonly reward?: RewardOne | null | undefined;
  /** Reward of the configuration, graded by the real verifiers; comes before `reward`. */
  readonly rewardConfig?: Record<string, unknown>;
  readonly evaluation?: readonly PreparedPrompt[];
}

export function runConfig(changes: Changes = {}): RunConfig {
  return runConfigSchema.parse({
    version: 1,
    name: 'letters',
    model: { path: '/nowhere' },
    data: { path: '/nowhere.jsonl' },
    reward: changes.rewardConfig ?? { components: [{ kind: 'exact' }] },
    method: { estimator: 'rloo', groupSize: 8, learningRate: 0.1, ...changes.method },
    budget: {
      // These models know nothing yet: a run of them would be held back.
      preflight: 'off',
      steps: 40,
      promptsPerStep: 6,
      maxTokens: 3,
      evaluateEvery: 10,
      checkpointEvery: 10,
      ...changes.budget,
    },
    seed: 1,
  });
}

const noJudge = { ask: () => Promise.reject(new Error('no judge here')) };

function gradeOf({ reward, rewardConfig }: Changes, config: RunConfig): Grade | null {
  if (rewardConfig !== undefined && config.reward !== undefined)
    return gradeWith(
      config.reward,
      config.budget.maxTokens,
      externalGraders({ spawnSandbox, availableMemory: () => 4e9, judge: noJudge }, 1).external,
    );
  return reward === null ? null : gradeEach(reward ?? exactReward);
}

export interface TestRun {
  readonly parts: TrainingParts;
  readonly policy: TabularPolicy;
  readonly events: TrainerEvent[];
  /** Set to ask for a stop. */
  readonly control: { stop: boolean; onEvent: (event: TrainerEvent) => void };
}

export function makeRun(changes: Changes = {}, policy = new TabularPolicy(shape)): TestRun {
  const config = runConfig(changes);
  const events: TrainerEvent[] = [];
  const control = { stop: false, onEvent: (_event: TrainerEvent): void => {} };
  let clock = 0;
  const parts: TrainingParts = {
    config,
    spec: estimatorSpec(config.method, config.budget),
    train: prompts,
    evaluation: changes.evaluation ?? prompts,
    stopIds: [0],
    learner: policy,
    sampler: policy,
    decode: async (answers) =>
      answers.map(({ ids }) => ({ text: Array.from(ids, (id) => letters[id]).join('') })),
    grade: gradeOf(changes, config),
    identity: { config: configHash(config), model: 'm', data: 'd' },
    facts: {
      model: { family: 'tabular', parameters: policy.table.length, hash: 'm' },
      data: { trainRows: prompts.length, evaluationRows: prompts.length, droppedRows: 0, hash: 'd' },
      estimatedMemory: 0,
      device: 'cpu',
    },
    emit: (event) => {
      events.push(event);
      control.onEvent(event);
    },
    now: () => (clock += 10),
    memory: () => 1000,
    stopRequested: () => control.stop,
    pause: async () => {},
  };
  return { parts, policy, events, control };
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'espalier-training-'));
}

export function eventsOf<T extends TrainerEvent['type']>(
  events: readonly TrainerEvent[],
  type: T,
): Extract<TrainerEvent, { type: T }>[] {
  return events.filter((event): event is Extract<TrainerEvent, { type: T }> => event.type === type);
}
