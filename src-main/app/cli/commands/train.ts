/** `espalier train`: runs an experiment file to its end, or goes on with a run that was stopped. */
import path from 'node:path';
import { userError } from '../../../contract/errors.ts';
import type { Services } from '../../services.ts';
import { defineCommand, exitCodes, type CommandContext } from '../command.ts';
import { applySettings } from '../experiment-overrides.ts';
import { findRun, openServices } from '../open-services.ts';
import { readTextFile } from '../read-input.ts';
import { followRuns } from '../train/follow-runs.ts';

async function begin(
  context: CommandContext,
  services: Services,
  file: string,
  settings: readonly string[],
): Promise<readonly string[]> {
  const text = applySettings(readTextFile(context, file, 'experiment file'), settings);
  const directory = path.dirname(path.resolve(context.workingDirectory, file === '-' ? 'stdin' : file));
  const experiment = await services.call('experiments.parse', { text, directory });
  const { warnings, runs } = await services.call('experiments.check', { experiment });
  for (const warning of warnings) context.output.note(`Note: ${warning}`);
  if (runs > 1) context.output.note(`${runs} runs, one after the other.`);
  return (await services.call('experiments.start', { experiment })).runIds;
}

async function resume(services: Services, name: string): Promise<readonly string[]> {
  const { id } = await findRun(services, name);
  await services.call('runs.resume', { runId: id });
  return [id];
}

export const train = defineCommand({
  name: 'train',
  summary: 'run an experiment to its end',
  about: [
    'Trains as the experiment file says (docs/experiment-file.md), stores everything and shows progress on standard error. Relative paths in the file start at its folder. An experiment with several seeds or `vary` makes several runs, one after the other.',
    'Ctrl+C once stops cleanly with a checkpoint; twice ends at once. --resume goes on with a run that was stopped or failed, with the settings that it began with.',
  ],
  positionals: [
    { name: 'EXPERIMENT.json', help: 'the experiment file; - reads standard input', optional: true },
  ],
  options: {
    set: {
      type: 'string',
      value: 'PATH=VALUE',
      help: 'Change a setting of the file, such as budget.steps=50; a value is JSON or text.',
      multiple: true,
    },
    resume: {
      type: 'string',
      value: 'RUN',
      help: 'Go on with this run (its name, the beginning of it, or "last").',
    },
  },
  examples: [
    {
      line: 'espalier train resources/experiments/first-run.json',
      meaning: 'teach the starter model arithmetic',
    },
    {
      line: 'espalier train my.json --set method.estimator=rloo --set budget.seeds=[1,2,3]',
      meaning: 'the same with another method and three seeds',
    },
    { line: 'espalier train --resume last', meaning: 'go on where Ctrl+C stopped' },
    { line: 'espalier train my.json --json | grep evaluation', meaning: 'held-out scores as they come' },
  ],
  exits: {
    1: 'a run failed',
    2: 'bad input or usage; nothing was stored',
    130: 'interrupted: stopped with a checkpoint',
  },
  run: async (context, { set: settings, resume: resumed }, [file]) => {
    if (resumed === undefined && file === undefined) {
      throw userError('usage', 'EXPERIMENT.json is missing: the experiment file.', {
        where: 'espalier train',
        advice: 'For example: espalier train resources/experiments/first-run.json',
      });
    }
    if (resumed !== undefined && settings.length > 0) {
      throw userError(
        'usage',
        'A run goes on with the settings that it began with: --set and --resume exclude each other.',
        {
          where: 'espalier train',
          advice:
            'To change settings, start a new experiment with the folder of its checkpoint as the model.',
        },
      );
    }
    if (resumed !== undefined && file !== undefined) {
      context.output.note(
        'Note: the run goes on with its own settings; the experiment file is not read again.',
      );
    }
    const services = openServices(context, { startWaiting: false });
    try {
      const code = await followRuns(context, services, () =>
        resumed === undefined ? begin(context, services, file ?? '', settings) : resume(services, resumed),
      );
      return code;
    } catch (error) {
      if (context.interrupts.signal.aborted) return exitCodes.interrupted;
      throw error;
    } finally {
      await services.close();
    }
  },
});
