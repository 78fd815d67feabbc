/** Every page, light and dark, wide and narrow, has no serious finding of axe-core, and nothing runs out of the page. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';
import { recordedIds, recordRuns } from './recorded-runs.ts';

const addresses = [
  '#/',
  '#/new',
  '#/experiments',
  `#/run/${recordedIds.done}`,
  `#/run/${recordedIds.done}?tab=settings`,
  `#/run/${recordedIds.done}?tab=checkpoints`,
  `#/run/${recordedIds.failed}`,
  `#/run/${recordedIds.queued}`,
  `#/samples?run=${recordedIds.done}&sort=oldest&sample=1`,
  '#/rewards',
  '#/rewards/new',
  '#/rewards/new?tab=bench',
  '#/laboratory',
  '#/laboratory?view=numbers&row=grpo',
  '#/nowhere',
];

describe('accessibility', () => {
  let host: AppHost;
  let browser: Browser;

  beforeAll(async () => {
    host = await startAppHost({
      record: (store) => {
        recordRuns(store, Date.now(), 500);
      },
    });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await host.close();
  });

  /** Serious findings; `rules` narrows what is looked for. */
  async function findings(opened: OpenPage, rules?: string[]): Promise<string[]> {
    const builder = new AxeBuilder({ page: opened.page });
    if (rules) builder.withRules(rules);
    const { violations } = await builder.analyze();
    return violations
      .filter((one) => one.impact === 'serious' || one.impact === 'critical')
      .map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`);
  }

  it.each(addresses)('%s has no serious finding', async (address) => {
    const opened = await openPage(browser, host, address);
    await opened.page.waitForLoadState('networkidle');
    expect(await findings(opened)).toEqual([]);
    // What differs in the dark is colour alone.
    await opened.page.getByRole('button', { name: 'Dark theme' }).click();
    expect(await findings(opened, ['color-contrast'])).toEqual([]);
    opened.expectNoComplaints();
    await opened.close();
  });

  it.each(addresses)('%s fits a phone', async (address) => {
    const opened = await openPage(browser, host, address, { width: 390 });
    await opened.page.waitForLoadState('networkidle');
    const overflow = await opened.page.evaluate(() => {
      const main = document.getElementById('main');
      return Math.max(
        document.documentElement.scrollWidth - document.documentElement.clientWidth,
        main ? main.scrollWidth - main.clientWidth : 0,
      );
    });
    expect(overflow).toBe(0);
    await opened.close();
  });

  it('palette and keys have no serious finding', async () => {
    const opened = await openPage(browser, host);
    await opened.page.keyboard.press('Control+k');
    await opened.page.getByRole('combobox').waitFor();
    expect(await findings(opened)).toEqual([]);
    await opened.page.keyboard.press('Escape');
    await opened.page.keyboard.press('?');
    await opened.page.getByRole('dialog', { name: 'Keys' }).waitFor();
    expect(await findings(opened)).toEqual([]);
    await opened.close();
  });
});
