/** Turns what zod says about a document into an error for people: the path of the field and what was meant. */
import type { z } from 'zod';
import { userError, type EspalierError } from './errors.ts';
import { nearestName } from './nearest-name.ts';
import { childValue, fieldsAt, schemaAt } from './schema-fields.ts';

/** More mistakes than this are counted, not told. */
const mostTold = 5;

/**
 * The error for a document that did not pass `schema`.
 * @param code code of the error
 * @param prefix path of the document in a larger one, such as `vary`; empty for none
 */
export function explainIssues(
  schema: z.ZodType,
  document: unknown,
  issues: readonly z.core.$ZodIssue[],
  code: string,
  prefix = '',
): EspalierError {
  const told = issues.flatMap((issue) => explainIssue(schema, document, issue, prefix));
  const [first] = told;
  if (first === undefined) return userError(code, 'The document is not valid.');
  if (told.length === 1)
    return userError(code, first.message, {
      where: first.where,
      ...(first.advice === undefined ? {} : { advice: first.advice }),
    });
  const lines = told
    .slice(0, mostTold)
    .map((each) => `${each.where}: ${each.message}${each.advice === undefined ? '' : ` ${each.advice}`}`);
  if (told.length > mostTold) lines.push(`and ${told.length - mostTold} more`);
  return userError(code, `${told.length} mistakes:\n${lines.join('\n')}`, { where: first.where });
}

interface Explained {
  readonly where: string;
  readonly message: string;
  readonly advice?: string;
}

function explainIssue(
  schema: z.ZodType,
  document: unknown,
  issue: z.core.$ZodIssue,
  prefix: string,
): Explained[] {
  const where = (path: readonly PropertyKey[]) => pathText([...(prefix === '' ? [] : [prefix]), ...path]);
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(schema, issue.path, document);
    return issue.keys.map((key) => ({
      where: where([...issue.path, key]),
      message: `There is no field "${key}"${issue.path.length === 0 ? '' : ` in ${pathText(issue.path)}`}.`,
      advice: adviceFor(schema, document, key, known),
    }));
  }
  const value = valueAt(document, issue.path);
  if (issue.code === 'invalid_value') {
    return [choice(where(issue.path), value, issue.values.map(String))];
  }
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
    return [choice(where(issue.path), value, options)];
  }
  if (issue.code === 'invalid_type' && value === undefined) {
    return [{ where: where(issue.path), message: 'This field is missing.' }];
  }
  return [{ where: where(issue.path), message: `${issue.message}${issue.message.endsWith('.') ? '' : '.'}` }];
}

function choice(where: string, value: unknown, options: readonly string[]): Explained {
  const near = typeof value === 'string' ? nearestName(value, options) : undefined;
  const shown = value === undefined ? 'Nothing' : JSON.stringify(value);
  return {
    where,
    message: value === undefined ? 'This field is missing.' : `${shown} is not one of the choices.`,
    ...(options.length === 0
      ? {}
      : { advice: `${near === undefined ? '' : `Did you mean "${near}"? `}Choices: ${options.join(', ')}.` }),
  };
}

function adviceFor(schema: z.ZodType, document: unknown, key: string, known: readonly string[]): string {
  const near = nearestName(key, known);
  if (near !== undefined) return `Did you mean "${near}"?`;
  // A field that stands in the wrong section.
  for (const section of fieldsAt(schema, [], document)) {
    const inside = fieldsAt(schema, [section], document);
    if (inside.includes(key)) return `It belongs in ${section}: ${section}.${key}.`;
  }
  return known.length === 0 ? 'Remove it.' : `Known fields: ${known.join(', ')}.`;
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => childValue(value, key), document);
}

/** A path as people write it: `reward.components[0].weight`. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += text === '' ? String(key) : `.${String(key)}`;
  }
  return text === '' ? 'document' : text;
}

/** Whether a dotted path names a field of the schema, given the document around it. */
export function hasField(schema: z.ZodType, path: readonly string[], document: unknown): boolean {
  return schemaAt(schema, path, document) !== undefined;
}
