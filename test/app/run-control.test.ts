/** A run is stopped, resumed, renamed, deleted and brought back in the window while its trainer really works. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';
import { makeTestResources, type TestResources } from './test-resources.ts';

describe('a run at work', () => {
  let resources: TestResources;
  let host: AppHost;
  let browser: Browser;
  let opened: OpenPage;
  let runId: string;

  beforeAll(async () => {
    resources = await makeTestResources();
    host = await startAppHost({ resourcesDirectory: resources.directory });
    browser = await launchBrowser();
    const [example] = await host.services.call('examples.list', {});
    if (!example) throw new Error('The test resources have an example.');
    const experiment = structuredClone(example.experiment);
    experiment.budget.steps = 100_000;
    const { runIds } = await host.services.call('experiments.start', { experiment });
    runId = runIds[0] ?? '';
    opened = await openPage(browser, host, `#/run/${runId}`);
  });
  afterAll(async () => {
    await opened.close();
    await browser.close();
    await host.close();
    await resources.remove();
  });

  it('moves on while it is watched', async () => {
    const { page } = opened;
    const step = async (): Promise<number> => {
      const text =
        (await page
          .getByText(/^step [\d,]+ of 100,000$/)
          .first()
          .textContent()) ?? '';
      return Number(/step ([\d,]+)/.exec(text)?.[1]?.replaceAll(',', '') ?? 0);
    };
    await expect.poll(step, { timeout: 30_000 }).toBeGreaterThan(3);
    const before = await step();
    await expect.poll(step, { timeout: 10_000 }).toBeGreaterThan(before);
    // The strip at the bottom follows the same run from every page.
    await page.getByRole('link', { name: 'Experiments' }).click();
    await page.getByRole('contentinfo', { name: 'Status' }).getByRole('link').first().click();
    await page.waitForURL((url) => url.hash === `#/run/${runId}`);
  });

  it('catches up after the connection was lost', async () => {
    const { page } = opened;
    const restore = await host.interrupt();
    const lost = page.getByText('Espalier does not answer. Trying again…');
    await lost.waitFor();
    const before = (await host.services.call('runs.get', { runId })).step;
    await expect
      .poll(async () => (await host.services.call('runs.get', { runId })).step, { timeout: 10_000 })
      .toBeGreaterThan(before + 20);
    await restore();
    await expect.poll(() => lost.count(), { timeout: 20_000 }).toBe(0);
  });

  it('stops with a checkpoint and can be resumed', async () => {
    const { page } = opened;
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Resume' }).waitFor({ timeout: 30_000 });
    await page.getByRole('tab', { name: /Checkpoints/ }).click();
    await page.getByRole('cell', { name: 'Last', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    await expect.poll(async () => (await host.services.call('runs.get', { runId })).status).toBe('running');
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Resume' }).waitFor({ timeout: 30_000 });
  });

  it('has shown every point, without a reload', async () => {
    const { page } = opened;
    await page.getByRole('tab', { name: 'Overview' }).click();
    await page.getByRole('button', { name: 'Reward: numbers as a table' }).click();
    const [series, detail] = await Promise.all([
      host.services.call('runs.metrics', { runId, names: ['rewardMean'] }),
      host.services.call('runs.get', { runId }),
    ]);
    const steps = new Set([...(series[0]?.steps ?? []), ...detail.evaluations.map((row) => row.step)]);
    const table = page.getByRole('table', { name: 'Reward' });
    await expect
      .poll(async () => Number(await table.getAttribute('aria-rowcount')), { timeout: 10_000 })
      .toBe(steps.size + 1);
    await table.getByRole('group').evaluate((list) => {
      list.scrollTop = list.scrollHeight;
    });
    await table
      .getByRole('cell', { name: detail.step.toLocaleString('en-US'), exact: true })
      .first()
      .waitFor();
  });

  it('takes another name', async () => {
    const { page } = opened;
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('textbox', { name: 'Name of the run' }).fill('Sums, <i>again</i>');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Sums, <i>again</i>' }).waitFor();
  });

  it('is deleted and brought back', async () => {
    const { page } = opened;
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL(/#\/experiments/);
    await page.getByText('No runs yet').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('link', { name: 'Sums, <i>again</i>' }).waitFor();
  });

  it('is cloned with its settings', async () => {
    const { page } = opened;
    await page.getByRole('link', { name: 'Sums, <i>again</i>' }).click();
    await page.getByRole('link', { name: 'Clone with changes' }).click();
    await page.getByRole('heading', { name: 'What should be learnt?' }).waitFor();
    await expect.poll(() => page.getByLabel('Steps').inputValue()).toBe('100000');
    opened.expectNoComplaints(/WebSocket connection|Failed to load resource/);
  });
});
