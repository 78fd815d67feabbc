/** Continuations from places inside answers (VinePPO, TRePO) beside plain answers: tokens a second on the same batch width. */
import type { SampleRequest, Sampler } from '../../rollout/sampler.ts';
import { createSampler } from '../../rollout/create-sampler.ts';
import { presetModel, randomIds } from './preset-model.ts';
import type { PresetName } from './presets.ts';
import { preset } from './presets.ts';
import type { Measured } from './stopwatch.ts';
import { median, peakMemory, timed } from './stopwatch.ts';

const looks = 4;
const continuations = 4;
const warmUp = 1;

/**
 * Times answers that do not end early, and continuations of them from four places each, in turns.
 * @returns `plainTokensPerSecond`, `tokensPerSecond` of continuations, `share` of the second in the first (median of
 *   the pairs), `memory`
 */
export async function measureContinuations(name: PresetName, folder: string | undefined): Promise<Measured> {
  const { config, store } = await presetModel(name, folder, false);
  const shape = preset(name).sample;
  const sampler = await createSampler({ config, weights: store, places: shape.batch });
  const prompts = Array.from({ length: shape.batch }, (_, row) =>
    randomIds(shape.prompt + shape.answer, config.vocabularySize, row),
  );
  const plain: SampleRequest[] = prompts.map((ids, row) => ({
    promptIds: ids.subarray(0, shape.prompt),
    stream: [0, row],
  }));
  const ahead = prompts.flatMap((ids, row) =>
    Array.from({ length: looks * continuations }, (_, index): SampleRequest => {
      const position = Math.floor(index / continuations) * (shape.answer / looks);
      return {
        promptIds: ids.subarray(0, shape.prompt + position),
        stream: [1, row, index],
        maxTokens: shape.answer - position,
      };
    }),
  );
  const rates: { plain: number; ahead: number }[] = [];
  for (let repeat = -warmUp; repeat < Math.min(5, shape.repeats); repeat++) {
    const pair = {
      plain: await tokensPerSecond(sampler, plain, shape.answer),
      ahead: await tokensPerSecond(sampler, ahead, shape.answer),
    };
    if (repeat >= 0) rates.push(pair);
  }
  await sampler.dispose();
  return {
    plainTokensPerSecond: median(rates.map((rate) => rate.plain)),
    tokensPerSecond: median(rates.map((rate) => rate.ahead)),
    share: median(rates.map((rate) => rate.ahead / rate.plain)),
    memory: peakMemory(),
  };
}

async function tokensPerSecond(
  sampler: Sampler,
  requests: readonly SampleRequest[],
  maxTokens: number,
): Promise<number> {
  let tokens = 0;
  const seconds = await timed(async () => {
    const answers = await sampler.generate(requests, {
      maxTokens,
      temperature: 1,
      topP: 1,
      topK: 0,
      stopIds: [],
    });
    tokens = answers.reduce((sum, { ids }) => sum + ids.length, 0);
  });
  return tokens / seconds;
}
