/** Reads the text of an experiment file. Paths in it are left as they are written. */
import { userError } from './errors.ts';
import { experimentSchema, type Experiment } from './experiment.ts';
import { expandExperiment } from './expand-experiment.ts';
import { explainIssues } from './explain-issues.ts';

/**
 * The experiment with every default filled in.
 * @throws user error `experiment-not-json` with line and column; `experiment-invalid` with the path of the
 * field and the nearest known name; `vary-…` for settings to vary that do not exist or do not fit.
 */
export function parseExperiment(text: string): Experiment {
  let document: unknown;
  try {
    document = JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw userError('experiment-not-json', `The experiment file is not valid JSON: ${message}.`, {
      ...lineOf(text, message),
      advice: 'Check for a missing comma, quote or bracket at this place. Comments are not allowed.',
      cause,
    });
  }
  return parseExperimentDocument(document);
}

/** The same for a document that is already parsed JSON. */
export function parseExperimentDocument(document: unknown): Experiment {
  const result = experimentSchema.safeParse(document);
  if (!result.success)
    throw explainIssues(experimentSchema, document, result.error.issues, 'experiment-invalid');
  // Finds settings to vary that are misspelt or do not fit, before anything is started.
  expandExperiment(result.data);
  return result.data;
}

function lineOf(text: string, message: string): { where?: string } {
  const position = /position (\d+)/.exec(message)?.[1];
  if (position === undefined) return {};
  const before = text.slice(0, Number(position));
  const line = before.split('\n').length;
  return { where: `line ${line}, column ${before.length - before.lastIndexOf('\n')}` };
}
