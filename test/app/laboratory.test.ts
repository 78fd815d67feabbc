/** The laboratory in a real browser: editing, undo, errors at the field, addresses, keyboard, exports. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decisionProcessSchema, laboratoryReportSchema } from '../../src-main/contract/laboratory.ts';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';

describe('the laboratory', () => {
  let host: AppHost;
  let browser: Browser;
  let opened: OpenPage;
  let page: Page;

  beforeAll(async () => {
    host = await startAppHost();
    browser = await launchBrowser();
    opened = await openPage(browser, host, '#/laboratory');
    page = opened.page;
  });
  afterAll(async () => {
    await opened.close();
    await browser.close();
    await host.close();
  });

  const valueOf = (measure: number, name: string) =>
    page
      .getByRole('row', { name: new RegExp(`^${name}`) })
      .getByRole('cell')
      .nth(measure);
  async function download(button: string): Promise<string> {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: button, exact: true }).click(),
    ]);
    return file.path();
  }

  it('shows the theorem and every method that can be examined', async () => {
    await page.getByRole('heading', { name: 'What does each estimator do to the gradient?' }).waitFor();
    await page.getByRole('heading', { name: 'One reward for the whole answer is enough' }).waitFor();
    const difference = page.getByText('Largest difference of the two').locator('..');
    expect(Number((await difference.locator('dd').first().getAttribute('title')) ?? 1)).toBeLessThan(1e-12);
    const report = await host.services.call('lab.examine', {
      process: (await host.services.call('lab.processes', {}))[0]!.process,
    });
    for (const row of report.rows) {
      await page.getByRole('button', { name: row.title, exact: true }).waitFor();
    }
    expect(await valueOf(0, 'Dr. GRPO').innerText()).toBe('0');
    expect(Number(await valueOf(0, 'GRPO').innerText())).toBeGreaterThan(10);
  });

  it('examines an edited process at once, and takes it back', async () => {
    const before = await valueOf(3, 'RLOO').innerText();
    const reward = page.getByLabel('Reward of g.', { exact: true });
    await reward.fill('0.9');
    await expect.poll(() => valueOf(3, 'RLOO').innerText()).not.toBe(before);
    expect(await page.getByLabel('Process', { exact: true }).inputValue()).toBe('');
    await page.getByRole('button', { name: 'Undo', exact: true }).click();
    await expect.poll(() => reward.inputValue()).toBe('0.5');
    await expect.poll(() => valueOf(3, 'RLOO').innerText()).toBe(before);
  });

  it('says at the field what is wrong, and keeps the last numbers', async () => {
    const logit = page.getByLabel('Logit of t at the start');
    await logit.fill('much');
    await page.getByRole('alert').filter({ hasText: 'A number is needed.' }).waitFor();
    expect(await logit.getAttribute('aria-invalid')).toBe('true');
    await logit.fill('0.5');
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    const group = page.getByLabel(/Answers per question/);
    await group.fill('1');
    await page.getByRole('alert').filter({ hasText: 'At least 2 is needed.' }).waitFor();
    await group.fill('8');
    await page.getByRole('alert').filter({ hasText: 'groups of 8' }).waitFor();
    await group.fill('2');
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    expect(page.url()).toContain('groupSize=2');
    await group.fill('3');
  });

  it('keeps the process over a reload, and everything else in the address', async () => {
    await page.getByLabel('Reward of .', { exact: true }).fill('-0.25');
    await page.waitForTimeout(500);
    await opened.open('#/laboratory?view=numbers&row=dr-grpo&seed=7');
    await expect.poll(() => page.getByLabel('Reward of .', { exact: true }).inputValue()).toBe('-0.25');
    await page.getByRole('columnheader', { name: 'Cosine' }).waitFor();
    await page.getByRole('heading', { name: 'Dr. GRPO', exact: true }).waitFor();
    await page.getByText('a learning rate 4.5 times as large').waitFor();
    await page.getByText('seed 7').waitFor();
    await page.getByRole('button', { name: 'Draw other rewards' }).click();
    await page.getByText('seed 8').waitFor();
    await page.getByRole('button', { name: 'Bars', exact: true }).click();
    await page.goBack();
    await page.getByRole('columnheader', { name: 'Cosine' }).waitFor();
    await page.getByRole('button', { name: 'Reset' }).click();
    await expect.poll(() => page.getByLabel('Reward of .', { exact: true }).inputValue()).toBe('0');
  });

  it('goes through the estimators with j and k', async () => {
    await page.locator('#main').focus();
    const [before] = await page.locator('[data-estimator].chosen').all();
    const id = await before?.getAttribute('data-estimator');
    await page.keyboard.press('j');
    await expect
      .poll(() => page.locator('[data-estimator].chosen').getAttribute('data-estimator'))
      .not.toBe(id);
    await page.keyboard.press('k');
    await expect.poll(() => page.locator('[data-estimator].chosen').getAttribute('data-estimator')).toBe(id);
  });

  it('changes the size of the process', async () => {
    await page.getByLabel('Letters', { exact: true }).selectOption('2');
    await page.getByLabel('Longest answer', { exact: true }).selectOption('4');
    await page.getByLabel('Reward of tttt', { exact: true }).fill('1');
    await expect.poll(() => page.getByLabel(/^Reward of/).count()).toBe(5);
    await expect.poll(() => page.getByText('Every estimator on this process').count()).toBe(1);
    await page.getByLabel('Process', { exact: true }).selectOption('One letter decides');
    await page.getByLabel('Reward of ab.', { exact: true }).waitFor();
  });

  it('exports numbers, the process and pictures, and takes a process back', async () => {
    const report = laboratoryReportSchema.parse(
      JSON.parse(await readFile(await download('Save numbers'), 'utf8')),
    );
    expect(report.rows.length).toBeGreaterThan(20);
    const text = await readFile(await download('Export'), 'utf8');
    expect(decisionProcessSchema.parse(JSON.parse(text))).toEqual(report.process);
    expect(await readFile(await download('Picture'), 'utf8')).toContain('One letter decides');
    const png = await readFile(await download('How each token is pushed: save as picture'));
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    const good = join(host.dataDirectory, 'good.json');
    await writeFile(good, text.replace('"ab.": 0', '"ab.": 0.75'));
    await page.locator('input[type="file"]').setInputFiles(good);
    await expect.poll(() => page.getByLabel('Reward of ab.', { exact: true }).inputValue()).toBe('0.75');
    const bad = join(host.dataDirectory, 'bad.json');
    await writeFile(bad, text.replace('"ab.": 0,', ''));
    await page.locator('input[type="file"]').setInputFiles(bad);
    await page.getByRole('alert').filter({ hasText: 'has no reward' }).waitFor();
    opened.expectNoComplaints();
  });
});
