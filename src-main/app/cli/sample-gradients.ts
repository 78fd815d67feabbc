/** The second half of `lab`: estimators on a user's model and questions, measured by a trainer process. */
import path from 'node:path';
import type { SampledOptions, SampledReport } from '../../contract/laboratory.ts';
import { parseExperiment } from '../../contract/parse-experiment.ts';
import { resolveExperimentPaths } from '../experiment-paths.ts';
import { builtinModelsDirectory } from '../host-paths.ts';
import { prepareMeasurement } from '../sampled-measurement.ts';
import { exitCodes, type CommandContext } from './command.ts';
import { runJob } from './job.ts';
import { resourcesDirectory } from './open-services.ts';
import { readTextFile } from './read-input.ts';

/** Measures and compares; the report is null where the job was stopped before there was anything to compare. */
export async function sampleGradients(
  context: CommandContext,
  file: string,
  options: SampledOptions,
): Promise<{ code: number; report: SampledReport | null }> {
  const directory = path.dirname(path.resolve(context.workingDirectory, file === '-' ? 'stdin' : file));
  const experiment = resolveExperimentPaths(
    parseExperiment(readTextFile(context, file, 'experiment file')),
    directory,
  );
  const models = builtinModelsDirectory({
    resourcesDirectory: resourcesDirectory(context),
    dataDirectory: context.dataDirectory,
  });
  const measurement = prepareMeasurement(experiment, options, models);
  const started = performance.now();
  const code = await runJob(context, measurement.command, 'Measuring gradients', (event) =>
    measurement.take(event),
  );
  const report = code === exitCodes.failed ? null : measurement.report();
  return { code, report: report && { ...report, seconds: (performance.now() - started) / 1000 } };
}
