/** The example experiments that ship: every JSON file of a folder, read like any experiment file. */
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallOutput } from '../contract/calls.ts';
import { parseExperiment } from '../contract/parse-experiment.ts';
import { resolveExperimentPaths } from './experiment-paths.ts';

/** What `NAME.md` beside `NAME.json` says of it, first line the title. */
const aboutLimit = 4_000;

/** The examples in the order of their file names. A broken one is an error: they ship with the application. */
export async function exampleExperiments(directory: string): Promise<CallOutput<'examples.list'>> {
  if (!existsSync(directory)) return [];
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      const experiment = resolveExperimentPaths(parseExperiment(await readFile(path, 'utf8')), directory);
      const text = path.replace(/\.json$/, '.md');
      const about = existsSync(text) ? (await readFile(text, 'utf8')).slice(0, aboutLimit) : '';
      const [first = '', ...rest] = about.split('\n');
      const titled = first.startsWith('# ');
      return {
        id: name.slice(0, -'.json'.length),
        title: titled ? first.slice(2).trim() : experiment.name,
        about: (titled ? rest.join('\n') : about).trim(),
        experiment,
      };
    }),
  );
}
