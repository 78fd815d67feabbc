/** The rewards that the user keeps, fetched from the host and changed through it; removing can be undone. */
import type { ErrorShape } from '../../src-main/contract/events.ts';
import type { KeptReward } from '../../src-main/contract/reward-bench.ts';
import type { RewardConfig } from '../../src-main/contract/reward.ts';
import { errorShapeOf } from './call-error.ts';
import { client } from './client.ts';
import { notices } from './notices.svelte.ts';

class RewardLibrary {
  /** Last changed first. */
  list = $state.raw<readonly KeptReward[]>([]);
  loaded = $state(false);
  error = $state.raw<ErrorShape | null>(null);

  async refresh(): Promise<void> {
    try {
      const kept = await client.call('rewards.list', {});
      this.list = [...kept].sort((one, other) => other.changedAt - one.changedAt);
      this.error = null;
    } catch (thrown) {
      this.error = errorShapeOf(thrown);
    } finally {
      this.loaded = true;
    }
  }

  find(id: string): KeptReward | undefined {
    return this.list.find((one) => one.id === id);
  }

  /** Keeps a reward; with an id in place of the one that has it. Gives its id. */
  async save(name: string, reward: RewardConfig, id?: string): Promise<string> {
    const saved = await client.call('rewards.save', { name, reward, ...(id === undefined ? {} : { id }) });
    await this.refresh();
    return saved.id;
  }

  async remove({ id, name }: KeptReward): Promise<void> {
    await client.call('rewards.remove', { id });
    await this.refresh();
    notices.show(`Removed “${name}”.`, {
      label: 'Undo',
      run: async () => {
        await client.call('rewards.restore', { id });
        await this.refresh();
      },
    });
  }

  /** A name that none has yet. */
  freeName(wanted: string): string {
    const taken = new Set(this.list.map(({ name }) => name));
    if (!taken.has(wanted)) return wanted;
    for (let number = 2; ; number++) {
      const name = `${wanted} ${number}`;
      if (!taken.has(name)) return name;
    }
  }
}

export const rewardLibrary = new RewardLibrary();
