/**
 * What every host offers: the calls of the contract over the store, the run queue and the files of this
 * computer. Electron, the local server and the command line bind the same services.
 */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { availableParallelism, freemem, platform, totalmem } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { z } from 'zod';
import { examineProcess } from '../analysis/laboratory.ts';
import { laboratoryPicture } from '../analysis/laboratory-picture.ts';
import { measurableMethods } from '../analysis/measured-method.ts';
import { calls, type CallInput, type CallName, type CallOutput, type HostEvent } from '../contract/calls.ts';
import { userError } from '../contract/errors.ts';
import type { TrainerEvent } from '../contract/events.ts';
import { expandExperiment } from '../contract/expand-experiment.ts';
import { budgetSchema } from '../contract/experiment.ts';
import { explainIssues } from '../contract/explain-issues.ts';
import { nearestName } from '../contract/nearest-name.ts';
import { parseExperiment } from '../contract/parse-experiment.ts';
import type { ComponentOf, RewardConfig } from '../contract/reward.ts';
import { describeEstimators } from '../estimators/index.ts';
import { openStore, type Store } from '../store/store.ts';
import { JudgeService, type JudgeServiceOptions } from './judge/judge-service.ts';
import { createKeyStore, type KeyStore } from './judge/key-store.ts';
import { memoryCache } from './judge/memory-cache.ts';
import { listRubrics, withRubric, withRubrics } from './judge/rubrics.ts';
import { exampleExperiments } from './example-experiments.ts';
import { checkExperiment } from './experiment-check.ts';
import { absolutePath, resolveExperimentPaths, trainerConfig } from './experiment-paths.ts';
import { lockDataDirectory, type HostLock } from './host-lock.ts';
import {
  builtinModelsDirectory,
  databasePath,
  examplesDirectory,
  laboratoryDirectory,
  rubricsDirectory,
  runDirectory,
} from './host-paths.ts';
import { LaboratoryJobs } from './laboratory-jobs.ts';
import type { HubWorld } from './hub/fetch-repository.ts';
import { laboratoryProcesses } from './laboratory-processes.ts';
import { listFiles } from './list-files.ts';
import { Library } from './library.ts';
import { inspectModel, previewData } from './model-and-data.ts';
import { requireMemory } from './memory-plan.ts';
import { readExperiment } from './read-experiment.ts';
import { RewardWorkshop } from './rewards/reward-workshop.ts';
import { RunQueue } from './run-queue.ts';
import type { SpawnTrainer } from './trainer-child.ts';
import { usualTimes, type TrainerTimes } from './trainer-process.ts';

/** Lines of a run's log that `runs.get` returns. */
const logLines = 1_000;
const longestName = 200;

export interface ServicesOptions {
  /** Folder of the database and the runs; made where it does not exist. */
  readonly dataDirectory: string;
  /** `resources/` of the installation. */
  readonly resourcesDirectory: string;
  readonly spawnTrainer: SpawnTrainer;
  readonly version: string;
  /** Whether the host shows a window of its own. */
  readonly window?: boolean;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** A short id that no other run has. */
  readonly newId?: () => string;
  readonly times?: TrainerTimes;
  /** How the Hugging Face Hub is reached, and by which settings; nothing is asked of it unless a call says so. */
  readonly hub?: HubWorld;
  /** Keys for judges; by default a file in the data directory. */
  readonly keys?: KeyStore;
  /** How judges are reached and waited for; by default the network and the clock of this computer. */
  readonly judging?: Partial<Pick<JudgeServiceOptions, 'fetch' | 'clock' | 'random'>>;
  /** Whether runs that a former host left waiting are started too (default), or only those started here. */
  readonly startWaiting?: boolean;
  /** Only reads: takes no lock, starts and changes nothing. For commands beside a running host. */
  readonly readOnly?: boolean;
}

export interface Services {
  /** Does a call; input and output are checked by the contract. */
  call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>>;
  /** The same for a name and an input that came from outside. */
  callByName(name: string, input: unknown): Promise<unknown>;
  /** Events for windows; returns the function that ends it. */
  subscribe(listener: (event: HostEvent) => void): () => void;
  /** Every event of every trainer as it comes, for `train --json`; returns the function that ends it. */
  observe(listener: (runId: string, event: TrainerEvent) => void): () => void;
  /** Judges for jobs without a run. */
  readonly judges: JudgeService;
  /** Ends a run at once, without a checkpoint. */
  kill(runId: string): void;
  /** Ends the run at work with a checkpoint; waiting runs stay in the queue. */
  close(): Promise<void>;
}

