/** Reads an experiment file on this computer. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { userError } from '../contract/errors.ts';
import type { Experiment } from '../contract/experiment.ts';
import { parseExperiment } from '../contract/parse-experiment.ts';
import { absolutePath, resolveExperimentPaths } from './experiment-paths.ts';

/**
 * The experiment of a file, its paths made absolute.
 * @throws user error `experiment-unreadable`, and those of `parseExperiment`
 */
export async function readExperiment(path: string): Promise<Experiment> {
  const file = absolutePath(path, process.cwd());
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw userError(
      'experiment-unreadable',
      `The experiment file cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`,
      {
        where: file,
        advice: 'Check that it exists and may be read.',
        cause,
      },
    );
  }
  return resolveExperimentPaths(parseExperiment(text), dirname(file));
}
