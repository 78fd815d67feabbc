/** The form of a new experiment: mistakes at their fields, preview, draft, files, and Start. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExperiment } from '../../src-main/contract/parse-experiment.ts';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';
import { makeTestResources, type TestResources } from './test-resources.ts';

describe('a new experiment', () => {
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

  it('leads to what is missing when it is started too early', async () => {
    const { page } = opened;
    await page.getByRole('button', { name: 'Start' }).click();
    const path = page.getByLabel('Training questions');
    await expect.poll(() => path.evaluate((field) => field === document.activeElement)).toBe(true);
    expect(await path.getAttribute('aria-invalid')).toBe('true');
    await page.getByRole('alert').filter({ hasText: 'Fill this in.' }).waitFor();
    expect(await host.services.call('runs.list', {})).toEqual([]);
  });

  it('says what is wrong with a file and a model that are not there', async () => {
    const { page } = opened;
    await page.getByLabel('Training questions').fill('/nowhere/at-all.jsonl');
    await page.getByText('This file cannot be read').waitFor();
    await page.getByRole('radio', { name: /A folder of yours/ }).check();
    await page.getByLabel('Model folder').fill('/nowhere/model');
    await page.getByText('This model cannot be used').waitFor();
    await page.getByRole('radio', { name: /starter/ }).check();
    await page.getByText('65.2 k').waitFor();
  });

  it('reads the file, guesses its columns and shows the first question', async () => {
    const { page } = opened;
    await page.getByLabel('Training questions').fill(resources.dataFile);
    await page.getByRole('columnheader', { name: /question/ }).waitFor();
    await page.getByText('40 rows, 2 columns').waitFor();
    const example = page.getByText('The first question, as the model will see it').locator('..');
    await expect.poll(() => example.innerText()).toContain('0+1=');
    await expect
      .poll(() => page.getByRole('complementary', { name: 'Review' }).innerText())
      .toContain('Memory needed');
  });

  it('names what a number must be, right at its field', async () => {
    const { page } = opened;
    const steps = page.getByLabel('Steps', { exact: true });
    for (const [typed, message] of [
      ['many', 'A number is needed.'],
      ['0', 'At least 1 is needed.'],
      ['2.5', 'A whole number is needed.'],
    ] as const) {
      await steps.fill(typed);
      await steps.blur();
      await page.getByRole('alert').filter({ hasText: message }).waitFor();
    }
    await steps.fill('6');
    await expect.poll(() => steps.getAttribute('aria-invalid')).toBe('false');
  });

  it('keeps the draft over a reload', async () => {
    const { page } = opened;
    await page.getByLabel('Name', { exact: true }).fill('שלום 👩‍🔬 experiment');
    await page.waitForTimeout(500);
    await opened.open('#/new');
    await expect.poll(() => page.getByLabel('Name', { exact: true }).inputValue()).toBe('שלום 👩‍🔬 experiment');
    expect(await page.getByLabel('Steps', { exact: true }).inputValue()).toBe('6');
  });

  it('picks a folder of the machine that trains', async () => {
    const { page } = opened;
    await page.getByRole('radio', { name: /A folder of yours/ }).check();
    await page.getByRole('button', { name: 'Browse…' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Use this folder' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => dialog.count()).toBe(0);
    await page.getByRole('radio', { name: /starter/ }).check();
  });

  it('exports a file that the command line takes, and takes it back', async () => {
    const { page } = opened;
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export' }).click(),
    ]);
    const text = await readFile(await download.path(), 'utf8');
    expect(parseExperiment(text)).toMatchObject({ name: 'שלום 👩‍🔬 experiment', budget: { steps: 6 } });
    const broken = join(resources.directory, 'broken.json');
    await writeFile(broken, '{"version": 1, "name": "x", "modle": {}}');
    await page.locator('input[type="file"]').setInputFiles(broken);
    await page.getByRole('alert').filter({ hasText: 'modle' }).waitFor();
    const good = join(resources.directory, 'good.json');
    await writeFile(good, text.replace('"steps": 6', '"steps": 8'));
    await page.locator('input[type="file"]').setInputFiles(good);
    await expect.poll(() => page.getByLabel('Steps', { exact: true }).inputValue()).toBe('8');
  });

  it('hides rewards for imitation and shows what a method needs', async () => {
    const { page } = opened;
    await page.getByRole('radio', { name: /Imitation/ }).check();
    expect(await page.getByRole('heading', { name: /Reward/ }).count()).toBe(0);
    await page.getByRole('radio', { name: /^RLOO/ }).check();
    await page.getByLabel('Answers per question').fill('1');
    await page
      .getByRole('complementary', { name: 'Review' })
      .getByText('It would not start like this')
      .waitFor();
    await page.getByLabel('Answers per question').fill('2');
    await page.getByLabel('Kind of check 1').selectOption({ label: 'Exact text' });
  });

  it('starts', async () => {
    const { page } = opened;
    await page.getByLabel('Longest answer').fill('4');
    await expect
      .poll(() => page.getByRole('complementary', { name: 'Review' }).innerText())
      .toContain('Memory needed');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.waitForURL(/#\/run\/.+/);
    await page.getByRole('region', { name: 'Summary' }).waitFor({ timeout: 60_000 });
    opened.expectNoComplaints();
  });
});
