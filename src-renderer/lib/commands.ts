/** What the palette reaches: every page, every run, and what can be done from anywhere. */
import type { RunRow } from '../../src-main/contract/calls.ts';
import type { Page } from './route.ts';
import { router } from './router.svelte.ts';
import { runs } from './runs.svelte.ts';
import { theme } from './theme.svelte.ts';
import { client } from './client.ts';

export interface Command {
  readonly id: string;
  readonly title: string;
  /** Muted words beside the title; they are searched too. */
  readonly detail: string;
  readonly run: () => Promise<void> | void;
}

/** Pages of the left rail in order; `key` follows g. */
export const railPages: readonly { readonly page: Page; readonly title: string; readonly key: string }[] = [
  { page: 'home', title: 'Home', key: 'h' },
  { page: 'new', title: 'New experiment', key: 'n' },
  { page: 'experiments', title: 'Experiments', key: 'e' },
  { page: 'samples', title: 'Samples', key: 's' },
  { page: 'rewards', title: 'Rewards', key: 'r' },
  { page: 'laboratory', title: 'Laboratory', key: 'l' },
];

/** All commands of this moment, pages first, then what runs, then every run. */
export function allCommands(): Command[] {
  const commands: Command[] = railPages.map(({ page, title, key }) => ({
    id: `page ${page}`,
    title,
    detail: `page · g ${key}`,
    run: () => {
      router.go(page);
    },
  }));
  commands.push({
    id: 'theme',
    title: theme.shown === 'dark' ? 'Light theme' : 'Dark theme',
    detail: 'appearance',
    run: () => {
      theme.toggle();
    },
  });
  for (const run of runs.active) {
    commands.push({
      id: `stop ${run.id}`,
      title: `Stop ${run.name}`,
      detail: 'action',
      run: async () => {
        await client.call('runs.stop', { runId: run.id });
      },
    });
  }
  for (const run of runs.kept) commands.push(...runCommands(run));
  return commands;
}

function runCommands(run: RunRow): Command[] {
  const detail = `${run.estimator} · seed ${run.seed} · ${run.status}`;
  return [
    {
      id: `run ${run.id}`,
      title: run.name,
      detail: `run · ${detail}`,
      run: () => {
        router.go('run', run.id);
      },
    },
    {
      id: `samples ${run.id}`,
      title: `Samples of ${run.name}`,
      detail,
      run: () => {
        router.go('samples', '', { run: run.id });
      },
    },
  ];
}

/** Commands that hold every word of the query, those whose title begins with it first. */
export function matching(commands: readonly Command[], query: string): Command[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const [first = ''] = words;
  return commands
    .filter((command) => {
      const text = `${command.title} ${command.detail}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .sort(
      (a, b) =>
        Number(b.title.toLowerCase().startsWith(first)) - Number(a.title.toLowerCase().startsWith(first)),
    )
    .slice(0, 60);
}
