/** What the form of a new experiment asks of methods that learn from pairs or verdicts, and what a start would cost. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';
import { makeTestResources, type TestResources } from './test-resources.ts';

describe('methods in the form of a new experiment', () => {
  let resources: TestResources;
  let host: AppHost;
  let browser: Browser;
  let opened: OpenPage;
  let page: Page;
  let pairs: string;
  let verdicts: string;

  beforeAll(async () => {
    resources = await makeTestResources();
    pairs = join(resources.directory, 'pairs.jsonl');
    verdicts = join(resources.directory, 'verdicts.jsonl');
    const rows = Array.from({ length: 30 }, (_, index) => index);
    const lines = (of: (index: number) => object): string =>
      rows.map((index) => JSON.stringify(of(index))).join('\n') + '\n';
    await writeFile(
      pairs,
      lines((index) => ({ question: `${index}+1=`, preferred: `${index + 1}`, loser: '?' })),
    );
    await writeFile(
      verdicts,
      lines((index) => ({ question: `${index}+1=`, response: `${index + 1}`, desirable: index % 2 === 0 })),
    );
    host = await startAppHost({ resourcesDirectory: resources.directory });
    browser = await launchBrowser();
    opened = await openPage(browser, host, '#/new');
    page = opened.page;
  });
  afterAll(async () => {
    await opened.close();
    await browser.close();
    await host.close();
    await resources.remove();
  });

  const review = () => page.getByRole('complementary', { name: 'Review' });
  const choose = (method: RegExp) => page.getByRole('radio', { name: method }).check();

  it('asks for pairs, guesses their columns, and needs no reward', async () => {
    await page.getByLabel('Training questions').fill(pairs);
    await choose(/^DPO$/);
    await expect
      .poll(() => page.getByLabel('Better answer').inputValue(), { timeout: 5_000 })
      .toBe('preferred');
    expect(await page.getByLabel('Worse answer').inputValue()).toBe('loser');
    expect(await page.getByLabel('Right answer').count()).toBe(0);
    expect(await page.getByRole('heading', { name: /Reward/ }).count()).toBe(0);
    await page.getByRole('heading', { name: /Held-out score/ }).waitFor();
    await expect.poll(() => review().innerText()).toContain('Memory needed');
    expect(await review().innerText()).not.toContain('Answers in each step');
    expect(await page.getByLabel('Creativity').count()).toBe(0);
  });

  it.each([/^ORPO$/, /^SimPO$/])('%s takes the same pairs', async (method) => {
    await choose(method);
    await page.getByLabel('Better answer').waitFor();
    await expect.poll(() => review().innerText()).toContain('Memory needed');
  });

  it('asks KTO for verdicts, or takes pairs', async () => {
    await choose(/^KTO$/);
    await page.getByLabel('Better answer').waitFor();
    await page.getByLabel('Training questions').fill(verdicts);
    await expect
      .poll(() => page.getByLabel('Verdict', { exact: false }).first().inputValue())
      .toBe('desirable');
    await expect.poll(() => page.getByLabel('Right answer').inputValue()).toBe('response');
    await expect.poll(() => review().innerText()).toContain('Memory needed');
    await page.getByRole('radio', { name: /a better and a worse answer/ }).check();
    await page.getByLabel('Better answer').first().waitFor();
    await page.getByRole('radio', { name: /one answer with a verdict/ }).check();
    await expect.poll(() => page.getByLabel('Better answer').count()).toBe(0);
  });

  it('wants the reward again for methods that sample', async () => {
    await choose(/^Online DPO$/);
    await page.getByRole('heading', { name: /Reward/ }).waitFor();
    await page.getByRole('radio', { name: /Exact text/ }).check();
    await choose(/^RAFT/);
    await page.getByRole('radio', { name: /Exact text/ }).waitFor();
    await expect.poll(() => review().innerText()).toContain('Answers in each step');
  });

  it('counts the continuations of TRePO', async () => {
    await choose(/^TRePO$/);
    await page.getByLabel('Longest answer').fill('8');
    await page.getByLabel('Questions per step').fill('2');
    // 2 questions × 4 answers × 4 continuations × (1 place at the start + 7 × a chance of a half)
    await expect.poll(() => review().innerText()).toMatch(/Continuations in each step.*\s144\b/);
    await choose(/^VinePPO$/);
    await expect.poll(() => review().innerText()).toContain('as answers have lines');
    opened.expectNoComplaints(/Failed to load resource/);
  });

  it('starts DPO on pairs', async () => {
    await page.getByLabel('Training questions').fill(pairs);
    await choose(/^DPO$/);
    await expect.poll(() => page.getByLabel('Better answer').inputValue()).toBe('preferred');
    await page.getByLabel('Steps', { exact: true }).fill('3');
    await expect.poll(() => review().innerText()).toContain('Memory needed');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.waitForURL(/#\/run\/.+/);
    const summary = page.getByRole('region', { name: 'Summary' });
    await summary.waitFor({ timeout: 60_000 });
    expect(await summary.innerText()).not.toContain('Answers sampled');
    await page.getByRole('group', { name: /^Loss and held-out score/ }).waitFor();
  });
});
