/** The host services in this process, as the command line opens them, and runs as people name them. */
import path from 'node:path';
import type { RunRow } from '../../contract/calls.ts';
import { userError } from '../../contract/errors.ts';
import { nearestName } from '../../contract/nearest-name.ts';
import { configDirectory } from '../data-directory.ts';
import { forkTrainer } from '../fork-trainer.ts';
import { forkSandbox } from '../../rewards/sandbox/fork-sandbox.ts';
import type { SpawnSandbox } from '../../rewards/sandbox/child.ts';
import { createKeyStore } from '../judge/key-store.ts';
import { createServices, type Services } from '../services.ts';
import type { SpawnTrainer } from '../trainer-child.ts';
import type { CommandContext } from './command.ts';
import { installedVersion } from './installation.ts';

/** The program of a trainer process. */
const trainerProgram = path.resolve(import.meta.dirname, '../../training/trainer-process.ts');

/** Starts trainer processes of this installation. */
export function spawnTrainer(): SpawnTrainer {
  return forkTrainer(trainerProgram);
}

/** Starts sandbox processes of this installation. */
export function spawnSandbox(): SpawnSandbox {
  return forkSandbox(path.resolve(import.meta.dirname, '../../rewards/sandbox/program.ts'));
}

/** `resources/` of the installation. */
export function resourcesDirectory(context: Pick<CommandContext, 'root'>): string {
  return path.join(context.root, 'resources');
}

/** Opens the services; `readOnly` works beside a running host, `startWaiting` also starts runs that wait from before. */
export function openServices(
  context: CommandContext,
  mode: { readonly readOnly?: boolean; readonly startWaiting?: boolean },
): Services {
  return createServices({
    dataDirectory: context.dataDirectory,
    resourcesDirectory: resourcesDirectory(context),
    spawnTrainer: spawnTrainer(),
    version: installedVersion(context.root),
    now: context.now,
    hub: { environment: context.environment },
    keys: createKeyStore({
      directory: configDirectory(context.environment),
      environment: context.environment,
    }),
    ...mode,
  });
}

/** Opens the services for reading, does the work and closes them. */
export async function reading<T>(
  context: CommandContext,
  work: (services: Services) => Promise<T>,
): Promise<T> {
  const services = openServices(context, { readOnly: true });
  try {
    return await work(services);
  } finally {
    await services.close();
  }
}

/**
 * The run that a person names: its id, the beginning of its id where only one run has it, or `last` for the newest.
 * @throws EspalierError `run-unknown`, `run-ambiguous`
 */
export async function findRun(services: Services, name: string): Promise<RunRow> {
  const runs = await services.call('runs.list', {});
  const exact = runs.find((run) => run.id === name);
  if (exact !== undefined) return exact;
  if (name === 'last') {
    const newest = runs.toSorted((a, b) => b.createdAt - a.createdAt)[0];
    if (newest !== undefined) return newest;
  }
  const beginning = name === '' ? [] : runs.filter((run) => run.id.startsWith(name));
  const [only, another] = beginning;
  if (only !== undefined && another === undefined) return only;
  if (only !== undefined) {
    throw userError('run-ambiguous', `${beginning.length} runs begin with "${name}".`, {
      where: beginning
        .slice(0, 5)
        .map((run) => run.id)
        .join(', '),
      advice: 'Write more of its name.',
    });
  }
  const near = nearestName(
    name,
    runs.map((run) => run.id),
  );
  throw userError(
    'run-unknown',
    `There is no run "${name}" here.${near === undefined ? '' : ` Did you mean ${near}?`}`,
    {
      advice:
        runs.length === 0
          ? 'No runs are stored in this data directory; --data names another one.'
          : '"espalier runs" lists them; "last" stands for the newest.',
    },
  );
}
