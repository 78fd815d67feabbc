/** Supervised steps (SFT) through the code of a real run, on random tokens in the sizes of the training step. */
import { initialLoopState } from '../../training/loop-state.ts';
import { supervisedStep } from '../../training/supervised-step.ts';
import type { PreparedPrompt } from '../../training/training-parts.ts';
import { presetModel, randomIds } from './preset-model.ts';
import type { PresetName } from './presets.ts';
import { preset } from './presets.ts';
import { benchConfig, benchIdentity, stepParts } from './step-parts.ts';
import type { Measured } from './stopwatch.ts';
import { median, peakMemory, timed } from './stopwatch.ts';
import { benchOptimizer } from './train.ts';

const warmUp = 3;

/**
 * Times steps over sequences whose second half is the answer.
 * @returns `seconds` (median of a step), `tokensPerSecond` (prompt and answer), `memory`
 */
export async function measureSupervised(name: PresetName): Promise<Measured> {
  const { batch, length, steps } = preset(name).train;
  const model = await presetModel(name, undefined, true);
  const config = benchConfig(
    { estimator: 'sft', learningRate: benchOptimizer.learningRate },
    { promptsPerStep: batch, maxTokens: length, steps },
  );
  const parts = await stepParts(model, config, batch * length, {
    stopIds: [],
    decode: () => Promise.resolve([]),
    grade: null,
  });
  const rows = Array.from({ length: batch }, (_, index): PreparedPrompt => {
    const ids = randomIds(length, model.config.vocabularySize, index);
    return {
      index,
      row: {},
      question: '',
      prompt: '',
      promptIds: ids.slice(0, length / 2),
      reference: '',
      answerIds: ids.slice(length / 2),
    };
  });
  let state = initialLoopState(benchIdentity);
  const seconds: number[] = [];
  for (let index = -warmUp; index < steps; index++) {
    const taken = await timed(async () => {
      const outcome = await supervisedStep(parts, rows, state, benchOptimizer);
      state = { ...state, ...outcome.change, step: state.step + 1 };
    });
    if (index >= 0) seconds.push(taken);
  }
  return {
    seconds: median(seconds),
    tokensPerSecond: (batch * length) / median(seconds),
    memory: peakMemory(),
  };
}
