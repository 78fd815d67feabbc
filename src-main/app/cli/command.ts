/**
 * What a command of the command line is: one table with everything that its help, its page in the documents, the
 * parsing of its arguments and its JSON output are made from, and the function that does it.
 */
import type { CommandName } from '../../contract/cli-output.ts';
import type { Interrupts } from './interrupts.ts';
import type { Output } from './output.ts';
import { parseArguments } from './parse-arguments.ts';

/** One `--option`. Numbers are checked against their limits when they are parsed. */
export interface OptionDefinition {
  readonly type: 'string' | 'boolean' | 'integer' | 'number';
  readonly help: string;
  /** What stands for the value in the help, such as FILE. */
  readonly value?: string;
  /** The default as the help shows it. */
  readonly fallback?: string;
  /** May be given several times; the values come as an array. */
  readonly multiple?: true;
  /** The only values allowed. */
  readonly choices?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface PositionalDefinition {
  readonly name: string;
  readonly help: string;
  readonly optional?: true;
}

export type OptionTable = Readonly<Record<string, OptionDefinition>>;

type BaseValue<D extends OptionDefinition> = D['type'] extends 'string' ? string : number;

/** Parsed values: switches are true or false, everything else is undefined where it was not given. */
export type OptionValues<O extends OptionTable> = {
  readonly [K in keyof O]: O[K]['type'] extends 'boolean'
    ? boolean
    : O[K] extends { readonly multiple: true }
      ? readonly BaseValue<O[K]>[]
      : BaseValue<O[K]> | undefined;
};

/** What a command may use of the world; tests hand in their own. */
export interface CommandContext {
  readonly output: Output;
  readonly interrupts: Interrupts;
  /** Folder of the installation: where package.json lies. */
  readonly root: string;
  /** Folder of the database and the runs. */
  readonly dataDirectory: string;
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
}

/** Exit codes of every command. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export interface CommandDefinition<O extends OptionTable> {
  readonly name: CommandName;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs of its help. */
  readonly about: readonly string[];
  readonly positionals: readonly PositionalDefinition[];
  readonly options: O;
  readonly examples: readonly { readonly line: string; readonly meaning: string }[];
  /** What ends with a code other than the usual ones, or what they mean here. */
  readonly exits?: Readonly<Record<number, string>>;
  /** Does it; resolves to the exit code. Errors are thrown and reported by the caller. */
  readonly run: (
    context: CommandContext,
    values: OptionValues<O>,
    positionals: readonly string[],
  ) => Promise<number>;
}

/** A command whose option types are settled, as it stands in the list of all. */
export interface Command extends Omit<CommandDefinition<OptionTable>, 'run'> {
  /** Parses the words after the command's name and runs it. Throws a user error for bad usage. */
  readonly run: (context: CommandContext, words: readonly string[]) => Promise<number>;
}

/** Ties the table of a command to its function, so that the values it gets have the types of its options. */
export function defineCommand<const O extends OptionTable>(definition: CommandDefinition<O>): Command {
  return {
    ...definition,
    run: (context, words) => {
      const { values, positionals } = parseArguments(definition, words);
      return definition.run(context, values, positionals);
    },
  };
}
