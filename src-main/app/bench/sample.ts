/** Sampling a batch of answers from the whole vocabulary at temperature 1, prefill and log-probabilities included. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { createSampler } from '../../rollout/create-sampler.ts';
import { presetModel, randomIds } from './preset-model.ts';
import type { PresetName } from './presets.ts';
import { preset } from './presets.ts';
import type { Measured } from './stopwatch.ts';
import { median, peakMemory, timed } from './stopwatch.ts';

/** The file that the peer writes beside the weights. */
const inputsSchema = z.object({ prompts: z.array(z.array(z.int())), new: z.int() });

const warmUp = 2;

/**
 * Times batches of answers that do not end early.
 * @returns `seconds` (median of a batch), `fastest`, `tokensPerSecond`, `memory`
 */
export async function measureSampling(name: PresetName, folder: string | undefined): Promise<Measured> {
  const { config, store } = await presetModel(name, folder, false);
  const shape = preset(name).sample;
  const inputs =
    folder === undefined
      ? {
          prompts: Array.from({ length: shape.batch }, (_, row) => [
            ...randomIds(shape.prompt, config.vocabularySize, row),
          ]),
          new: shape.answer,
        }
      : inputsSchema.parse(JSON.parse(await readFile(join(folder, 'generate.json'), 'utf8')));
  const sampler = await createSampler({ config, weights: store });
  const expected = inputs.prompts.length * inputs.new;
  const seconds: number[] = [];
  for (let repeat = -warmUp; repeat < shape.repeats; repeat++) {
    const requests = inputs.prompts.map((ids, row) => ({
      promptIds: Int32Array.from(ids),
      stream: [0, repeat + warmUp, row],
    }));
    let tokens = 0;
    const taken = await timed(async () => {
      const answers = await sampler.generate(requests, {
        maxTokens: inputs.new,
        temperature: 1,
        topP: 1,
        topK: 0,
        stopIds: [],
      });
      tokens = answers.reduce((sum, { ids }) => sum + ids.length, 0);
    });
    if (tokens !== expected) throw new Error(`internal: ${tokens} tokens were drawn, not ${expected}`);
    if (repeat >= 0) seconds.push(taken);
  }
  return {
    seconds: median(seconds),
    fastest: Math.min(...seconds),
    tokensPerSecond: expected / median(seconds),
    memory: peakMemory(),
  };
}
