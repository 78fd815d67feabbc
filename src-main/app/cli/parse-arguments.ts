/** Words of the command line → typed options and positionals, with errors that name the nearest known option. */
import { parseArgs } from 'node:util';
import { userError } from '../../contract/errors.ts';
import { nearestName } from '../../contract/nearest-name.ts';
import type { OptionDefinition, OptionTable, OptionValues, PositionalDefinition } from './command.ts';

/** Options of every command. They are read before the command is known and may stand anywhere. */
export const commonOptions = {
  help: { type: 'boolean', help: 'Show this help.' },
  json: { type: 'boolean', help: 'Print JSON on standard output and nothing else there.' },
  data: {
    type: 'string',
    value: 'DIR',
    help: 'Where the database and the runs live.',
    fallback: "ESPALIER_HOME, else the system's place for application data",
  },
} as const satisfies OptionTable;

interface Shape<O extends OptionTable> {
  readonly name: string;
  readonly positionals: readonly PositionalDefinition[];
  readonly options: O;
}

function parseNumber(name: string, text: string, definition: OptionDefinition, where: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const kind = definition.type === 'integer' ? 'a whole number' : 'a number';
  if (!Number.isFinite(value) || (definition.type === 'integer' && !Number.isSafeInteger(value))) {
    throw userError('usage', `--${name} takes ${kind}, not "${text}".`, { where });
  }
  const { minimum, maximum } = definition;
  if (minimum !== undefined && value < minimum) {
    throw userError('usage', `--${name} must be at least ${minimum}, not ${text}.`, { where });
  }
  if (maximum !== undefined && value > maximum) {
    throw userError('usage', `--${name} must be at most ${maximum}, not ${text}.`, { where });
  }
  return value;
}

function parseValue(
  name: string,
  text: string,
  definition: OptionDefinition,
  where: string,
): string | number {
  if (definition.type === 'integer' || definition.type === 'number')
    return parseNumber(name, text, definition, where);
  if (definition.choices !== undefined && !definition.choices.includes(text)) {
    const near = nearestName(text, definition.choices);
    throw userError(
      'usage',
      `--${name} does not know "${text}".${near === undefined ? '' : ` Did you mean ${near}?`}`,
      {
        where,
        advice: `It takes one of: ${definition.choices.join(', ')}.`,
      },
    );
  }
  return text;
}

/**
 * Parses the words after the command's name. Common options are accepted and left out of the result.
 * Throws a user error (code `usage`) for an unknown option, a missing or impossible value, and a positional too
 * few or too many.
 */
export function parseArguments<O extends OptionTable>(
  shape: Shape<O>,
  words: readonly string[],
): { values: OptionValues<O>; positionals: readonly string[] } {
  const where = `espalier ${shape.name}`;
  const advice = `espalier ${shape.name} --help lists its options.`;
  const table: OptionTable = { ...commonOptions, ...shape.options };
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(table).map(([name, definition]) => [
        name,
        { type: definition.type === 'boolean' ? ('boolean' as const) : ('string' as const) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  const found: Record<string, string | number | boolean | (string | number)[]> = {};
  for (const [name, definition] of Object.entries(shape.options)) {
    if (definition.type === 'boolean') found[name] = false;
    else if (definition.multiple === true) found[name] = [];
  }
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const definition = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (definition === undefined) {
      const near = nearestName(token.name, Object.keys(table));
      throw userError(
        'usage',
        `Unknown option ${token.rawName}.${near === undefined ? '' : ` Did you mean --${near}?`}`,
        {
          where,
          advice,
        },
      );
    }
    if (definition.type === 'boolean') {
      if (token.value !== undefined)
        throw userError('usage', `${token.rawName} takes no value.`, { where, advice });
      found[token.name] = true;
      continue;
    }
    const forgotten = token.value === undefined || (!token.inlineValue && token.value.startsWith('--'));
    if (token.value === undefined || forgotten) {
      throw userError(
        'usage',
        `${token.rawName} needs a value${definition.value === undefined ? '' : ` (${definition.value})`}.`,
        {
          where,
          advice,
        },
      );
    }
    const value = parseValue(token.name, token.value, definition, where);
    const before = found[token.name];
    if (Array.isArray(before)) before.push(value);
    else found[token.name] = value;
  }
  checkPositionals(shape.positionals, positionals, where, advice);
  for (const name of Object.keys(commonOptions)) if (!Object.hasOwn(shape.options, name)) delete found[name];
  // The loop above gave every option the type that its definition names.
  return { values: found as OptionValues<O>, positionals };
}

function checkPositionals(
  expected: readonly PositionalDefinition[],
  given: readonly string[],
  where: string,
  advice: string,
): void {
  const missing = expected.slice(given.length).find((positional) => positional.optional !== true);
  if (missing !== undefined) {
    throw userError('usage', `${missing.name} is missing: ${missing.help}`, { where, advice });
  }
  const extra = given[expected.length];
  if (extra !== undefined) {
    throw userError('usage', `"${extra}" is one word too many.`, { where, advice });
  }
}
