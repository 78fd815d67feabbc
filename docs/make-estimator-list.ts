/**
 * Writes the table of methods in docs/estimators/README.md from the estimators and from what each page says of its bias.
 * Usage: node docs/make-estimator-list.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { estimators } from '../src-main/estimators/index.ts';

const folder = path.join(import.meta.dirname, 'estimators');
const listPage = path.join(folder, 'README.md');
const begin = '<!-- Made by docs/make-estimator-list.ts: begin -->';
const end = '<!-- Made by docs/make-estimator-list.ts: end -->';

/** What a page says in its line "**Unbiased**: …". */
function biasOf(name: string): string {
  const text = readFileSync(path.join(folder, `${name}.md`), 'utf8');
  const claim = /^\*\*Unbiased\*\*: (.+)$/m.exec(text)?.[1];
  if (claim === undefined) throw new Error(`docs/estimators/${name}.md has no line "**Unbiased**: …"`);
  return claim;
}

const sentence = (text: string): string => text.replace(/\.$/, '').replaceAll('|', '\\|');

/** The text of docs/estimators/README.md with the table made anew. */
export async function estimatorListPage(): Promise<string> {
  const text = readFileSync(listPage, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/estimators/README.md has lost the marks of its table`);
  const rows = Object.values(estimators).map(
    ({ name, title, description, cost }) =>
      `| [${title}](${name}.md) | ${sentence(description)} | ${sentence(cost.generations)} | ${biasOf(name)} |`,
  );
  const table = [
    '| method | what it does | what it samples | unbiased |',
    '| --- | --- | --- | --- |',
    ...rows,
  ];
  const page = `${text.slice(0, from)}${begin}\n\n${table.join('\n')}\n\n${text.slice(to)}`;
  return format(page, { ...(await resolveConfig(listPage)), filepath: listPage });
}

if (import.meta.main) writeFileSync(listPage, await estimatorListPage());
