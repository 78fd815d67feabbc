/** Runs and answers that are stored already: charts, samples, hostile texts, links, keys, themes. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';
import { recordedIds, recordRuns, trickyTexts } from './recorded-runs.ts';

const now = Date.now();

describe('stored runs', () => {
  let host: AppHost;
  let browser: Browser;
  let opened: OpenPage;

  beforeAll(async () => {
    host = await startAppHost({
      record: (store) => {
        recordRuns(store, now, 20_000);
      },
    });
    browser = await launchBrowser();
    opened = await openPage(browser, host);
  });
  afterAll(async () => {
    await opened.close();
    await browser.close();
    await host.close();
  });

  it('says on Home what needs attention', async () => {
    const { page } = opened;
    await page.getByRole('heading', { name: 'Needs attention' }).waitFor();
    await page.getByText('failed at step 37').waitFor();
  });

  it('shows the last words of a failed run and offers to resume it', async () => {
    const { page } = opened;
    await opened.open(`#/run/${recordedIds.failed}`);
    const alert = page.getByRole('alert').filter({ hasText: 'The run failed at step 37' });
    await alert.waitFor();
    expect(await alert.innerText()).toContain('allocating 2.1 GB');
    await alert.getByText('Details').click();
    await alert.getByText('signal: SIGKILL').waitFor();
    await page.getByRole('button', { name: 'Resume' }).waitFor();
  });

  it('shows numbers of a chart as a table, and moves cursor and zoom with keys', async () => {
    const { page } = opened;
    await opened.open(`#/run/${recordedIds.long}`);
    const chart = page.getByRole('group', { name: /^Reward, chart/ });
    await chart.focus();
    await page.keyboard.press('ArrowRight');
    await page
      .getByText(/^step 10,\d+$/)
      .first()
      .waitFor();
    await page.keyboard.press('+');
    await page.waitForURL(/from=\d+&to=\d+/);
    const address = page.url();
    await page.getByRole('button', { name: 'Reward: numbers as a table' }).click();
    const table = page.getByRole('table', { name: 'Reward' });
    await table.waitFor();
    expect(Number(await table.getAttribute('aria-rowcount'))).toBeGreaterThan(9_000);
    expect(await table.getByRole('row').count()).toBeLessThan(60);
    // The link shows the same window again.
    await opened.open(new URL(address).hash);
    await page.getByText(/^Steps [\d,]+ to [\d,]+\./).waitFor();
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(() => page.url()).not.toContain('from=');
  });

  it('saves a chart as picture and as numbers', async () => {
    const { page } = opened;
    await opened.open(`#/run/${recordedIds.done}`);
    const [picture] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Reward: save as picture' }).click(),
    ]);
    expect(picture.suggestedFilename()).toBe('reward.png');
    const [numbers] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Reward: save numbers as CSV' }).click(),
    ]);
    expect(numbers.suggestedFilename()).toBe('reward.csv');
  });

  it('keeps tabs in the address, and back and forward work', async () => {
    const { page } = opened;
    await opened.open(`#/run/${recordedIds.done}`);
    await page.getByRole('tab', { name: 'Settings' }).click();
    await page.getByText('method.learningRate').waitFor();
    await page.getByRole('tab', { name: /Log/ }).click();
    await page.getByText('12 rows were left out').waitFor();
    await page.goBack();
    await page.getByText('method.learningRate').waitFor();
    await page.goForward();
    await page.getByText('12 rows were left out').waitFor();
  });

  it('shows hostile text as text', async () => {
    const { page } = opened;
    await opened.open(`#/samples?run=${recordedIds.done}&step=1&sort=oldest`);
    for (const text of Object.values(trickyTexts))
      await page.getByText(text, { exact: true }).first().waitFor();
    await page.getByText(trickyTexts.markup, { exact: true }).first().click();
    await page.getByRole('region', { name: 'Chosen answer' }).getByText('What the reward said').waitFor();
    expect(await page.locator('main img, main b').count()).toBe(0);
    expect(await page.title()).toContain('Samples');
  });

  it('lists thousands of answers with few rows in the page', async () => {
    const { page } = opened;
    await opened.open(`#/samples?run=${recordedIds.done}`);
    await page.getByText('3,200 answers').waitFor();
    expect(await page.locator('a.sample').count()).toBeLessThan(50);
    await page.getByRole('group', { name: 'Answers' }).evaluate((list) => {
      list.scrollTop = list.scrollHeight;
    });
    await page.locator('a.sample').last().waitFor();
    await expect.poll(() => page.locator('a.sample').last().innerText()).toContain('\n1\n');
  });

  it('filters, and the link reopens what was seen', async () => {
    const { page } = opened;
    await opened.open(`#/samples?run=${recordedIds.done}`);
    await page.getByLabel('Lowest reward').fill('1');
    await page.getByLabel('Order').selectOption('oldest');
    await expect.poll(() => page.url()).toMatch(/min=1.*sort=oldest|sort=oldest.*min=1/);
    await page.getByText(/^[12],\d+ answers$/).waitFor();
    await page.getByLabel('Step', { exact: false }).last().fill('3');
    await page.waitForURL(/step=9/);
    await page.keyboard.press('Escape');
    await page.locator('a.sample').first().click();
    await page.waitForURL(/sample=\d+/);
    const seen = await page
      .getByRole('region', { name: 'Chosen answer' })
      .getByRole('heading')
      .first()
      .innerText();
    const second = await openPage(browser, host, new URL(page.url()).hash);
    await expect
      .poll(() =>
        second.page.getByRole('region', { name: 'Chosen answer' }).getByRole('heading').first().innerText(),
      )
      .toBe(seen);
    expect(await second.page.getByLabel('Lowest reward').inputValue()).toBe('1');
    second.expectNoComplaints();
    await second.close();
  });

  it('paints tokens, and tells their numbers', async () => {
    const { page } = opened;
    await opened.open(`#/samples?run=${recordedIds.done}&sort=oldest`);
    await page.locator('a.sample').first().waitFor();
    await page.keyboard.press('j');
    const detail = page.getByRole('region', { name: 'Chosen answer' });
    await detail.getByLabel('Painted by').selectOption('entropy');
    await page.waitForURL(/paint=entropy/);
    await detail.getByRole('group', { name: /Tokens of the answer/ }).focus();
    await page.keyboard.press('ArrowRight');
    await detail.getByText(/place 2 of \d+/).waitFor();
    await detail
      .getByText(/Entropy 0?\.?\d+/)
      .first()
      .waitFor();
  });

  it('reaches everything by keyboard', async () => {
    const { page } = opened;
    await opened.open('#/');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Go to or do' }).fill('fifty');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.hash === `#/run/${recordedIds.long}`);
    await page.keyboard.press('g');
    await page.keyboard.press('e');
    await page.waitForURL(/#\/experiments/);
    await page.keyboard.press('/');
    await page.keyboard.type('copy');
    await page.waitForURL(/search=copy/);
    await page.getByText('1 of 4').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.getByRole('link', { name: 'Home', exact: true }).focus();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  });

  it('changes between light and dark, and keeps the choice', async () => {
    const { page } = opened;
    await opened.open('#/');
    const ground = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByRole('button', { name: 'Dark theme' }).click();
    await expect.poll(ground).not.toBe(light);
    await opened.open('#/experiments');
    expect(await ground()).not.toBe(light);
    await page.getByRole('button', { name: 'Light theme' }).click();
    expect(await ground()).toBe(light);
  });

  it('says where nothing is', async () => {
    const { page } = opened;
    await opened.open('#/nowhere');
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await opened.open('#/run/unknown-run');
    await page.getByText('This run cannot be shown').waitFor();
    opened.expectNoComplaints();
  });
});
