/**
 * One measurement in a process of its own:
 *   node measure.ts KIND [PRESET [MODEL FOLDER]]
 * Prints one line of JSON, figures by name. With a folder, weights and inputs are those that a peer script wrote there.
 */
import type { MeasurementKind } from './measurements.ts';
import { measurementWordsSchema } from './measurements.ts';
import type { PresetName } from './presets.ts';
import type { Measured } from './stopwatch.ts';

type Measure = (preset: PresetName, folder: string | undefined) => Promise<Measured> | Measured;

/** Loaded one at a time: what one measurement does not use must not count in its memory. */
const measurements: Readonly<Record<MeasurementKind, () => Promise<Measure>>> = {
  train: async () => (await import('./train.ts')).measureTraining,
  sample: async () => (await import('./sample.ts')).measureSampling,
  continuations: async () => (await import('./continuations.ts')).measureContinuations,
  grpo: async () => (await import('./grpo.ts')).measureGrpo,
  trepo: async () => (await import('./grpo.ts')).measureTrepo,
  ppo: async () => (await import('./grpo.ts')).measurePpo,
  sft: async () => (await import('./supervised.ts')).measureSupervised,
  'reward-model': async () => (await import('./reward-model.ts')).measureRewardModel,
  matmul: async () => (await import('./matmul.ts')).measureMatmul,
  advantages: async () => (await import('./advantages.ts')).measureAdvantages,
  verifiers: async () => (await import('./verifiers.ts')).measureVerifiers,
  sandbox: async () => (await import('./sandbox.ts')).measureSandbox,
  store: async () => {
    const { measureStore } = await import('./store.ts');
    return () => measureStore();
  },
  'json-lines': async () => (await import('./data-files.ts')).measureJsonLines,
  parquet: async () => {
    const { measureParquet } = await import('./data-files.ts');
    return (_preset, folder) => measureParquet(folder);
  },
  tokenising: async () => (await import('./data-files.ts')).measureTokenising,
};

const [kind, preset, folder] = measurementWordsSchema.parse(process.argv.slice(2));
const measure = await measurements[kind]();
process.stdout.write(`${JSON.stringify(await measure(preset, folder))}\n`);