type ParsedInput<N extends CallName> = z.output<(typeof calls)[N]['input']>;

/** The schemas of the contract, typed so that a call's name decides what they give. */
const schemas: {
  readonly [N in CallName]: {
    readonly input: z.ZodType<ParsedInput<N>>;
    readonly output: z.ZodType<CallOutput<N>>;
  };
} = calls;

/** Calls that only read; and those about keys, which lie apart from what one host alone may write. */
const readingCalls: readonly CallName[] = [
  'app.info',
  'examples.list',
  'estimators.list',
  'experiments.parse',
  'experiments.read',
  'experiments.check',
  'models.list',
  'models.inspect',
  'models.folders',
  'data.preview',
  'datasets.list',
  'datasets.get',
  'datasets.rows',
  'hub.describe',
  'jobs.list',
  'rewards.list',
  // Reports live in memory; the database is only read.
  'rewards.bench',
  'rewards.benchReport',
  'rewards.rescore',
  'rewards.rescoreReport',
  'jobs.cancel',
  'files.list',
  'runs.list',
  'runs.get',
  'runs.metrics',
  'samples.list',
  'samples.get',
  'samples.steps',
  'judge.rubrics',
  'judge.check',
  'judge.keys',
  'judge.setKey',
  'judge.removeKey',
  'judge.cache',
  'lab.processes',
  'lab.examine',
  'lab.picture',
  'lab.methods',
];

/**
 * Opens the data directory and starts the services.
 * @throws EspalierError `data-directory-in-use`, `data-directory`, `database-newer`, `database-unreadable`
 */
export function createServices(options: ServicesOptions): Services {
  const { readOnly = false } = options;
  const now = options.now ?? Date.now;
  const lock = readOnly ? null : lockDataDirectory(options.dataDirectory, now);
  try {
    const store = openStore(databasePath(options), { readOnly });
    return assemble(options, store, lock, now);
  } catch (error) {
    lock?.release();
    throw error;
  }
}

