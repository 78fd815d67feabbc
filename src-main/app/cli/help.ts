/** Help of the command line and of each command, from the table of commands. Pure. */
import { cliOutputs, type CommandOutput } from '../../contract/cli-output.ts';
import type { Command, OptionDefinition, PositionalDefinition } from './command.ts';
import { commonOptions } from './parse-arguments.ts';

const width = 100;

/** Breaks a text at blanks; continuation lines begin with `indent` blanks. */
function wrap(text: string, indent: number): string {
  const lines: string[] = [''];
  // What stands in brackets is kept together.
  for (const word of text.match(/\[[^\]]*\]\S*|\S+/g) ?? []) {
    const current = lines.at(-1) ?? '';
    if (current !== '' && indent + current.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = current === '' ? word : `${current} ${word}`;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const left = Math.min(28, Math.max(...rows.map(([name]) => name.length)));
  return rows
    .map(([name, text]) => {
      const gap = name.length > left ? `\n${' '.repeat(left + 4)}` : ' '.repeat(left - name.length + 2);
      return `  ${name}${gap}${wrap(text, left + 4)}`;
    })
    .join('\n');
}

/** The first line of a command's help: name, positionals, options. */
export function usageLine(command: Command): string {
  const positionals = command.positionals.map((positional) =>
    positional.optional === true ? `[${positional.name}]` : positional.name,
  );
  const options = Object.entries(command.options).map(
    ([name, option]) => `[${optionName(name, option)}]${option.multiple === true ? '…' : ''}`,
  );
  return ['espalier', command.name, ...positionals, ...options].join(' ');
}

/** An option as it is written, with what stands for its value. */
export function optionName(name: string, option: OptionDefinition): string {
  return option.type === 'boolean'
    ? `--${name}`
    : `--${name} ${option.value ?? (option.type === 'string' ? 'TEXT' : 'N')}`;
}

/** What an option does, with its limits and default in words. */
export function optionHelp(option: OptionDefinition): string {
  const more: string[] = [];
  if (option.choices !== undefined) more.push(`one of ${option.choices.join(', ')}`);
  if (option.fallback !== undefined) more.push(`default: ${option.fallback}`);
  if (option.multiple === true) more.push('may be given several times');
  return more.length === 0 ? option.help : `${option.help} (${more.join('; ')})`;
}

/** Exit codes of a command with their meaning. */
export function exitMeanings(command: Command): [string, string][] {
  const usual: Record<string, string> = {
    0: 'done',
    1: 'failed',
    2: 'bad input or usage',
    130: 'interrupted',
  };
  return Object.entries({ ...usual, ...command.exits });
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const output: CommandOutput = cliOutputs[command.name];
  const form = output.form === 'value' ? 'one JSON value' : 'one JSON object a line';
  const parts = [
    `Usage: ${wrap(usageLine(command), 7)}`,
    ...command.about.map((paragraph) => wrap(paragraph, 0)),
  ];
  if (command.positionals.length > 0) {
    parts.push(
      `Arguments:\n${columns(command.positionals.map((positional: PositionalDefinition) => [positional.name, positional.help]))}`,
    );
  }
  const options = Object.entries({ ...command.options, ...commonOptions });
  parts.push(
    `Options:\n${columns(options.map(([name, option]) => [optionName(name, option), optionHelp(option)]))}`,
  );
  parts.push(`Output with --json (${form}):\n${columns(Object.entries(output.fields))}`);
  parts.push(`Exit codes:\n${columns(exitMeanings(command))}`);
  parts.push(
    `Examples:\n${command.examples.map((example) => `  # ${example.meaning}\n  ${example.line}`).join('\n')}`,
  );
  return parts.join('\n\n');
}

/** The help of the whole command line. */
export function overviewHelp(commands: readonly Command[], version: string): string {
  return [
    `Espalier ${version}: fine-tune language models on this computer by reinforcement learning.`,
    'Usage: espalier COMMAND [options]',
    `Commands:\n${columns(commands.map((command) => [command.name, command.summary]))}`,
    `Options of every command:\n${columns(Object.entries(commonOptions).map(([name, option]) => [optionName(name, option), optionHelp(option)]))}`,
    'espalier COMMAND --help tells more. To begin: espalier start',
  ].join('\n\n');
}
