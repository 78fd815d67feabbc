/** Methods measured on a model: the panel of the laboratory with the shipped starter model, in a real browser. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampledReportSchema } from '../../src-main/contract/laboratory.ts';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';

describe('methods measured on a model', () => {
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

  const panel = () => page.getByRole('region', { name: 'On your own model' });
  const measure = () => panel().getByRole('button', { name: 'Measure' });
  async function download(button: string): Promise<string> {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      panel().getByRole('button', { name: button }).click(),
    ]);
    return readFile(await file.path(), 'utf8');
  }
  /** Serious findings of axe, in both themes. */
  async function findings(): Promise<string[]> {
    const found: string[] = [];
    for (const theme of ['Dark theme', 'Light theme']) {
      const { violations } = await new AxeBuilder({ page }).include('.panel').analyze();
      found.push(
        ...violations
          .filter((one) => one.impact === 'serious' || one.impact === 'critical')
          .map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`),
      );
      await page.getByRole('button', { name: theme }).click();
    }
    return found;
  }

  it('says what to choose, and what cannot be measured and why', async () => {
    await panel().getByText('Choose an experiment first.').waitFor();
    expect(await measure().isDisabled()).toBe(true);
    await panel().getByText('Not measured: RAFT').waitFor();
    await panel().getByText('What + stands for').click();
    await panel().getByText('Not measured. It learns from given texts.').first().waitFor();
    await panel().getByText('4 continuations from each place it looks at').waitFor();
  });

  it('chooses experiment, methods and budget, all of it in the address, and tells the time', async () => {
    await panel()
      .getByLabel(/^Experiment/)
      .selectOption('Watch a model learn');
    await page.waitForURL(/on=example(:|%3A)first-run/);
    await panel().getByText('builtin:starter').waitFor();
    await opened.open('#/laboratory?on=example:first-run&methods=rloo,grpo,trepo&questions=2');
    expect(await panel().getByRole('checkbox', { checked: true }).count()).toBe(3);
    await panel().getByLabel('Answers to each question').fill('5');
    await panel().getByText('use at least 8').waitFor();
    await panel().getByLabel('Answers to each question').fill('48');
    await panel()
      .getByText(/^96 answers in all, about .+ on this computer$/)
      .waitFor({ timeout: 60_000 });
  });

  it('cancels, and begins again', async () => {
    await panel().getByLabel('Answers to each question').fill('20000');
    await measure().click();
    const work = panel().getByRole('group', { name: 'Measurement at work' });
    await work.getByText(/of 40,000 answers/).waitFor();
    await work.getByText(/left/).waitFor({ timeout: 60_000 });
    // A page that is opened anew finds it.
    await opened.open('#/laboratory?on=example:first-run&methods=rloo,grpo,trepo&questions=2&answers=48');
    await work.getByText(/of 40,000 answers/).waitFor();
    await expect(
      host.services.call('lab.start', {
        experiment: (await host.services.call('examples.list', {})).find(({ id }) => id === 'first-run')!
          .experiment,
      }),
    ).rejects.toMatchObject({ code: 'laboratory-busy' });
    await work.getByRole('button', { name: 'Cancel' }).click();
    await panel()
      .getByText(/^Cancelled before the last answer|was cancelled before there was anything/)
      .waitFor({ timeout: 60_000 });
    await measure().waitFor();
  });

  it('measures, and shows bias, variance and price with intervals', async () => {
    await measure().click();
    const result = panel().getByRole('group', { name: 'Result of the measurement' });
    await result
      .getByText('96 answers to 2 questions, 12 independent estimates')
      .waitFor({ timeout: 60_000 });
    const rows = result.getByRole('table').getByRole('row');
    expect(await rows.count()).toBe(4);
    const trepo = result.getByRole('row', { name: /^TRePO/ });
    expect(await trepo.getByRole('cell').first().innerText()).toMatch(/\d to \d/);
    const report = sampledReportSchema.parse(JSON.parse(await download('Save measured numbers')));
    expect(report.rows.map(({ id }) => id)).toEqual(['rloo', 'grpo', 'trepo']);
    const [rloo, , looks] = report.rows;
    expect(rloo?.cosine.value).toBeCloseTo(1, 9);
    expect(looks?.tokens).toBeGreaterThan(rloo?.tokens ?? Infinity);
    expect(looks?.varianceCost).toBeCloseTo((looks?.variance ?? 0) * (looks?.tokens ?? 0), 6);
    expect(await download('Picture of the measurement')).toContain('TRePO');
    expect(await findings()).toEqual([]);
    // The result is there after a reload.
    await opened.open('#/laboratory');
    await panel().getByText('12 independent estimates').waitFor();
  });

  it('takes a file, and says what is wrong with one', async () => {
    const file = join(host.dataDirectory, 'mine.json');
    const example = (await host.services.call('examples.list', {})).find(({ id }) => id === 'first-run');
    await writeFile(file, JSON.stringify({ ...example!.experiment, name: 'Mine', reward: undefined }));
    await opened.open(`#/laboratory?on=${encodeURIComponent(`file:${file}`)}`);
    await panel().getByRole('alert').filter({ hasText: 'has none' }).waitFor();
    await opened.open('#/laboratory?on=file:/nowhere/at-all.json');
    await panel().getByRole('alert').filter({ hasText: 'cannot be read' }).waitFor();
    opened.expectNoComplaints(/422|400|Failed to load resource/);
  });

  it('fits a phone', async () => {
    const narrow = await openPage(browser, host, '#/laboratory', { width: 390 });
    await narrow.page.getByText('12 independent estimates').waitFor();
    const overflow = await narrow.page.evaluate(() => {
      const main = document.getElementById('main');
      return main ? main.scrollWidth - main.clientWidth : 0;
    });
    expect(overflow).toBe(0);
    await narrow.close();
  });
});