function assemble(
  options: ServicesOptions,
  store: Store,
  lock: HostLock | null,
  now: () => number,
): Services {
  const { readOnly = false, startWaiting = true } = options;
  const listeners = new Set<(event: HostEvent) => void>();
  const observers = new Set<(runId: string, event: TrainerEvent) => void>();
  const models = builtinModelsDirectory(options);
  let closed = false;
  const publish = (event: HostEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const keys = options.keys ?? createKeyStore({ directory: options.dataDirectory, environment: {} });
  const judges = new JudgeService({
    keys,
    cache: memoryCache(
      { get: (hash) => store.judgements.get(hash) },
      readOnly ? null : (hash, reply) => store.judgements.put(hash, reply, now()),
    ),
    ...options.judging,
  });
  const queue = new RunQueue({
    store,
    judges,
    now,
    spawnTrainer: options.spawnTrainer,
    times: options.times ?? usualTimes,
    publish,
    observe: (runId, event) => {
      for (const observer of observers) observer(runId, event);
    },
    runDirectory: (runId) => runDirectory(options, runId),
    prepareConfig: (config) => trainerConfig(config, models),
    startWaiting,
  });
  const newId = options.newId ?? (() => randomUUID().replaceAll('-', '').slice(0, 10));
  const times = options.times ?? usualTimes;
  const laboratory = new LaboratoryJobs({
    spawnTrainer: options.spawnTrainer,
    times,
    now,
    newId,
    modelsDirectory: models,
    publish,
  });
  const library = new Library({
    store,
    now,
    newId,
    dataDirectory: options.dataDirectory,
    builtinModels: models,
    hub: options.hub ?? { environment: process.env },
    spawnTrainer: options.spawnTrainer,
    times,
    publishJob: (job) => publish({ type: 'job', job }),
    datasetsChanged: () => publish({ type: 'datasets' }),
  });
  const workshop = new RewardWorkshop({
    store,
    jobs: library.jobs,
    spawnTrainer: options.spawnTrainer,
    times,
    builtinModels: models,
    judges,
    withRubrics: (reward) => withRubrics(reward, rubricsDirectory(options)),
  });
  const handlers = createHandlers({
    options,
    store,
    queue,
    laboratory,
    now,
    newId,
    models,
    library,
    workshop,
    keys,
    judges,
  });

  if (!readOnly) {
    queue.recover();
    // What cannot be removed now is removed at a later start.
    library.datasets.purge().catch(() => undefined);
    store.rewards.purgeDeleted();
    const purged = store.runs.markDeletedForPurge();
    void Promise.all(
      purged.map((id) =>
        rm(runDirectory(options, id), { recursive: true, force: true }).catch(() => undefined),
      ),
    );
    // In slices, so that calls are answered meanwhile.
    const purge = () => {
      if (!closed && store.purgeSome()) setImmediate(purge);
    };
    setImmediate(purge);
  }

  const perform = async (name: CallName, input: unknown): Promise<unknown> => {
    if (closed) throw userError('host-closed', 'Espalier is closing.');
    if (readOnly && !readingCalls.includes(name))
      throw new Error(`internal: ${name} in services that only read`);
    return handlers[name](input);
  };
  return {
    call: async (name, input) => {
      return schemas[name].output.parse(await perform(name, input));
    },
    callByName: async (name, input) => {
      const found = Object.keys(calls).find((each): each is CallName => each === name);
      if (found === undefined) {
        const near = nearestName(name, Object.keys(calls));
        throw userError(
          'call-unknown',
          `There is no call "${name.slice(0, 100)}".`,
          near === undefined ? {} : { advice: `Did you mean ${near}?` },
        );
      }
      return calls[found].output.parse(await perform(found, input));
    },
    judges,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    observe: (listener) => {
      observers.add(listener);
      return () => observers.delete(listener);
    },
    kill: (runId) => queue.kill(runId),
    close: async () => {
      if (closed) return;
      closed = true;
      await Promise.all([queue.close(), laboratory.close(), library.close()]);
      listeners.clear();
      observers.clear();
      store.close();
      lock?.release();
    },
  };
}

interface Parts {
  readonly options: ServicesOptions;
  readonly store: Store;
  readonly queue: RunQueue;
  readonly laboratory: LaboratoryJobs;
  readonly now: () => number;
  readonly newId: () => string;
  readonly models: string;
  readonly library: Library;
  readonly workshop: RewardWorkshop;
  readonly keys: KeyStore;
  readonly judges: JudgeService;
}

/** Checks the input of a call by the contract before it is done. */
function checked<N extends CallName>(
  name: N,
  work: (input: ParsedInput<N>) => unknown,
): (input: unknown) => unknown {
  const schema: z.ZodType<ParsedInput<N>> = schemas[name].input;
  return (input) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) throw explainIssues(schema, input, parsed.error.issues, 'call-input', name);
    return work(parsed.data);
  };
}

