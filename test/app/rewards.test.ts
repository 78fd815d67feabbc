/** Rewards in the window: built without code, tried, benched on real answers and cheats, kept, and applied to a past run. */
import { readFile } from 'node:fs/promises';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rewardBenchReportSchema } from '../../src-main/contract/reward-bench.ts';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';
import { recordedIds, recordRuns } from './recorded-runs.ts';
import { makeTestResources, type TestResources } from './test-resources.ts';

/** Presses Tab until the element has the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 120; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${String(target)} cannot be reached by Tab`);
}

describe('rewards', () => {
  let resources: TestResources;
  let host: AppHost;
  let browser: Browser;
  let opened: OpenPage;
  let page: Page;

  beforeAll(async () => {
    resources = await makeTestResources();
    host = await startAppHost({
      resourcesDirectory: resources.directory,
      record: (store) => {
        recordRuns(store, Date.now(), 500);
      },
    });
    browser = await launchBrowser();
    opened = await openPage(browser, host, '#/rewards');
    page = opened.page;
  });
  afterAll(async () => {
    await opened.close();
    await browser.close();
    await host.close();
    await resources.remove();
  });

  const check = (place: number): Locator =>
    page.getByRole('list', { name: 'Checks' }).getByRole('listitem', { name: `Check ${place}:` });

  async function seriousFindings(): Promise<string[]> {
    const { violations } = await new AxeBuilder({ page }).analyze();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }

  /** In both themes. */
  async function expectAccessible(): Promise<void> {
    expect(await seriousFindings()).toEqual([]);
    await page.getByRole('button', { name: 'Dark theme' }).click();
    expect(await seriousFindings()).toEqual([]);
    await page.getByRole('button', { name: 'Light theme' }).click();
  }

  it('teaches where the library is empty, and begins with a sample', async () => {
    await page.getByText('No rewards yet').waitFor();
    await expectAccessible();
    await page.getByRole('button', { name: /^Format and length/ }).click();
    await page.waitForURL(/#\/rewards\/.+/);
    await page.getByText('Reward = 1 × number + 0.2 × tags + 0.2 × length').waitFor();
    const [kept] = await host.services.call('rewards.list', {});
    expect(kept?.name).toBe('Format and length');
  });

  it('is built by keyboard alone from number, form and length, and kept', async () => {
    await opened.open('#/rewards/new');
    const add = async (name: RegExp): Promise<void> => {
      await tabTo(page, page.getByRole('button', { name: 'Add a check' }));
      await page.keyboard.press('Enter');
      await tabTo(page, page.getByRole('dialog').getByRole('button', { name }));
      await page.keyboard.press('Enter');
    };
    await tabTo(page, page.getByLabel('Name', { exact: true }));
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('By keyboard');
    await tabTo(page, check(1).getByLabel('Where the number stands'));
    await page.keyboard.type('last');
    await add(/^Tags/);
    await add(/^Length/);
    await tabTo(page, check(3).getByLabel('At most'));
    await page.keyboard.type('20');
    await page.getByText('Reward = 1 × number + 1 × tags + 1 × length').waitFor();
    await page.keyboard.press('ControlOrMeta+s');
    await page.waitForURL(/#\/rewards\/(?!new).+/);
    const kept = (await host.services.call('rewards.list', {})).find(({ name }) => name === 'By keyboard');
    expect(kept?.reward.components).toMatchObject([
      { kind: 'number', find: 'last' },
      { kind: 'tags', tags: ['think', 'answer'] },
      { kind: 'length', max: 20 },
    ]);
  });

  it('tries one answer and says the reasons', async () => {
    await page.getByLabel('Answer of the model').fill('<think>3 times 60</think><answer>180</answer>');
    await page.getByRole('button', { name: 'Try', exact: true }).click();
    const panel = page.getByRole('complementary', { name: 'Try on one answer' });
    await expect.poll(() => panel.locator('.total').textContent()).toBe('3');
  });

  it('grades pasted answers beside planted cheats, with advice first', async () => {
    await page.getByRole('tab', { name: 'Bench' }).click();
    await page.getByRole('button', { name: 'Add an answer' }).click();
    await page.getByLabel('Answer 4', { exact: true }).fill('<think>guess</think><answer>200</answer>');
    await page.getByRole('button', { name: 'Grade them' }).click();
    const result = page.getByRole('region', { name: 'Result of the bench' });
    await result.getByRole('list', { name: 'Advice' }).waitFor();
    await result.getByText('Question again').first().waitFor();
    await expectAccessible();
    await result.getByRole('button', { name: 'total', exact: true }).click();
    await page.waitForURL(/sort=total\.down/);
    const first = result.getByRole('rowgroup', { name: 'Graded answers' }).getByRole('row').first();
    await first.getByRole('button').click();
    await result.getByRole('region', { name: 'Chosen answer' }).getByText('Right answer').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      result.getByRole('button', { name: 'JSON' }).click(),
    ]);
    const report = rewardBenchReportSchema.parse(JSON.parse(await readFile(await download.path(), 'utf8')));
    expect(report.answers).toBe(4);
    expect(report.planted).toHaveLength(8);
    // A link shows what was seen.
    await page.reload();
    await result.getByRole('list', { name: 'Advice' }).waitFor();
  });

  it('asks the model now and grades what it says', async () => {
    await page.getByRole('radio', { name: /^The model now/ }).check();
    await page.getByLabel(/^Questions/).fill('4');
    await page.getByLabel(/^Questions/).blur();
    await page.getByRole('button', { name: 'Grade them' }).click();
    await page.getByText('to 4 questions').waitFor({ timeout: 60_000 });
  });

  it('runs an own function, with its console and the line of an error', async () => {
    await opened.open('#/rewards/new');
    await page.getByLabel('Kind of check 1').selectOption({ label: 'Your own function' });
    await check(1).getByRole('button', { name: 'Share of the right words' }).click();
    await page.getByRole('button', { name: 'Try', exact: true }).click();
    await page.getByText('missing []').waitFor();
    const code = check(1).getByLabel(/^Code/);
    await code.fill('function reward() {\n  return 1 +;\n}');
    await page.getByRole('button', { name: 'Try', exact: true }).click();
    await check(1)
      .getByText(/^Line 2:/)
      .waitFor();
    // Tab indents; Escape and Tab leave.
    await code.focus();
    await page.keyboard.press('ControlOrMeta+Home');
    await page.keyboard.press('Tab');
    expect((await code.inputValue()).startsWith('  function')).toBe(true);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    expect(await code.evaluate((element) => element === document.activeElement)).toBe(false);
  });

  it('removes with Undo, renames and duplicates', async () => {
    await opened.open('#/rewards');
    const list = page.getByRole('list', { name: 'Kept rewards' });
    await page.getByRole('button', { name: 'Remove By keyboard' }).click();
    await expect.poll(() => list.getByText('By keyboard').count()).toBe(0);
    await page.getByRole('button', { name: 'Undo' }).click();
    await list.getByText('By keyboard').first().waitFor();
    await page.getByRole('button', { name: 'Rename By keyboard' }).click();
    await page.getByLabel('New name of By keyboard').fill('Renamed');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Duplicate Renamed' }).click();
    await list.getByText('Renamed copy').waitFor();
    await expectAccessible();
  });

  it('grades a past run anew, reached from its page', async () => {
    await opened.open(`#/run/${recordedIds.done}`);
    await page.getByRole('link', { name: 'Grade anew' }).click();
    await page.getByLabel('Reward from the library').selectOption({ label: 'Format and length' });
    await page.getByRole('button', { name: 'Grade its answers' }).click();
    const result = page.getByRole('region', { name: 'Old and new reward' });
    await result.getByText('rank correlation').waitFor({ timeout: 60_000 });
    await expectAccessible();
    opened.expectNoComplaints();
  });
});
