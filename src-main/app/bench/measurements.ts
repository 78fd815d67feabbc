/** The measurements by name. Each is done in a process of its own, so that its peak memory is its own. */
import { z } from 'zod';
import { presetNames } from './presets.ts';

export const measurementKinds = [
  'train',
  'sample',
  'continuations',
  'grpo',
  'trepo',
  'ppo',
  'sft',
  'reward-model',
  'matmul',
  'advantages',
  'verifiers',
  'sandbox',
  'store',
  'json-lines',
  'parquet',
  'tokenising',
] as const;
export type MeasurementKind = (typeof measurementKinds)[number];

/** Words of the program measure.ts: what is measured, on which preset, on whose weights. */
export const measurementWordsSchema = z.tuple([
  z.enum(measurementKinds),
  z.enum(presetNames).default('starter'),
  z.string().optional(),
]);

/** What a measurement prints: one line of figures by name. */
export const measuredSchema = z.record(z.string(), z.number());
