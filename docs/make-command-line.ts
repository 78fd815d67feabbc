/**
 * Writes docs/command-line.md from the table of commands and the schemas of their output.
 * Usage: node docs/make-command-line.ts
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { commands } from '../src-main/app/cli/commands/index.ts';
import type { Command } from '../src-main/app/cli/command.ts';
import { exitMeanings, optionHelp, optionName, usageLine } from '../src-main/app/cli/help.ts';
import { commonOptions } from '../src-main/app/cli/parse-arguments.ts';
import { cliOutputs, type CommandOutput } from '../src-main/contract/cli-output.ts';

/** Text of a table cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map((row) => line(row.map(cell)))].join('\n');
}

function section(command: Command): string {
  const output: CommandOutput = cliOutputs[command.name];
  const parts = [
    `## \`${command.name}\`: ${command.summary}`,
    `\`\`\`text\n${usageLine(command)}\n\`\`\``,
    ...command.about,
  ];
  const words = [
    ...command.positionals.map((positional) => [`\`${positional.name}\``, positional.help]),
    ...Object.entries(command.options).map(([name, option]) => [
      `\`${optionName(name, option)}\``,
      optionHelp(option),
    ]),
  ];
  if (words.length > 0) parts.push(table(['Argument or option', 'Meaning'], words));
  parts.push(
    `With \`--json\`: ${output.form === 'value' ? 'one JSON value' : 'one JSON object a line'}.`,
    table(
      ['Field', 'Meaning'],
      Object.entries(output.fields).map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
  );
  if (command.exits !== undefined) {
    parts.push(
      `Exit codes: ${exitMeanings(command)
        .map(([code, meaning]) => `${code} ${meaning}`)
        .join('; ')}.`,
    );
  }
  parts.push(
    command.examples.map((example) => `\`\`\`sh\n# ${example.meaning}\n${example.line}\n\`\`\``).join('\n\n'),
  );
  return parts.join('\n\n');
}

/** The text of the page. */
export async function commandLinePage(): Promise<string> {
  const page = `<!-- Made by docs/make-command-line.ts from src-main/app/cli/commands and src-main/contract/cli-output.ts. Run: node docs/make-command-line.ts -->

# The command line

In the folder of Espalier: \`npx espalier COMMAND\`. Where the system's Node is older than 24, the launcher hands over to the Node that \`npm ci\` brought.

${table(
  ['Command', 'What it is for'],
  commands.map((command) => [
    `[\`${command.name}\`](#${command.name}-${command.summary
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-')})`,
    command.summary,
  ]),
)}

Every command takes:

${table(
  ['Option', 'Meaning'],
  Object.entries(commonOptions).map(([name, option]) => [
    `\`${optionName(name, option)}\``,
    optionHelp(option),
  ]),
)}

**Output.** Results go to standard output; progress, advice and errors to standard error. With \`--json\` standard output holds JSON and nothing else: one value, or one object a line as it comes. Numbers that JSON cannot hold (NaN, infinities) are \`null\`. Where a command cannot do its work it prints \`{"error": {"kind", "code", "message", "where", "advice"}}\`.

**Exit codes.** 0 done, 1 failed, 2 bad input or usage, 130 interrupted. Ctrl+C once ends cleanly (training saves a checkpoint), twice at once.

**Data.** \`--data DIR\`, else \`ESPALIER_HOME\`, else the system's place: \`~/.local/share/espalier\` (Linux), \`~/Library/Application Support/Espalier\` (macOS), \`%LOCALAPPDATA%\\Espalier\` (Windows). One application or training uses a data directory at a time; the commands that only read (\`runs\`, \`show\`, \`metrics\`, \`samples\`, \`models\`, \`export\`) work beside it, and so does \`fetch\`.

${commands.map(section).join('\n\n')}
`;
  const file = path.join(import.meta.dirname, 'command-line.md');
  return format(page, { ...(await resolveConfig(file)), filepath: file });
}

if (import.meta.main) {
  writeFileSync(path.join(import.meta.dirname, 'command-line.md'), await commandLinePage());
}
