/** Scoring texts of many lengths by a reward model, against bare forward passes of the same network over full rows. */
import type { ModelConfig } from '../../models/config.ts';
import { expectedTensors } from '../../models/expected-tensors.ts';
import { parameterGroups } from '../../networks/parameter-groups.ts';
import { initialiseWeights } from '../../runtime/load-weights.ts';
import { ParameterStore } from '../../runtime/parameter-store.ts';
import { bind, Session } from '../../runtime/session.ts';
import { GradientEngine } from '../../training/gradient-engine.ts';
import type { LearnerSequence } from '../../training/learner.ts';
import { buildRewardGraph, lastTokensOf } from '../../training/reward-graph.ts';
import { createRewardScorer } from '../../training/reward-learner.ts';
import { randomIds } from './preset-model.ts';
import type { PresetName } from './presets.ts';
import { preset, presetConfig } from './presets.ts';
import type { Measured } from './stopwatch.ts';
import { median, peakMemory, timed } from './stopwatch.ts';

const texts = 128;
const repeats = 9;
const warmUp = 2;

function textOf(ids: Int32Array): LearnerSequence {
  return { promptIds: ids.subarray(0, 1), answerIds: ids.subarray(1) };
}

/**
 * Times scoring and bare passes in turn, so that the machine's drift meets both.
 * @returns `tokensPerSecond` (of the texts, padding not counted), `forwardTokensPerSecond`, `share` (their ratio), `memory`
 */
export async function measureRewardModel(name: PresetName): Promise<Measured> {
  const config: ModelConfig = { ...presetConfig(name), rewardHead: true };
  const store = await ParameterStore.create(parameterGroups(expectedTensors(config)), false);
  initialiseWeights(store, config, 0);
  const { batch, length } = preset(name).train;
  const options = { config, store, microBatchTokens: batch * length };
  const scorer = await createRewardScorer(options);
  // A quarter of the longest to the longest.
  const mixed = Array.from({ length: texts }, (_, index) =>
    textOf(
      randomIds(
        Math.ceil((length * (texts + 3 * ((index * 37) % texts))) / (4 * texts)),
        config.vocabularySize,
        index,
      ),
    ),
  );
  const tokens = mixed.reduce((sum, { answerIds }) => sum + 1 + answerIds.length, 0);

  const engine = new GradientEngine(options);
  const { graph, scores } = buildRewardGraph(config);
  const session = await Session.create(graph, [scores]);
  const full = Array.from({ length: batch }, (_, row) =>
    textOf(randomIds(length, config.vocabularySize, row)),
  );
  const batches = engine.microBatches(full).map((micro) => lastTokensOf(micro.batch));
  const passes = Math.ceil(tokens / (batch * length));
  const forward = async (): Promise<void> => {
    for (let pass = 0; pass < passes; pass++) {
      for (const given of batches)
        await engine.forward(session, given, 1, {
          scores: bind(new Float32Array(given.scored), [given.scored, 1]),
        });
    }
  };

  const [scoring, bare]: [number[], number[]] = [[], []];
  for (let repeat = -warmUp; repeat < repeats; repeat++) {
    const ofForward = await timed(forward);
    const ofScoring = await timed(() => scorer.score(mixed));
    if (repeat < 0) continue;
    scoring.push(tokens / ofScoring);
    bare.push((passes * batch * length) / ofForward);
  }
  return {
    tokensPerSecond: median(scoring),
    forwardTokensPerSecond: median(bare),
    share: median(scoring) / median(bare),
    memory: peakMemory(),
  };
}
