/** The real services and the real local server over a data directory of their own, in this process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { forkTrainer } from '../../src-main/app/fork-trainer.ts';
import { createServices, type Services } from '../../src-main/app/services.ts';
import { startWebServer } from '../../src-main/app/web/server.ts';
import { openStore, type Store } from '../../src-main/store/store.ts';

const root = resolve(import.meta.dirname, '../..');

export interface AppHost {
  /** Address with the token. */
  readonly url: string;
  readonly services: Services;
  readonly dataDirectory: string;
  /** Takes the server away, as a closed lid does; the function it gives brings it back at the same address. */
  interrupt(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export interface AppHostOptions {
  /** Fills the store before the services open it. */
  readonly record?: (store: Store) => void;
  /** Folder of models and experiments instead of the shipped one. */
  readonly resourcesDirectory?: string;
}

/** Starts everything; runs that wait are not started. */
export async function startAppHost({ record, resourcesDirectory }: AppHostOptions = {}): Promise<AppHost> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'espalier-app-'));
  if (record) {
    const store = openStore(join(dataDirectory, 'espalier.db'));
    record(store);
    store.close();
  }
  const services = createServices({
    dataDirectory,
    resourcesDirectory: resourcesDirectory ?? join(root, 'resources'),
    spawnTrainer: forkTrainer(join(root, 'src-main/training/trainer-process.ts')),
    version: '0.0.0-test',
    startWaiting: false,
  });
  const windowDirectory = join(root, 'out/renderer');
  let server = await startWebServer({ services, windowDirectory });
  return {
    url: server.url,
    services,
    dataDirectory,
    interrupt: async () => {
      const { port, url } = server;
      const token = new URL(url).searchParams.get('token') ?? '';
      await server.close();
      return async () => {
        server = await startWebServer({ services, windowDirectory, port, token });
      };
    },
    close: async () => {
      await server.close();
      await services.close();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}