function createHandlers(parts: Parts): Readonly<Record<CallName, (input: unknown) => unknown>> {
  const { options, store, queue, laboratory, now, newId, models, library, workshop, keys, judges } = parts;
  const { runs, datasets, modelFolders, rewards } = store;
  const { jobs } = library;
  const rubrics = rubricsDirectory(options);
  const look = {
    resolve: (reward: RewardConfig | undefined) => withRubrics(reward, rubrics),
    check: (component: ComponentOf<'judge'>) => judges.check(component),
  };
  const resolved = (experiment: CallOutput<'experiments.parse'>) =>
    resolveExperimentPaths(experiment, process.cwd());
  return {
    'app.info': checked('app.info', () => ({
      version: options.version,
      node: process.versions.node,
      platform: `${platform()}-${process.arch}`,
      cores: availableParallelism(),
      memory: totalmem(),
      freeMemory: freemem(),
      dataDirectory: options.dataDirectory,
      window: options.window ?? false,
      device: 'cpu',
    })),
    'examples.list': checked('examples.list', () => exampleExperiments(examplesDirectory(options))),
    'estimators.list': checked('estimators.list', () => describeEstimators()),
    'experiments.parse': checked('experiments.parse', ({ text, directory }) => {
      const experiment = parseExperiment(text);
      return directory === undefined ? experiment : resolveExperimentPaths(experiment, directory);
    }),
    'experiments.read': checked('experiments.read', ({ path }) => readExperiment(path)),
    'experiments.check': checked('experiments.check', async ({ experiment: given }) => {
      const experiment = resolved(given);
      const found = await checkExperiment(experiment, models, look);
      const warnings = await library.dataWarnings([experiment.data.path, experiment.data.evaluation]);
      return { ...found, warnings: [...found.warnings, ...warnings] };
    }),
    'experiments.start': checked('experiments.start', async ({ experiment: given }) => {
      const experiment = resolved(given);
      // Whatever would make a run fail at once is said here, before anything is stored.
      const { memory } = await checkExperiment(experiment, models, look);
      requireMemory(memory);
      const experimentId = newId();
      const planned = expandExperiment(experiment).map(({ config, ...plan }) => {
        // The words of rubrics are kept with the run: a later version may ship others.
        const reward = withRubrics(config.reward, rubrics);
        return { ...plan, config: reward === undefined ? config : { ...config, reward }, id: newId() };
      });
      store.transaction(() => {
        for (const { id, config, label } of planned) {
          const name = [experiment.name, ...(label === '' ? [] : [label])].join(' · ').slice(0, longestName);
          runs.insert({ id, experimentId, name, config, createdAt: now() });
        }
      });
      const runIds = planned.map(({ id }) => id);
      queue.enqueue(runIds);
      return { runIds };
    }),
    'models.list': checked('models.list', ({ sources, folders }) => library.listModels(sources, folders)),
    'models.folders': checked('models.folders', () => modelFolders.list()),
    'models.addFolder': checked('models.addFolder', async ({ path }) => {
      // A folder that cannot be listed is refused now.
      const { path: folder } = await listFiles(absolutePath(path, process.cwd()));
      return done(modelFolders.add(folder, now()));
    }),
    'models.removeFolder': checked('models.removeFolder', ({ path }) =>
      done(modelFolders.remove(absolutePath(path, process.cwd()))),
    ),
    'models.inspect': checked('models.inspect', ({ path }) => inspectModel(path, models)),
    'data.preview': checked('data.preview', ({ path, rows }) => previewData(path, rows)),
    'data.tokenized': checked('data.tokenized', (input) => ({ jobId: library.startTokenize(input) })),
    'data.tokenizedReport': checked('data.tokenizedReport', ({ jobId }) => library.tokenizedReport(jobId)),
    'datasets.list': checked('datasets.list', ({ deleted }) => datasets.list(deleted)),
    'datasets.get': checked('datasets.get', ({ datasetId }) => library.datasets.get(datasetId)),
    'datasets.import': checked('datasets.import', (input) => ({ jobId: library.startImport(input) })),
    'datasets.rows': checked('datasets.rows', (request) => library.datasets.rows(request)),
    'datasets.rename': checked('datasets.rename', ({ datasetId, name }) =>
      done(library.datasets.update(datasetId, { name })),
    ),
    'datasets.mapping': checked('datasets.mapping', ({ datasetId, mapping }) =>
      done(library.datasets.update(datasetId, { mapping })),
    ),
    'datasets.remove': checked('datasets.remove', ({ datasetId }) =>
      done(library.datasets.update(datasetId, { deletedAt: now() })),
    ),
    'datasets.restore': checked('datasets.restore', ({ datasetId }) =>
      done(library.datasets.update(datasetId, { deletedAt: null })),
    ),
    'hub.describe': checked('hub.describe', (request) => library.describe(request)),
    'hub.fetch': checked('hub.fetch', (request) => ({ jobId: library.startFetch(request) })),
    'jobs.list': checked('jobs.list', () => jobs.list()),
    'jobs.pause': checked('jobs.pause', async ({ jobId }) => done(await jobs.pause(jobId))),
    'jobs.resume': checked('jobs.resume', ({ jobId }) => done(jobs.resume(jobId))),
    'jobs.cancel': checked('jobs.cancel', async ({ jobId }) => done(await jobs.cancel(jobId))),
    'rewards.list': checked('rewards.list', ({ deleted }) => rewards.list(deleted)),
    'rewards.save': checked('rewards.save', ({ id = newId(), name, reward }) => {
      rewards.put(id, name, reward, now());
      return { id };
    }),
    'rewards.remove': checked('rewards.remove', ({ id }) => done(rewards.setDeleted(id, now()))),
    'rewards.restore': checked('rewards.restore', ({ id }) => done(rewards.setDeleted(id, null))),
    'rewards.bench': checked('rewards.bench', (request) => ({ jobId: workshop.startBench(request) })),
    'rewards.benchReport': checked('rewards.benchReport', ({ jobId }) => workshop.benchReport(jobId)),
    'rewards.rescore': checked('rewards.rescore', ({ runId, reward, limit }) => ({
      jobId: workshop.startRescore(runId, reward, limit),
    })),
    'rewards.rescoreReport': checked('rewards.rescoreReport', ({ jobId }) => workshop.rescoreReport(jobId)),
    'files.list': checked('files.list', ({ path }) => listFiles(path)),
    'runs.list': checked('runs.list', ({ deleted }) => runs.list(deleted).map((run) => queue.row(run))),
    'runs.get': checked('runs.get', ({ runId }) => ({
      ...queue.row(runs.get(runId)),
      ...runs.more(runId),
      directory: runDirectory(options, runId),
      evaluations: runs.evaluations(runId),
      checkpoints: runs.checkpoints(runId),
      log: runs.log(runId, logLines),
    })),
    'runs.metrics': checked('runs.metrics', ({ runId, names }) =>
      store.metrics.series(runs.key(runId), names),
    ),
    'runs.stop': checked('runs.stop', ({ runId }) => done(queue.stop(runId))),
    'runs.resume': checked('runs.resume', async ({ runId }) => {
      // A model that is gone is told now, not by a process that fails later.
      const { model } = runs.more(runId).config;
      await inspectModel(model.path, models, { weights: model.init === 'weights' });
      return done(queue.resume(runId));
    }),
    'runs.rename': checked('runs.rename', ({ runId, name }) => {
      runs.update(runId, { name });
      return done(queue.changed(runId));
    }),
    'runs.delete': checked('runs.delete', ({ runId }) => done(queue.delete(runId))),
    'runs.restore': checked('runs.restore', ({ runId }) => {
      runs.update(runId, { deletedAt: null });
      return done(queue.changed(runId));
    }),
    'samples.list': checked('samples.list', (filter) => store.samples.list(runs.key(filter.runId), filter)),
    'samples.get': checked('samples.get', ({ id }) => store.samples.get(id)),
    'samples.steps': checked('samples.steps', ({ runId }) => store.samples.steps(runs.key(runId))),
    'judge.rubrics': checked('judge.rubrics', () => listRubrics(rubrics)),
    'judge.check': checked('judge.check', ({ component }) =>
      judges.check(withRubric(component, rubrics, 'component.rubric')),
    ),
    'judge.keys': checked('judge.keys', () => keys.list()),
    'judge.setKey': checked('judge.setKey', ({ name, key }) => keys.set(name, key)),
    'judge.removeKey': checked('judge.removeKey', ({ name }) => done(keys.remove(name))),
    'judge.cache': checked('judge.cache', () => store.judgements.size()),
    'judge.clearCache': checked('judge.clearCache', ({ olderThanDays }) => ({
      removed: store.judgements.clear(olderThanDays === 0 ? undefined : now() - olderThanDays * 86_400_000),
    })),
    'lab.processes': checked('lab.processes', () => laboratoryProcesses(laboratoryDirectory(options))),
    'lab.picture': checked('lab.picture', async ({ process: examined, settings, title }) => {
      const report = await examineProcess(examined, { settings, pause: () => nextTurn() });
      return { svg: laboratoryPicture(report, title) };
    }),
    'lab.methods': checked('lab.methods', () =>
      measurableMethods({ groupSize: 4, budget: budgetSchema.parse({}) }),
    ),
    'lab.estimate': checked('lab.estimate', async ({ experiment, options: asked }) => ({
      seconds: await laboratory.estimate(resolved(experiment), asked),
    })),
    'lab.start': checked('lab.start', ({ experiment, options: asked }) =>
      laboratory.start(resolved(experiment), asked),
    ),
    'lab.status': checked('lab.status', () => ({ job: laboratory.status() })),
    'lab.cancel': checked('lab.cancel', () => ({ job: laboratory.cancel() })),
    'lab.sampledPicture': checked('lab.sampledPicture', () => ({ svg: laboratory.picture() })),
    'lab.examine': checked('lab.examine', ({ process: examined, settings, estimators }) =>
      // Between two estimators other calls are answered.
      examineProcess(examined, { settings, pause: () => nextTurn(), ...(estimators ? { estimators } : {}) }),
    ),
  };
}

/** The output of calls that only do something. */
function done(_work: void): Record<never, never> {
  return {};
}
