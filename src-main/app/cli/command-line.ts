/** Runs one command line: finds the command, hands over its words, turns what is thrown into text and exit code. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { toErrorShape, userError } from '../../contract/errors.ts';
import { nearestName } from '../../contract/nearest-name.ts';
import { dataDirectory } from '../data-directory.ts';
import { exitCodes, type Command } from './command.ts';
import { commands } from './commands/index.ts';
import { commandHelp, overviewHelp } from './help.ts';
import { installedVersion } from './installation.ts';
import type { Interrupts } from './interrupts.ts';
import { createOutput, describeError, type TextSink } from './output.ts';

export interface World {
  readonly standard: TextSink;
  readonly errors: TextSink;
  readonly interrupts: Interrupts;
  /** Folder of the installation. */
  readonly root: string;
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
}

function findCommand(name: string): Command {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  const near = nearestName(
    name,
    commands.map((command) => command.name),
  );
  throw userError(
    'usage',
    `Unknown command "${name}".${near === undefined ? '' : ` Did you mean ${near}?`}`,
    {
      advice: 'espalier --help lists the commands.',
    },
  );
}

/** Takes an option that belongs to every command out of the words: the command's own parser checks its form. */
function dataOption(words: readonly string[]): string | undefined {
  for (const [index, word] of words.entries()) {
    if (word === '--') return undefined;
    if (word === '--data') return words[index + 1];
    if (word.startsWith('--data=')) return word.slice('--data='.length);
  }
  return undefined;
}

function chosenDataDirectory(world: World, words: readonly string[]): string {
  const option = dataOption(words);
  const chosen =
    option === undefined ? dataDirectory(world.environment) : path.resolve(world.workingDirectory, option);
  if (existsSync(chosen) && !statSync(chosen).isDirectory()) {
    throw userError('data-directory', `The data directory ${chosen} is a file.`, {
      where: option === undefined ? 'ESPALIER_HOME' : '--data',
      advice: 'Name a folder; it is made where it does not exist.',
    });
  }
  return chosen;
}

function hasSwitch(words: readonly string[], ...names: string[]): boolean {
  const end = words.indexOf('--');
  return (end === -1 ? words : words.slice(0, end)).some((word) => names.includes(word));
}

/** Runs the words after the program's name; resolves to the exit code. Never throws. */
export async function runCommandLine(words: readonly string[], world: World): Promise<number> {
  const output = createOutput(hasSwitch(words, '--json'), world.standard, world.errors);
  try {
    const [first, ...rest] = words;
    if (first === undefined) {
      world.errors.write(`${overviewHelp(commands, installedVersion(world.root))}\n`);
      return exitCodes.usage;
    }
    if (first === '--help' || first === '-h' || first === 'help') {
      const about = first === 'help' ? rest.find((word) => !word.startsWith('-')) : undefined;
      const text =
        about === undefined
          ? overviewHelp(commands, installedVersion(world.root))
          : commandHelp(findCommand(about));
      world.standard.write(`${text}\n`);
      return exitCodes.done;
    }
    if (first === '--version' || first === '-V') {
      world.standard.write(`${installedVersion(world.root)}\n`);
      return exitCodes.done;
    }
    const name = first.startsWith('-') ? undefined : first;
    if (name === undefined) {
      throw userError('usage', `The command comes first, before ${first}.`, {
        advice: 'espalier --help lists the commands.',
      });
    }
    const command = findCommand(name);
    if (hasSwitch(rest, '--help', '-h')) {
      world.standard.write(`${commandHelp(command)}\n`);
      return exitCodes.done;
    }
    return await command.run(
      {
        output,
        interrupts: world.interrupts,
        root: world.root,
        dataDirectory: chosenDataDirectory(world, rest),
        workingDirectory: world.workingDirectory,
        environment: world.environment,
        now: world.now,
      },
      rest,
    );
  } catch (error) {
    const shape = toErrorShape(error);
    output.note(describeError(error));
    output.value({ error: shape });
    if (shape.kind === 'cancelled') return exitCodes.interrupted;
    return shape.kind === 'user' ? exitCodes.usage : exitCodes.failed;
  }
}
