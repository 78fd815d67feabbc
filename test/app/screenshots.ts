/**
 * Writes a picture of every page in three sizes, light and dark, into screenshots/, over recorded runs.
 * `npm run screenshots`, or with words that pages must contain: `npm run screenshots -- run samples`.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { rewardSchema } from '../../src-main/contract/reward.ts';
import { functionExamples } from '../../src-renderer/lib/function-examples.ts';
import { startAppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { buildRenderer } from './build-renderer.ts';
import { recordedIds, recordRuns, trickyTexts } from './recorded-runs.ts';
import { makeTestResources } from './test-resources.ts';

const folder = resolve(import.meta.dirname, '../../screenshots');
const sizes = [
  { name: '1280', width: 1280, height: 800 },
  { name: '1920', width: 1920, height: 1080 },
  { name: '390', width: 390, height: 844 },
];
const themes = ['light', 'dark'] as const;

interface Shot {
  readonly name: string;
  readonly hash: string;
  readonly empty?: boolean;
  /** A run is at work; `LIVE` in the address stands for its id. */
  readonly live?: boolean;
  /** Keys pressed once the page is there. */
  readonly keys?: string;
}

const shots: readonly Shot[] = [
  { name: 'home-first', hash: '#/', empty: true },
  { name: 'samples-empty', hash: '#/samples', empty: true },
  { name: 'experiments-empty', hash: '#/experiments', empty: true },
  { name: 'home', hash: '#/' },
  { name: 'new', hash: '#/new' },
  { name: 'experiments', hash: '#/experiments' },
  { name: 'run', hash: `#/run/${recordedIds.done}` },
  { name: 'run-settings', hash: `#/run/${recordedIds.done}?tab=settings` },
  { name: 'run-checkpoints', hash: `#/run/${recordedIds.done}?tab=checkpoints` },
  { name: 'run-log', hash: `#/run/${recordedIds.done}?tab=log` },
  { name: 'run-samples', hash: `#/run/${recordedIds.done}?tab=samples` },
  { name: 'run-failed', hash: `#/run/${recordedIds.failed}` },
  { name: 'run-queued', hash: `#/run/${recordedIds.queued}` },
  { name: 'run-long', hash: `#/run/${recordedIds.long}` },
  { name: 'samples', hash: `#/samples?run=${recordedIds.done}` },
  { name: 'samples-detail', hash: `#/samples?run=${recordedIds.done}&sort=oldest`, keys: 'jj' },
  { name: 'rewards-empty', hash: '#/rewards', empty: true },
  { name: 'rewards', hash: '#/rewards' },
  { name: 'rewards-checks', hash: '#/rewards/REWARD' },
  { name: 'rewards-bench', hash: '#/rewards/REWARD?tab=bench&job=BENCH&row=3' },
  { name: 'rewards-rescore', hash: `#/rewards/REWARD?tab=rescore&run=${recordedIds.done}&job=RESCORE` },
  { name: 'laboratory', hash: '#/laboratory' },
  { name: 'laboratory-numbers', hash: '#/laboratory?view=numbers&row=grpo' },
  { name: 'live-home', hash: '#/', live: true },
  { name: 'live-run', hash: '#/run/LIVE', live: true },
  { name: 'missing', hash: '#/nowhere' },
  { name: 'palette', hash: '#/', keys: 'palette' },
  { name: 'keys', hash: '#/', keys: '?' },
];

const wanted = process.argv.slice(2);
await mkdir(folder, { recursive: true });
await buildRenderer();
const resources = await makeTestResources();
const empty = await startAppHost({ resourcesDirectory: resources.directory });
const full = await startAppHost({
  resourcesDirectory: resources.directory,
  record: (store) => {
    recordRuns(store, Date.now());
  },
});
const browser = await launchBrowser();

/** Starts the example with many steps; returns its id. */
async function startLiveRun(): Promise<string> {
  const [example] = await full.services.call('examples.list', {});
  if (!example) throw new Error('The test resources have an example.');
  const experiment = structuredClone(example.experiment);
  experiment.budget.steps = 20_000;
  const { runIds } = await full.services.call('experiments.start', { experiment });
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  return runIds[0] ?? '';
}
let liveRun: string | null = null;

/** Keeps a few rewards and makes one report of each sort; gives the ids by their words in addresses. */
async function prepareRewards(): Promise<Record<string, string>> {
  const { call } = full.services;
  const kept: string[] = [];
  for (const name of [
    'Right number',
    `Form, length and ${trickyTexts.longWord}`.slice(0, 199),
    'Number, form and length',
  ]) {
    const reward = rewardSchema.parse({
      components: [
        { kind: 'number', find: 'last' },
        { kind: 'tags', weight: 0.2 },
        { kind: 'length', unit: 'characters', max: 3, margin: 12, weight: 0.5 },
        { kind: 'function', weight: 0.1, code: functionExamples[0]?.code ?? '' },
      ].slice(0, name === 'Right number' ? 1 : 4),
    });
    kept.push((await call('rewards.save', { name, reward })).id);
  }
  const { reward } = (await call('rewards.list', {})).find(({ id }) => id === kept[2]) ?? {};
  if (reward === undefined) throw new Error('The reward was just kept.');
  const bench = await call('rewards.bench', {
    reward,
    source: { from: 'run', runId: recordedIds.done, limit: 400 },
    planted: true,
  });
  const rescore = await call('rewards.rescore', { runId: recordedIds.done, reward });
  while ((await call('jobs.list', {})).some(({ state }) => state === 'running')) {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { REWARD: kept[2] ?? '', BENCH: bench.jobId, RESCORE: rescore.jobId };
}
let rewardIds: Record<string, string> | null = null;

/** The address with ids in place of the words that stand for them. */
function address(hash: string): string {
  const ids = { LIVE: liveRun ?? '', ...rewardIds };
  return Object.entries(ids).reduce((text, [word, id]) => text.replace(word, id), hash);
}

try {
  for (const theme of themes) {
    const context = await browser.newContext({ colorScheme: theme, reducedMotion: 'reduce' });
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error')
        console.error(`${page.url().replace(/token=[^#]+/, '')}: ${message.text()}`);
    });
    page.on('pageerror', (error) => {
      console.error(error);
    });
    for (const shot of shots) {
      if (wanted.length > 0 && !wanted.some((word) => shot.name.startsWith(word))) continue;
      if (shot.live) liveRun ??= await startLiveRun();
      if (/REWARD|#\/rewards$/.test(shot.hash) && !shot.empty) rewardIds ??= await prepareRewards();
      for (const size of sizes) {
        await page.setViewportSize(size);
        await page.goto('about:blank');
        await page.goto((shot.empty ? empty : full).url + address(shot.hash));
        await page.waitForLoadState('networkidle');
        await page.waitForTimeout(250);
        if (shot.keys === 'palette') await page.keyboard.press('Control+k');
        else for (const key of shot.keys ?? '') await page.keyboard.press(key);
        await page.waitForTimeout(shot.keys ? 400 : 50);
        await page.screenshot({ path: join(folder, `${shot.name}-${size.name}-${theme}.png`) });
      }
    }
    await context.close();
  }
} finally {
  await browser.close();
  await Promise.all([empty.close(), full.close()]);
  await resources.remove();
}
console.log(`Pictures are in ${folder}`);
