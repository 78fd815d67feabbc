/**
 * Writes docs/experiment-file.md from the contract and the estimators, so that the page says what the program does.
 * Usage: node docs/make-experiment-file.ts
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';
import { experimentSchema } from '../src-main/contract/experiment.ts';
import { estimators } from '../src-main/estimators/index.ts';
import { rewardTexts } from '../src-renderer/lib/reward-texts.ts';

/** The parts of JSON Schema that the contract uses, with the help that its fields carry. */
interface FieldSchema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  anyOf?: FieldSchema[];
  oneOf?: FieldSchema[];
  items?: FieldSchema | boolean;
  prefixItems?: FieldSchema[];
  properties?: Record<string, FieldSchema>;
  additionalProperties?: FieldSchema | boolean;
  required?: string[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  label?: string;
  term?: string;
  help?: string;
  unit?: string;
  raising?: string;
}

const fieldSchema: z.ZodType<FieldSchema> = z.lazy(() =>
  z.object({
    type: z.union([z.string(), z.array(z.string())]).optional(),
    const: z.unknown().optional(),
    enum: z.array(z.unknown()).optional(),
    default: z.unknown().optional(),
    anyOf: z.array(fieldSchema).optional(),
    oneOf: z.array(fieldSchema).optional(),
    items: z.union([fieldSchema, z.boolean()]).optional(),
    prefixItems: z.array(fieldSchema).optional(),
    properties: z.record(z.string(), fieldSchema).optional(),
    additionalProperties: z.union([fieldSchema, z.boolean()]).optional(),
    required: z.array(z.string()).optional(),
    minimum: z.number().optional(),
    exclusiveMinimum: z.number().optional(),
    maximum: z.number().optional(),
    label: z.string().optional(),
    term: z.string().optional(),
    help: z.string().optional(),
    unit: z.string().optional(),
    raising: z.string().optional(),
  }),
) as z.ZodType<FieldSchema>;

const code = (value: unknown): string => `\`${JSON.stringify(value)}\``;

/** Which values a field takes, in words. */
function values(schema: FieldSchema): string {
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  const members = schema.anyOf ?? schema.oneOf;
  if (members !== undefined) return members.map(values).join(' or ');
  if (schema.type === 'null') return code(null);
  if (schema.prefixItems !== undefined)
    return `list of ${schema.prefixItems.length} ${plural(schema.prefixItems[0] ?? {})}`;
  if (schema.type === 'array')
    return `list of ${typeof schema.items === 'object' ? plural(schema.items) : 'values'}`;
  if (schema.type === 'object') return 'object';
  if (schema.type === 'string') return 'text';
  if (schema.type === 'boolean') return '`true` or `false`';
  if (schema.type !== 'number' && schema.type !== 'integer') return 'any value';
  const limits: string[] = [];
  if (schema.exclusiveMinimum !== undefined) limits.push(`above ${schema.exclusiveMinimum}`);
  if (schema.minimum !== undefined && schema.minimum > -Number.MAX_SAFE_INTEGER)
    limits.push(`at least ${schema.minimum}`);
  if (schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER)
    limits.push(`at most ${schema.maximum}`);
  const kind = schema.type === 'integer' ? 'whole number' : 'number';
  return [schema.unit === undefined ? kind : `${kind} of ${schema.unit}`, ...limits].join(', ');
}

function plural(schema: FieldSchema): string {
  if (schema.type === 'string') return 'texts';
  if (schema.type === 'integer') return 'whole numbers';
  if (schema.type === 'number') return 'numbers';
  return schema.type === 'object' || schema.oneOf !== undefined ? 'objects' : 'values';
}

const fallbacks: Readonly<Record<string, string>> = {
  'method.groupSize': 'set by the method',
  'method.clipLow': 'set by the method',
  'method.clipHigh': 'set by the method',
  'method.aggregation': 'set by the method',
  'method.baseline': 'set by the method',
  'method.baselineDecay': 'set by the method',
  'budget.microBatchTokens': 'chosen from the memory',
};

function meaning(schema: FieldSchema): string {
  const parts = [schema.help ?? ''];
  if (schema.raising !== undefined) parts.push(schema.raising);
  const name =
    schema.label === undefined
      ? ''
      : `**${schema.label}**${schema.term === undefined ? '' : ` (${schema.term})`}. `;
  return name + parts.filter((part) => part !== '').join(' ').replaceAll('<', '&lt;');
}

