/** The machine behind the window: its facts, its free memory, and whether it still answers. */
import type { CallOutput } from '../../src-main/contract/calls.ts';
import { client, type ConnectionState } from './client.ts';

const pollEvery = 10_000;

class Host {
  info = $state.raw<CallOutput<'app.info'> | null>(null);
  connection = $state<ConnectionState>('connecting');

  start(): void {
    client.onConnection((state) => {
      this.connection = state;
      if (state === 'open') void this.refresh();
    });
    void this.refresh();
    setInterval(() => {
      if (document.visibilityState === 'visible') void this.refresh();
    }, pollEvery);
  }

  async refresh(): Promise<void> {
    try {
      this.info = await client.call('app.info', {});
    } catch {
      // The connection state already says that nothing answers.
    }
  }
}

export const host = new Host();
