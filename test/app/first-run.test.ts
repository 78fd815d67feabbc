/** From the first start to a rising number of steps with one click, with the real server, trainer and browser. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';
import { exampleSteps, makeTestResources, type TestResources } from './test-resources.ts';

describe('the first run', () => {
  let resources: TestResources;
  let host: AppHost;
  let browser: Browser;
  let opened: OpenPage;

  beforeAll(async () => {
    resources = await makeTestResources();
    host = await startAppHost({ resourcesDirectory: resources.directory });
    browser = await launchBrowser();
    opened = await openPage(browser, host);
  });
  afterAll(async () => {
    await opened.close();
    await browser.close();
    await host.close();
    await resources.remove();
  });

  it('offers one large button that says what will happen and what the model knows', async () => {
    const { page } = opened;
    await page.getByRole('heading', { name: 'Watch a model learn' }).waitFor();
    await page.getByText('it has learnt from nothing yet').waitFor();
    await page.getByRole('link', { name: 'Bring your data' }).waitFor();
    await page.getByRole('link', { name: 'Bring your model' }).waitFor();
  });

  it('starts training and shows it live, to the end', async () => {
    const { page } = opened;
    await page
      .getByRole('region', { name: 'Watch a model learn' })
      .getByRole('button', { name: 'Start' })
      .click();
    await page.waitForURL(/#\/run\/.+/);
    await page.getByRole('heading', { name: 'First run' }).waitFor();
    await page.getByRole('contentinfo', { name: 'Status' }).waitFor();
    // The closing summary comes with the events of the host, without a reload.
    const summary = page.getByRole('region', { name: 'Summary' });
    await summary.waitFor({ timeout: 60_000 });
    await expect.poll(() => summary.innerText()).toContain(String(exampleSteps));
    await page.getByText(`step ${exampleSteps} of ${exampleSteps}`).first().waitFor();
    await page.getByRole('heading', { name: 'Newest answers' }).waitFor();
    expect(
      await page.getByRole('complementary', { name: 'Newest answers' }).getByRole('listitem').count(),
    ).toBeGreaterThan(1);
    await page.getByRole('heading', { name: 'Answer length' }).waitFor();
    // The number beside the curve is the stored mean reward of the last step.
    const table = page.getByRole('button', { name: 'Reward: numbers as a table' });
    await table.click();
    await page
      .getByRole('table', { name: 'Reward' })
      .getByRole('cell', { name: '1', exact: true })
      .first()
      .waitFor();
  });

  it('shows the run on Home and its answers under Samples', async () => {
    const { page } = opened;
    await page.getByRole('link', { name: 'Home', exact: true }).click();
    await page.getByRole('heading', { name: 'Recent runs' }).waitFor();
    await page.getByRole('link', { name: 'Samples' }).click();
    await page.getByText(/^\d+ answers$/).waitFor();
    opened.expectNoComplaints();
  });
});
