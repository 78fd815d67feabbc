/** A kept reward as the document that its editor works on, and back; files of rewards. */
import { parseExperimentDocument } from '../../src-main/contract/parse-experiment.ts';
import { rewardComponentSchema, rewardSchema, type RewardConfig } from '../../src-main/contract/reward.ts';
import { defaultOf, fieldSchemaAt } from '../../src-main/contract/schema-fields.ts';
import { toDraft } from './experiment-draft.svelte.ts';
import type { JsonObject, JsonValue } from './json-path.ts';

/** An object without the fields that say only what is there anyway. */
function withoutDefaults(
  schema: Parameters<typeof fieldSchemaAt>[0],
  value: JsonObject,
  keep: readonly string[],
): JsonObject {
  return Object.fromEntries(
    Object.entries(value).filter(([key, given]) => {
      if (keep.includes(key)) return true;
      const usual = defaultOf(fieldSchemaAt(schema, [key], value));
      return usual === undefined || JSON.stringify(usual) !== JSON.stringify(given);
    }),
  );
}

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The reward as a person would write it: defaults left out. */
export function writtenReward(reward: RewardConfig): JsonObject {
  const { components, ...rest } = toDraft(reward);
  const list = Array.isArray(components) ? components.filter(isObject) : [];
  return {
    components: list.map((one) => withoutDefaults(rewardComponentSchema, one, ['kind', 'weight'])),
    ...withoutDefaults(rewardSchema, rest, []),
  };
}

/** What the editor works on: the reward inside an experiment of which nothing else counts. */
export function rewardDocument(name: string, reward: JsonObject): JsonObject {
  return { version: 1, name, model: { path: 'builtin:starter' }, data: { path: 'none' }, reward };
}

/**
 * Reads a file: a reward as it is exported, the reward alone, or a whole experiment.
 * @returns the name that stands in it, or null
 * @throws SyntaxError where it is no JSON; EspalierError `experiment-invalid` for what is no reward
 */
export function readRewardFile(text: string): { name: string | null; reward: RewardConfig } {
  const document = toDraft(JSON.parse(text));
  const inner = document['reward'];
  const name = typeof document['name'] === 'string' && document['name'] !== '' ? document['name'] : null;
  const reward = inner !== undefined && isObject(inner) ? inner : document;
  // Read as a part of an experiment, so that mistakes are told with their place and the nearest known name.
  const parsed = parseExperimentDocument(rewardDocument(name ?? 'reward', reward));
  return { name, reward: rewardSchema.parse(parsed.reward) };
}

/** What is written into a file. */
export function rewardFile(name: string, reward: RewardConfig): string {
  return `${JSON.stringify({ name, reward: writtenReward(reward) }, null, 2)}\n`;
}

/** A name for the file. */
export function fileNameOf(name: string): string {
  return name.replace(/[^\p{L}\p{N}]+/gu, '-').toLowerCase() || 'reward';
}
