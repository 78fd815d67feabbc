/** The page of a reward-model run shows whether the model is as sure as it is right. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';

let host: AppHost;
let browser: Browser;
let opened: OpenPage;

beforeAll(async () => {
  host = await startAppHost();
  browser = await launchBrowser();
  opened = await openPage(browser, host);
});
afterAll(async () => {
  await opened.close();
  await browser.close();
  await host.close();
});

it('draws what the last evaluation found, and lists the same numbers', async () => {
  const { page } = opened;
  const example = (await host.services.call('examples.list', {})).find(({ id }) => id === 'third-run');
  if (example === undefined) throw new Error('an example trains a reward model');
  const experiment = structuredClone(example.experiment);
  experiment.budget = { ...experiment.budget, steps: 10, evaluateEvery: 5 };
  const { runIds } = await host.services.call('experiments.start', { experiment });
  const runId = runIds[0] ?? '';
  await opened.open(`#/run/${runId}`);
  await page.getByRole('region', { name: 'Summary' }).waitFor({ timeout: 90_000 });
  const { evaluations } = await host.services.call('runs.get', { runId });
  const components = evaluations.at(-1)?.components ?? {};
  const stored = Object.keys(components).filter((name) => /^calibration\/\d+\/pairs$/.test(name));
  expect(stored.length).toBeGreaterThan(0);
  const drawing = page.getByRole('img', { name: /^Reliability: / });
  await drawing.waitFor();
  expect(await drawing.locator('circle').count()).toBe(stored.length);
  for (const theme of ['Dark theme', 'Light theme']) {
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
    await page.getByRole('button', { name: theme }).click();
  }
  const table = page.getByRole('button', { name: 'Reliability: numbers as a table' });
  await table.focus();
  await page.keyboard.press('Enter');
  const rows = page.getByRole('row').filter({ hasText: /%/ });
  expect(await rows.count()).toBe(stored.length);
  const pairs = await rows.locator('td:nth-child(3)').allTextContents();
  const sum = (counts: readonly number[]): number => counts.reduce((total, one) => total + one, 0);
  expect(sum(pairs.map((text) => Number(text.replaceAll(',', ''))))).toBe(
    sum(stored.map((name) => components[name] ?? 0)),
  );
  opened.expectNoComplaints();
});