function row(prefix: string, name: string, schema: FieldSchema, required: boolean): string {
  const place = prefix === '' ? name : `${prefix}.${name}`;
  const fallback = schema.default === undefined ? (fallbacks[place] ?? '–') : code(schema.default);
  const cells = [`\`${name}\``, required ? 'must be given' : fallback, values(schema), meaning(schema)];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** A table of the fields of an object, `skip` left out. */
function table(prefix: string, schema: FieldSchema, skip: readonly string[] = []): string {
  const given = schema.required ?? [];
  const rows = Object.entries(schema.properties ?? {})
    .filter(([name]) => !skip.includes(name))
    .map(([name, field]) => row(prefix, name, field, given.includes(name) && field.default === undefined));
  return ['| Field | Default | Values | Meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function estimatorTable(): string {
  const rows = Object.values(estimators).map(({ name, description, defaults }) => {
    const clip = defaults.clip === null ? '–' : `${defaults.clip.low} / ${defaults.clip.high}`;
    const group = defaults.groupSize === 0 ? '–' : String(defaults.groupSize);
    return `| \`${name}\` | ${group} | \`${defaults.aggregation}\` | ${clip} | ${description} |`;
  });
  return [
    '| `estimator` | `groupSize` | `aggregation` | `clipLow` / `clipHigh` | What it does |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** Settings that every component has. */
const common = ['kind', 'name', 'weight', 'range', 'normalise', 'gate'];

function componentSections(reward: FieldSchema): string {
  const items = reward.properties?.['components']?.items;
  const kinds = (typeof items === 'object' ? items.oneOf : undefined) ?? [];
  const [first] = kinds;
  if (first === undefined) throw new Error('the reward has no kinds of components');
  const own = (schema: FieldSchema): string[] =>
    Object.keys(schema.properties ?? {}).filter((name) => !common.includes(name));
  const shared = `### Settings of every reward component\n\n${table('reward.components', first, ['kind', ...own(first)])}`;
  return [shared]
    .concat(
      kinds.map((schema) => {
        const kind = String(schema.properties?.['kind']?.const);
        const text = Object.entries(rewardTexts).find(([name]) => name === kind)?.[1].plain;
        if (text === undefined) throw new Error(`the reward component ${kind} has no text`);
        const settings =
          own(schema).length === 0
            ? 'It has no settings of its own.'
            : table('reward.components', schema, [...common, 'kind']);
        return `### Reward component \`${kind}\`\n\n${text} [More](rewards/${kind}.md).\n\n${settings}`;
      }),
    )
    .join('\n\n');
}

const example = {
  version: 1,
  name: 'Addition with Dr. GRPO',
  model: { path: 'builtin:starter' },
  data: { path: 'addition.jsonl', prompt: '{prompt}', answer: '{answer}', evaluation: 'test.jsonl' },
  reward: { components: [{ kind: 'number', weight: 1 }] },
  method: { estimator: 'dr-grpo', groupSize: 8, learningRate: 1e-4 },
  budget: { steps: 300, promptsPerStep: 32, maxTokens: 8, temperature: 1, seeds: [1] },
  vary: { 'method.estimator': ['grpo', 'rloo'] },
};

/** The text of the page. */
export async function experimentFilePage(): Promise<string> {
  experimentSchema.parse(example);
  const schema = fieldSchema.parse(z.toJSONSchema(experimentSchema, { io: 'input' }));
  const part = (name: string): FieldSchema => {
    const found = schema.properties?.[name];
    if (found === undefined) throw new Error(`the experiment file has no field ${name}`);
    return found;
  };
  const kl = part('method').properties?.['kl'];
  if (kl === undefined) throw new Error('the method has no field kl');
  const page = `<!-- Made by docs/make-experiment-file.ts from src-main/contract. Change the contract, then run: node docs/make-experiment-file.ts -->

# The experiment file

An experiment is one JSON document. The window, the command line (\`espalier train FILE.json\`) and the store use the same one. Unknown fields are errors that name the nearest known one; what is left out takes its default. Every run keeps its whole, resolved configuration with the hashes of model and data.

\`\`\`json
${JSON.stringify(example, null, 2)}
\`\`\`

Paths of files and folders are relative to the folder of the experiment file; \`builtin:NAME\` is a model that ships with Espalier. On the command line \`--set path=value\` changes single settings: \`--set budget.steps=50 --set method.estimator=rloo\`.

## The whole

${table('', schema, ['model', 'data', 'reward', 'method', 'budget'])}

The other fields are objects: \`model\` and \`data\` must be given; \`reward\` by every method that samples answers (\`sft\` does without); \`method\` and \`budget\` may be left out.

## \`model\`

${table('model', part('model'))}

## \`data\`

${table('data', part('data'))}

## \`reward\`

${table('reward', part('reward'))}

A component gives a number or "not gradable". A wrong, empty or unreadable answer scores 0. Not gradable means that the grader could not work, for example because the right answer is missing: such an answer leaves its group's statistics and the gradient and is counted.

${componentSections(part('reward'))}

## \`method\`

${table('method', part('method'))}

What a method uses where a field is left out:

${estimatorTable()}

### \`method.kl\`

${table('method.kl', kl)}

## \`budget\`

${table('budget', part('budget'))}

## \`vary\`

\`vary\` makes one run for each combination of its values and for each seed of \`budget.seeds\`, all with the same questions in the same order, so that differences between the runs are paired. A path is written with dots: \`{ "method.estimator": ["grpo", "rloo"], "method.learningRate": [1e-5, 1e-4] }\` makes four runs a seed.
`;
  const file = path.join(import.meta.dirname, 'experiment-file.md');
  return format(page, { ...(await resolveConfig(file)), filepath: file });
}

if (import.meta.main) {
  writeFileSync(path.join(import.meta.dirname, 'experiment-file.md'), await experimentFilePage());
}
