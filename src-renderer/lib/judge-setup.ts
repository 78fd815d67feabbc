/** Setting up a judge in the window: usual addresses, what of a draft can be checked, and where its problems belong. */
import { judgeDraftSchema } from '../../src-main/contract/reward-components.ts';
import type { JudgeDraft } from '../../src-main/contract/reward-components.ts';
import type { JudgeCheck, KeyCard, RubricCard } from '../../src-main/contract/judge.ts';
import type { JsonValue } from './json-path.ts';
import { fieldOf } from './reward-draft.ts';

/** Addresses at which servers on this computer listen unless they are told otherwise. */
export const usualServers = [
  { name: 'llama.cpp', endpoint: 'http://127.0.0.1:8080/v1' },
  { name: 'Ollama', endpoint: 'http://127.0.0.1:11434/v1' },
  { name: 'LM Studio', endpoint: 'http://127.0.0.1:1234/v1' },
  { name: 'vLLM', endpoint: 'http://127.0.0.1:8000/v1' },
] as const;

/** Beginning of a rubric that stands for one that ships. */
export const builtinPrefix = 'builtin:';

/** Parts of the form at which a problem can stand. */
export type JudgePart = 'server' | 'model' | 'rubric' | 'key';
export type JudgeProblem = JudgeCheck['problems'][number];

/** The part of the form that mends a problem. */
export function partOf({ code }: Pick<JudgeProblem, 'code'>): JudgePart {
  if (code === 'judge-model') return 'model';
  if (code === 'data-template' || code.startsWith('judge-rubric')) return 'rubric';
  return code.startsWith('judge-key') || code.startsWith('key') ? 'key' : 'server';
}

/** What a check looks at, from a judge as it is written; null while its address is no address. */
export function checkable(component: JsonValue | undefined): JudgeDraft | null {
  const given: Record<string, JsonValue> = { kind: 'judge' };
  for (const key of ['endpoint', 'model', 'key', 'mode', 'rubric']) {
    const value = fieldOf(component, key);
    if (value !== undefined && value !== '') given[key] = value;
  }
  const parsed = judgeDraftSchema.safeParse(given);
  return parsed.success ? parsed.data : null;
}

/** The rubric to go on with in the other way of judging: own words stay, one that ships gives way to one for that way. */
export function rubricFor(
  mode: RubricCard['mode'],
  rubric: JsonValue | undefined,
  cards: readonly RubricCard[],
): JsonValue | undefined {
  if (typeof rubric !== 'string' || !rubric.startsWith(builtinPrefix)) return rubric;
  const fits = cards.filter((card) => card.mode === mode);
  if (fits.some(({ id }) => builtinPrefix + id === rubric)) return rubric;
  return fits[0] === undefined ? undefined : builtinPrefix + fits[0].id;
}

/** Where a key is kept, in words. */
export function keyPlace({ place, where }: KeyCard): string {
  switch (place) {
    case 'environment':
      return `environment variable ${where}`;
    case 'protected':
      return `encrypted by the system, in ${where}`;
    case 'file':
      return `readable by your user alone, in ${where}`;
  }
}
