/** Looks into answers of a real TRePO run: the tree along the answer, by mouse and by keys. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SampleDetail } from '../../src-main/contract/calls.ts';
import { experimentSchema } from '../../src-main/contract/experiment.ts';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';

describe('the continuation tree', () => {
  let host: AppHost;
  let browser: Browser;
  let opened: OpenPage;
  let page: Page;
  /** The stored answer with the most looks into it. */
  let sample: SampleDetail;

  beforeAll(async () => {
    host = await startAppHost();
    const { services } = host;
    const example = (await services.call('examples.list', {})).find(({ id }) => id === 'first-run');
    const { runIds } = await services.call('experiments.start', {
      experiment: experimentSchema.parse({
        ...example!.experiment,
        method: { estimator: 'trepo', groupSize: 2, anchorRule: 'stride', anchorStride: 1, continuations: 4 },
        data: { ...example!.experiment.data, evaluationLimit: 4 },
        budget: { ...example!.experiment.budget, steps: 2, promptsPerStep: 4 },
      }),
    });
    const runId = runIds[0]!;
    await vi.waitUntil(async () => (await services.call('runs.get', { runId })).status === 'done', {
      timeout: 90_000,
      interval: 250,
    });
    const { rows } = await services.call('samples.list', { runId, split: 'train' });
    const details = await Promise.all(rows.map(({ id }) => services.call('samples.get', { id })));
    sample = details.reduce((most, one) =>
      (one.anchors?.length ?? 0) > (most.anchors?.length ?? 0) ? one : most,
    );
    browser = await launchBrowser();
    opened = await openPage(browser, host, `#/samples?run=${runId}&sample=${sample.id}`);
    page = opened.page;
  }, 120_000);
  afterAll(async () => {
    await opened.close();
    await browser.close();
    await host.close();
  });

  it('shows each place with its value, and what the part after it changed', async () => {
    const anchors = sample.anchors!;
    expect(anchors.length).toBeGreaterThan(1);
    await page.getByRole('heading', { name: 'Looks into the answer' }).waitFor();
    const looks = page.locator('.look');
    expect(await looks.count()).toBe(anchors.length);
    const changes = await Promise.all(
      (await page.locator('.change').all()).map(async (one) => Number(await one.getAttribute('title'))),
    );
    const values = [...anchors.map(({ value }) => value ?? Number.NaN), sample.reward ?? Number.NaN];
    expect(changes).toEqual(anchors.map((_, index) => values[index + 1]! - values[index]!));
    // What the parts changed is what training made of it.
    sample.anchors!.forEach(({ position }, index) => {
      expect(sample.advantages![position]).toBeCloseTo(changes[index]!, 5);
    });
    expect(await page.locator('.segment .verbatim').allInnerTexts()).toHaveLength(anchors.length);
  });

  it('opens places and goes through them with keys', async () => {
    const looks = page.locator('.look');
    await looks.first().focus();
    await page.keyboard.press('ArrowDown');
    expect(await looks.nth(1).evaluate((one) => one === document.activeElement)).toBe(true);
    await page.keyboard.press('ArrowRight');
    const ends = page.getByRole('list', { name: 'Continuations from here' });
    await ends.waitFor();
    expect(await ends.getByRole('listitem').count()).toBe(4);
    const rewards = await ends.locator('.reward').allInnerTexts();
    expect(rewards.map(Number)).toEqual(sample.anchors![1]!.continuations.map(({ reward }) => reward));
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => ends.count()).toBe(0);
    await page.getByRole('button', { name: 'Open all' }).click();
    expect(await ends.count()).toBe(sample.anchors!.length);
  });

  it('has no serious finding, and a view as text', async () => {
    for (const theme of ['Dark theme', 'Light theme']) {
      const { violations } = await new AxeBuilder({ page }).include('.detail').analyze();
      expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
      await page.getByRole('button', { name: theme }).click();
    }
    await page.getByRole('button', { name: 'As text' }).click();
    await page.getByText('after 0 tokens: value').waitFor();
    opened.expectNoComplaints();
  });
});
