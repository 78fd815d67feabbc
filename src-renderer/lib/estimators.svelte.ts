/** The methods that an experiment may use, as the host describes them: asked once, when the window starts. */
import type { EstimatorCard } from '../../src-main/contract/calls.ts';
import { client } from './client.ts';

class Estimators {
  /** In the order in which they are offered; empty until the host has answered. */
  list = $state.raw<readonly EstimatorCard[]>([]);

  start(): void {
    client.onConnection((state) => {
      if (state === 'open' && this.list.length === 0) void this.#load();
    });
    void this.#load();
  }

  find(name: string): EstimatorCard | undefined {
    return this.list.find((estimator) => estimator.name === name);
  }

  /** Its name until the host has answered. */
  title(name: string): string {
    return this.find(name)?.title ?? name;
  }

  async #load(): Promise<void> {
    try {
      this.list = await client.call('estimators.list', {});
    } catch {
      // Asked again when the connection opens; the status strip says that nothing answers.
    }
  }
}

export const estimators = new Estimators();
