/** Filters of the Samples page as they stand in its address, and as the host takes them. */
import { sampleFilterSchema } from '../../src-main/contract/calls.ts';
import type { SampleFilter } from './sample-list.svelte.ts';

/** The filter of an address; values that mean nothing are left out. */
export function filterOfQuery(query: Readonly<Record<string, string>>, runId: string): SampleFilter {
  const shape = sampleFilterSchema.shape;
  const number = (key: string): number | undefined => {
    const text = query[key];
    const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
    return Number.isFinite(value) ? value : undefined;
  };
  const wanted = {
    step: shape.step.safeParse(number('step')).data,
    split: shape.split.safeParse(query['split']).data,
    finish: shape.finish.safeParse(query['finish']).data,
    minReward: number('min'),
    maxReward: number('max'),
    promptIndex: shape.promptIndex.safeParse(number('question')).data,
    search: query['search'] === '' ? undefined : query['search'],
    sort: shape.sort.safeParse(query['sort']).data,
  };
  return Object.fromEntries([
    ['runId', runId],
    ...Object.entries(wanted).filter(([, value]) => value !== undefined),
  ]) as SampleFilter;
}
