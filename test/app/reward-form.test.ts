/** A reward of several checks is built without code, by mouse and by keyboard, and a run learns from it. */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExperiment } from '../../src-main/contract/parse-experiment.ts';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';
import { makeTestResources, type TestResources } from './test-resources.ts';

const stored = (page: Page): Promise<string> =>
  page.evaluate(() => localStorage.getItem('espalier.draft') ?? '');

/** The reward that the form holds, as the contract reads it. */
async function rewardOf(page: Page): Promise<unknown> {
  try {
    const { reward } = parseExperiment(await stored(page));
    return reward;
  } catch {
    return null;
  }
}

/** Presses Tab until the element has the focus. */
async function tabTo(page: Page, target: Locator, key = 'Tab'): Promise<void> {
  for (let presses = 0; presses < 120; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${String(target)} cannot be reached by ${key}`);
}

/** The reward that both ways must lead to. */
const wanted = {
  components: [
    { kind: 'number', find: 'last', weight: 1 },
    { kind: 'tags', tags: ['answer'], need: 'share', weight: 0.2, alone: false },
    { kind: 'length', unit: 'characters', max: 1, margin: 12, weight: 0.5 },
  ],
};

describe('the reward of a new experiment', () => {
  let resources: TestResources;
  let host: AppHost;
  let browser: Browser;
  let opened: OpenPage;

  beforeAll(async () => {
    resources = await makeTestResources();
    host = await startAppHost({ resourcesDirectory: resources.directory });
    browser = await launchBrowser();
    opened = await openPage(browser, host, '#/new');
  });
  afterAll(async () => {
    await opened.close();
    await browser.close();
    await host.close();
    await resources.remove();
  });

  const check = (place: number): Locator =>
    opened.page.getByRole('list', { name: 'Checks' }).getByRole('listitem', { name: `Check ${place}:` });

  it('is built by mouse from number, tags and length', async () => {
    const { page } = opened;
    await page.getByLabel('Training questions').fill(resources.dataFile);
    await page.getByText('40 rows, 2 columns').waitFor();
    await check(1).getByLabel('Where the number stands').selectOption('last');
    await page.getByRole('button', { name: 'Add a check' }).click();
    await page.getByRole('dialog').getByRole('button', { name: /^Tags/ }).click();
    await check(2).getByLabel('Tags').fill('answer');
    await check(2).getByLabel('What counts').selectOption('share');
    await check(2).getByLabel('Nothing else').uncheck();
    await check(2).getByLabel('Weight').fill('0.2');
    await page.getByRole('button', { name: 'Add a check' }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Length/ })
      .click();
    await check(3).getByLabel('Counted in').selectOption('characters');
    await check(3).getByLabel('At most').fill('1');
    await check(3).getByLabel('Margin').fill('12');
    await check(3).getByLabel('Weight').fill('0.5');
    await page.getByText('Reward = 1 × number + 0.2 × tags + 0.5 × length').waitFor();
    await expect.poll(() => rewardOf(page)).toMatchObject(wanted);
  });

  it('starts a run that learns', async () => {
    const { page } = opened;
    for (const [field, value] of [
      ['Questions per step', '4'],
      ['Longest answer', '8'],
      ['Learning rate', '0.01'],
    ] as const)
      await page.getByLabel(field).fill(value);
    await page.getByLabel('Steps', { exact: true }).fill('40');
    await page.getByLabel('Answers per question').fill('8');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.waitForURL(/#\/run\/.+/);
    await page.getByRole('region', { name: 'Summary' }).waitFor({ timeout: 90_000 });
    const [run] = await host.services.call('runs.list', {});
    if (run === undefined) throw new Error('there is no run');
    const names = ['rewardMean', 'reward.length'];
    const series = await host.services.call('runs.metrics', { runId: run.id, names });
    for (const name of names) {
      const values = series.find((one) => one.name === name)?.values ?? [];
      expect(values).toHaveLength(40);
      const mean = (part: readonly number[]): number => part.reduce((sum, one) => sum + one, 0) / part.length;
      expect(mean(values.slice(-8))).toBeGreaterThan(mean(values.slice(0, 8)) + 0.1);
    }
    opened.expectNoComplaints();
  });

  it('is built by keyboard alone', async () => {
    await opened.open('#/new');
    const { page } = opened;
    await page.evaluate(() => {
      localStorage.removeItem('espalier.draft');
    });
    await opened.open('#/new');
    const field = (place: number, name: string): Locator => check(place).getByLabel(name);
    const type = async (target: Locator, text: string): Promise<void> => {
      await tabTo(page, target);
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.type(text);
    };
    const choose = async (target: Locator, text: string): Promise<void> => {
      await tabTo(page, target);
      await page.keyboard.type(text);
    };
    const add = async (name: RegExp): Promise<void> => {
      await tabTo(page, page.getByRole('button', { name: 'Add a check' }));
      await page.keyboard.press('Enter');
      await tabTo(page, page.getByRole('dialog').getByRole('button', { name }));
      await page.keyboard.press('Enter');
    };
    await choose(field(1, 'Where the number stands'), 'last');
    // The second check is made first as the third, and then moved.
    await add(/^Length/);
    await expect.poll(() => page.evaluate(() => document.activeElement?.ariaLabel)).toBe('Kind of check 2');
    await choose(field(2, 'Counted in'), 'char');
    await type(field(2, 'At most'), '1');
    await type(field(2, 'Margin'), '12');
    await type(field(2, 'Weight'), '0.5');
    await add(/^Tags/);
    await type(field(3, 'Tags'), 'answer');
    await choose(field(3, 'What counts'), 'share');
    await tabTo(page, field(3, 'Nothing else'));
    await page.keyboard.press('Space');
    await type(field(3, 'Weight'), '0.2');
    await tabTo(page, page.getByRole('button', { name: 'Move check 3 up' }), 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Reward = 1 × number + 0.2 × tags + 0.5 × length').waitFor();
    // The focus goes along, so that the check can be moved on.
    await expect.poll(() => page.evaluate(() => document.activeElement?.ariaLabel)).toBe('Move check 2 up');
    await expect
      .poll(async () => JSON.parse(await stored(page)) as unknown)
      .toMatchObject({
        reward: {
          components: [
            { kind: 'number', find: 'last' },
            { kind: 'tags', tags: ['answer'], need: 'share', weight: 0.2, alone: false },
            { kind: 'length', unit: 'characters', max: 1, margin: 12, weight: 0.5 },
          ],
        },
      });
  });

  it('fits a phone with every sort of field', async () => {
    const { page } = opened;
    await page.evaluate(() => {
      const tags = { kind: 'tags', weight: 0.2, gate: 1, range: [0, 1] };
      const constrained = { id: 'detectable_format:constrained_response', arguments: {} };
      const instructions = { kind: 'instructions', instructions: [constrained] };
      const draft = JSON.parse(localStorage.getItem('espalier.draft') ?? '{}') as Record<string, unknown>;
      const judge = { kind: 'judge', rubric: 'builtin:politeness', key: 'a-key-with-a-rather-long-name' };
      const reward = { components: [{ kind: 'number' }, tags, instructions, judge], clip: [0, 2] };
      localStorage.setItem('espalier.draft', JSON.stringify({ ...draft, reward }));
    });
    await page.setViewportSize({ width: 390, height: 844 });
    await opened.open('#/new');
    await check(4).getByText('not on this computer').waitFor({ state: 'attached' });
    for (const place of [3, 4]) {
      const over = await check(place).evaluate((item) => {
        const right = Math.max(
          ...[item, ...item.querySelectorAll('*')].map((one) => one.getBoundingClientRect().right),
        );
        return right - document.documentElement.clientWidth;
      });
      expect(over).toBeLessThanOrEqual(0);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it('offers proper fields for every kind: ranges, gates, lists, instructions', async () => {
    const { page } = opened;
    await page.evaluate(() => {
      const components = [{ kind: 'number' }, { kind: 'tags', weight: 0.2 }, { kind: 'length', weight: 0.5 }];
      const draft = JSON.parse(localStorage.getItem('espalier.draft') ?? '{}') as Record<string, unknown>;
      localStorage.setItem('espalier.draft', JSON.stringify({ ...draft, reward: { components } }));
    });
    await opened.open('#/new');
    await check(1).getByText('Name, range and gate').click();
    await check(1).getByLabel('Range, from').fill('0');
    await check(1).getByLabel('Range, to').fill('1');
    await check(1).getByLabel('Must reach').fill('0.5');
    await check(1).getByLabel('Even out').check();
    await check(1).getByLabel('Column name').fill('sum');
    await page.getByText('Reward = 1 × evened sum + 0.2 × tags + 0.5 × length; 0 unless').waitFor();
    await page.getByRole('button', { name: 'Remove check 2' }).click();
    await page.getByRole('button', { name: 'Remove check 2' }).click();
    await page.getByLabel('Kind of check 1').selectOption({ label: 'Follows instructions' });
    await check(1).getByRole('button', { name: 'Add an instruction' }).click();
    await page.getByLabel('Instruction 1', { exact: true }).selectOption({ label: 'Words that must occur' });
    await check(1).getByRole('group', { name: 'Instructions' }).getByLabel('Words').fill('red\nblue');
    await page.getByText('How the checks make one number').click();
    await page.getByLabel('Answers that were cut off').selectOption('penalise');
    await page.getByLabel('Penalty for cut-off answers').fill('0.25');
    await page.getByLabel('Limits of the total, from').fill('-1');
    await page.getByLabel('Limits of the total, to').fill('2');
    await page.getByLabel('Limits of the total, to').blur();
    await expect
      .poll(async () => JSON.parse(await stored(page)) as unknown)
      .toMatchObject({
        reward: {
          components: [
            {
              kind: 'instructions',
              name: 'sum',
              range: [0, 1],
              gate: 0.5,
              normalise: true,
              instructions: [{ id: 'keywords:existence', arguments: { keywords: ['red', 'blue'] } }],
            },
          ],
          truncated: 'penalise',
          truncatedPenalty: 0.25,
          clip: [-1, 2],
        },
      });
    opened.expectNoComplaints();
  });
});
