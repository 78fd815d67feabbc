/** Services on a folder of their own with the small trainer program, for the tests beside this file. */
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { HostEvent, RunStatus } from '../../../src-main/contract/calls.ts';
import { experimentSchema, type Experiment } from '../../../src-main/contract/experiment.ts';
import { forkTrainer } from '../../../src-main/app/fork-trainer.ts';
import { createServices, type Services, type ServicesOptions } from '../../../src-main/app/services.ts';
import type { SpawnTrainer } from '../../../src-main/app/trainer-child.ts';

export const fixtureModels = resolve('test/fixtures/models');
const program = resolve('test/fixtures/app/trainer-program.ts');

/** How the small trainer program behaves; see there. */
export type Behaviour =
  | 'done'
  | 'slow'
  | 'saves-long'
  | 'hangs'
  | 'lingers'
  | 'exits'
  | 'aborts'
  | 'killed'
  | 'out-of-memory'
  | 'fails'
  | 'garbage';

export interface ServiceBench {
  readonly folder: string;
  readonly events: HostEvent[];
  services: Services;
  behaviour: Behaviour;
  experiment(changes?: { name?: string; budget?: object; [key: string]: unknown }): Experiment;
  open(options?: Partial<ServicesOptions>): Services;
  start(changes?: Parameters<ServiceBench['experiment']>[0]): Promise<string[]>;
  /** Waits until a run has one of these states. */
  until(runId: string, ...status: RunStatus[]): Promise<RunStatus>;
  close(): Promise<void>;
}

export function serviceBench(): ServiceBench {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-services-'));
  const resources = join(folder, 'resources');
  mkdirSync(join(resources, 'models'), { recursive: true });
  symlinkSync(join(fixtureModels, 'llama-mha'), join(resources, 'models', 'tiny'), 'junction');
  const rows = Array.from({ length: 40 }, (_, i) =>
    JSON.stringify({ prompt: `${i}+1=`, answer: String(i + 1) }),
  );
  writeFileSync(join(folder, 'data.jsonl'), rows.join('\n'));
  const spawnTrainer: SpawnTrainer = () => {
    process.env['ESPALIER_TEST_TRAINER'] = bench.behaviour;
    return forkTrainer(program)();
  };
  const open = (options: Partial<ServicesOptions> = {}) => {
    const services = createServices({
      dataDirectory: join(folder, 'data'),
      resourcesDirectory: resources,
      spawnTrainer,
      version: '1.2.3',
      times: { stopGrace: 400, exitGrace: 400 },
      ...options,
    });
    services.subscribe((event) => bench.events.push(event));
    bench.services = services;
    return services;
  };
  const bench: ServiceBench = {
    folder,
    events: [],
    behaviour: 'done',
    services: undefined as never,
    open,
    experiment: (changes = {}) =>
      experimentSchema.parse({
        version: 1,
        name: 'Addition',
        model: { path: 'builtin:tiny' },
        data: { path: join(folder, 'data.jsonl') },
        reward: { components: [{ kind: 'number' }] },
        ...changes,
        budget: { steps: 5, maxTokens: 8, maxPromptTokens: 32, ...changes.budget },
      }),
    start: async (changes) =>
      (await bench.services.call('experiments.start', { experiment: bench.experiment(changes) })).runIds,
    until: async (runId, ...status) => {
      const end = Date.now() + 8000;
      for (;;) {
        const run = await bench.services.call('runs.get', { runId });
        if (status.includes(run.status)) return run.status;
        if (Date.now() > end) throw new Error(`the run is still ${run.status}: ${JSON.stringify(run.error)}`);
        await new Promise((done) => setTimeout(done, 15));
      }
    },
    close: async () => {
      await bench.services.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  open();
  return bench;
}
