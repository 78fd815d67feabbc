/** Bundle that grades by a user's JSON Schema (drafts 7 and 2020-12); schema and patterns run in the sandbox's engine. */
import { Ajv } from 'ajv';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { jsonText, parseAnswerJson } from '../../json-text.ts';
import type { Outcome } from '../../outcome.ts';
import { right, wrong } from '../../outcome.ts';
import { findInSchema } from './schema-place.ts';

interface Settings {
  readonly schema: Record<string, unknown>;
  readonly fenced: boolean;
}

let validate: ValidateFunction | undefined;
let fenced = true;

/** `format` is a note by the standard (2020-12) and not checked; the strict mode refuses misspelt keywords. */
const options = {
  strict: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  allowUnionTypes: true,
  validateFormats: false,
  logger: false,
  messages: true,
} as const;

/** The draft that a schema names in `$schema`; undefined for one that is not known. */
function draftOf(schema: Record<string, unknown>): '7' | '2020-12' | undefined {
  const named = schema['$schema'];
  if (named === undefined) return '2020-12';
  if (typeof named !== 'string') return undefined;
  if (/^https?:\/\/json-schema\.org\/draft-07\/schema#?$/.test(named)) return '7';
  return /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/.test(named) ? '2020-12' : undefined;
}

/** Compiles the schema. A problem as JSON {message, path, advice}, or empty. */
export function prepare(component: string): string {
  const settings = JSON.parse(component) as Settings;
  fenced = settings.fenced;
  const { schema } = settings;
  const draft = draftOf(schema);
  if (draft === undefined) {
    return problem(
      `The draft ${JSON.stringify(schema['$schema'])} is not known.`,
      '/$schema',
      'Leave $schema out, or name http://json-schema.org/draft-07/schema# or https://json-schema.org/draft/2020-12/schema.',
    );
  }
  try {
    const ajv = draft === '7' ? new Ajv(options) : new Ajv2020(options);
    // The name of the draft is known by now; without the #, which old files have, the library looks for another one.
    const checked = ajv.validateSchema(schema);
    const first = ajv.errors?.[0];
    if (checked !== true && first !== undefined) return problem(wordsOf(first), first.instancePath, '');
    validate = ajv.compile(schema);
    return '';
  } catch (error) {
    return compileProblem(schema, error instanceof Error ? error.message : String(error));
  }
}

function problem(message: string, path: string, advice: string): string {
  return JSON.stringify({ message, path: path === '' ? '/' : path, advice });
}

/** The library names what is wrong, but not always where; the place is found by looking for it. */
function compileProblem(schema: Record<string, unknown>, message: string): string {
  const keyword = /unknown keyword: "(.*)"/.exec(message)?.[1];
  if (keyword !== undefined) {
    const path = findInSchema(schema, (key) => key === keyword);
    return problem(
      `The keyword ${JSON.stringify(keyword)} does not exist.`,
      path,
      'Correct its spelling, or take it out.',
    );
  }
  const reference = /can't resolve reference (\S+)/.exec(message)?.[1];
  if (reference !== undefined) {
    const path = findInSchema(schema, (key, value) => key === '$ref' && value === reference);
    return problem(
      `The reference ${JSON.stringify(reference)} leads nowhere.`,
      path,
      'References must lead to a place inside the schema, such as #/$defs/name; nothing is fetched.',
    );
  }
  if (
    /regular expression/i.test(message) ||
    /regexp|escape|character class|expecting|invalid group/i.test(message)
  ) {
    const path =
      findInSchema(schema, (key, value) => key === 'pattern' && !compiles(value)) || findPatternName(schema);
    return problem(`The pattern is no regular expression: ${message}.`, path, '');
  }
  return problem(`${message}.`, '', '');
}

function findPatternName(schema: Record<string, unknown>): string {
  return findInSchema(schema, (_key, _value, parent) => parent === 'patternProperties' && !compiles(_key));
}

function compiles(pattern: unknown): boolean {
  try {
    return typeof pattern === 'string' && new RegExp(pattern, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

/** An error in words; names of properties, which the answer chose, are cut off. */
function wordsOf({ message, params, keyword }: ErrorObject): string {
  const given = params as Record<string, unknown>;
  const detail =
    keyword === 'additionalProperties'
      ? `: ${JSON.stringify(given['additionalProperty'])}`
      : keyword === 'enum'
        ? `: ${JSON.stringify(given['allowedValues'])}`
        : keyword === 'const'
          ? `: ${JSON.stringify(given['allowedValue'])}`
          : '';
  return `${message ?? keyword}${detail}`.slice(0, 200);
}

function outcome(response: string): Outcome {
  const parsed = parseAnswerJson(jsonText(response, fenced));
  if (!parsed.ok) return wrong(parsed.reason);
  if (validate === undefined) throw new Error('not prepared');
  if (validate(parsed.value)) return right('fits the schema');
  const first = validate.errors?.[0];
  if (first === undefined) return wrong('does not fit the schema');
  const place = first.instancePath === '' ? 'the whole value' : first.instancePath.slice(0, 200);
  return wrong(`${place}: ${wordsOf(first)}`);
}

/** Grades an answer, given as JSON {response}; the outcome as JSON. */
export function grade(item: string): string {
  return JSON.stringify(outcome((JSON.parse(item) as { response: string }).response));
}
