/** The decision processes that ship with the laboratory: every JSON file of a folder. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallOutput } from '../contract/calls.ts';
import { processFileSchema } from '../contract/laboratory.ts';

/** The processes in the order of their file names; the first is the default. A broken one is an error: they ship. */
export async function laboratoryProcesses(directory: string): Promise<CallOutput<'lab.processes'>> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name) => {
      const document: unknown = JSON.parse(await readFile(join(directory, name), 'utf8'));
      const { title, about = '', ...process } = processFileSchema.parse(document);
      const id = name.replace(/^\d+-/, '').slice(0, -'.json'.length);
      return { id, title: title ?? id, about, process };
    }),
  );
}
