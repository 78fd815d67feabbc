/** A reward with a judge is built without code, checked, tried in the bench, and a run learns by it; mouse and keyboard. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExperiment } from '../../src-main/contract/parse-experiment.ts';
import { startJudgeServer, says, type JudgeServer } from '../helpers/judge-server.ts';
import { startAppHost, type AppHost } from './app-host.ts';
import { launchBrowser } from './browser.ts';
import { openPage, type OpenPage } from './open-page.ts';
import { makeTestResources, type TestResources } from './test-resources.ts';

/** Presses Tab until the element has the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 150; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${String(target)} cannot be reached by Tab`);
}

describe('a judge in the window', () => {
  let resources: TestResources;
  let judge: JudgeServer;
  let host: AppHost;
  let browser: Browser;
  let opened: OpenPage;
  let page: Page;

  beforeAll(async () => {
    resources = await makeTestResources();
    judge = await startJudgeServer(() => says({ reason: 'clear enough', score: 7 }));
    judge.models = { body: JSON.stringify({ data: [{ id: 'small-judge' }, { id: 'large-judge' }] }) };
    host = await startAppHost({ resourcesDirectory: resources.directory });
    browser = await launchBrowser();
    opened = await openPage(browser, host, '#/new');
    page = opened.page;
  });
  afterAll(async () => {
    await opened.close();
    await browser.close();
    await host.close();
    await judge.down();
    await resources.remove();
  });

  const check = (place: number): Locator =>
    page.getByRole('list', { name: 'Checks' }).getByRole('listitem', { name: `Check ${place}:` });

  async function add(name: RegExp): Promise<void> {
    await page.getByRole('button', { name: 'Add a check' }).click();
    await page.getByRole('dialog').getByRole('button', { name }).click();
  }

  async function seriousFindings(): Promise<string[]> {
    const { violations } = await new AxeBuilder({ page }).analyze();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }

  it('is built by mouse beside number, form and length, and checked', async () => {
    await page.getByLabel('Training questions').fill(resources.dataFile);
    await page.getByText('40 rows, 2 columns').waitFor();
    await check(1).getByLabel('Where the number stands').selectOption('last');
    await add(/^Tags/);
    await check(2).getByLabel('Tags').fill('answer');
    await add(/^Length/);
    await check(3).getByLabel('At most').fill('20');
    await add(/^Judge/);
    const editor = check(4);
    await editor.getByRole('button', { name: 'Ollama' }).click();
    expect(await editor.getByLabel('Address of the judge').inputValue()).toBe('http://127.0.0.1:11434/v1');
    await editor.getByLabel('Address of the judge').fill(judge.endpoint);
    await editor.getByRole('button', { name: 'Check the judge' }).click();
    await editor.getByText('and offers 2 models. Choose the model.').waitFor();
    await editor.getByLabel('Models that the server offers').selectOption('large-judge');
    expect(await editor.getByLabel('Model of the judge').inputValue()).toBe('large-judge');
    await editor.getByLabel(/^What is good/).selectOption('builtin:correctness');
    await editor.getByRole('radio', { name: 'Is it better than the right answer?' }).check();
    expect(await editor.getByLabel(/^What is good/).inputValue()).toBe('builtin:better-answer');
    await editor.getByRole('radio', { name: 'A mark for each answer' }).check();
    await editor.getByLabel(/^What is good/).selectOption('builtin:conciseness');
    await editor.getByLabel('Scale, to').fill('8');
    await editor.getByLabel('Most requests').fill('500');
    await editor.getByLabel('Weight').fill('0.5');
    await editor.getByText('Form, patience and requests at once').click();
    await editor.getByLabel('Requests at once').fill('2');
    await editor.getByRole('button', { name: 'Check the judge' }).click();
    await editor.getByText('and offers 2 models. Ready.').waitFor();
    await page.getByText('Reward = 1 × number + 1 × tags + 1 × length + 0.5 × judge').waitFor();
    await expect
      .poll(async () => {
        const text = await page.evaluate(() => localStorage.getItem('espalier.draft') ?? '');
        return parseExperiment(text).reward?.components[3];
      })
      .toMatchObject({
        kind: 'judge',
        endpoint: judge.endpoint,
        model: 'large-judge',
        mode: 'score',
        rubric: 'builtin:conciseness',
        scale: [0, 8],
        maxRequests: 500,
        concurrency: 2,
        weight: 0.5,
      });
  });

  it('says what is wrong where it is mended', async () => {
    const editor = check(4);
    await editor.getByLabel('Model of the judge').fill('no-such-model');
    await editor.getByRole('button', { name: 'Check the judge' }).click();
    await editor.getByText(/does not list a model "no-such-model"/).waitFor();
    await editor.getByLabel('Model of the judge').fill('small-judge');
    await editor.getByText('Changed since it was checked.').waitFor();
    await editor.getByRole('button', { name: 'Change these words' }).click();
    const words = editor.getByLabel('Own words of the rubric');
    expect(await words.inputValue()).toMatch(/\w/);
    await words.fill('Is {answer} said politely?');
    await editor.getByRole('radio', { name: 'Is it better than the right answer?' }).check();
    await editor.getByRole('button', { name: 'Check the judge' }).click();
    await editor.getByText(/must not be told which answer is which/).waitFor();
    expect(await seriousFindings()).toEqual([]);
    await editor.getByRole('radio', { name: 'A mark for each answer' }).check();
    await words.fill('Is it said politely?');
  });

  it('keeps a key by name, sends it, and removes it', async () => {
    const editor = check(4);
    await editor.getByRole('button', { name: /^New key/ }).click();
    await editor.getByLabel('Name of the key').fill('mine');
    await editor.getByLabel('The key itself').fill('sk-secret-123');
    await editor.getByRole('button', { name: 'Keep it' }).click();
    await editor.getByText(/^Kept: readable by your user alone/).waitFor();
    expect(await editor.getByRole('combobox', { name: /^Key/ }).inputValue()).toBe('mine');
    const draft = await page.evaluate(() => JSON.stringify({ ...localStorage }));
    expect(draft).not.toContain('sk-secret-123');
    await editor.getByRole('button', { name: 'Check the judge' }).click();
    await editor.getByText('and offers 2 models. Ready.').waitFor();
    expect(await seriousFindings()).toEqual([]);
    await page.getByRole('button', { name: 'Dark theme' }).click();
    expect(await seriousFindings()).toEqual([]);
    await page.getByRole('button', { name: 'Light theme' }).click();
  });

  it('starts a run whose components are logged, by a key that stays outside', async () => {
    for (const [field, value] of [
      ['Questions per step', '2'],
      ['Longest answer', '8'],
    ] as const)
      await page.getByLabel(field).fill(value);
    await page.getByLabel('Steps', { exact: true }).fill('4');
    await page.getByLabel('Answers per question').fill('4');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.waitForURL(/#\/run\/.+/);
    await page.getByRole('region', { name: 'Summary' }).waitFor({ timeout: 90_000 });
    const [run] = await host.services.call('runs.list', {});
    if (run === undefined) throw new Error('there is no run');
    const names = ['reward.number', 'reward.tags', 'reward.length', 'reward.judge'];
    const series = await host.services.call('runs.metrics', { runId: run.id, names });
    for (const name of names) expect(series.find((one) => one.name === name)?.values).toHaveLength(4);
    expect(judge.seen.length).toBeGreaterThan(0);
    expect(judge.seen.every(({ headers }) => headers.authorization === 'Bearer sk-secret-123')).toBe(true);
    const files = (await readdir(host.dataDirectory)).filter((name) => name.startsWith('espalier.db'));
    expect(files).toContain('espalier.db');
    for (const name of files) {
      const bytes = await readFile(join(host.dataDirectory, name));
      expect(bytes.includes('sk-secret-123')).toBe(false);
    }
  });

  it('says that a run waits for its judge, and goes on when it is back', async () => {
    await judge.down();
    const [run] = await host.services.call('runs.list', {});
    if (run === undefined) throw new Error('there is no run');
    const { config } = await host.services.call('runs.get', { runId: run.id });
    const { seed, ...experiment } = config;
    // Another rubric: nothing of it was judged before.
    const reward = experiment.reward;
    if (reward === undefined) throw new Error('the run has a reward');
    const components = reward.components.map((one) =>
      one.kind === 'judge' ? { ...one, rubric: 'Is it brief?' } : one,
    );
    const { runIds } = await host.services.call('experiments.start', {
      experiment: {
        ...experiment,
        reward: { ...reward, components },
        budget: { ...experiment.budget, seeds: [seed] },
      },
    });
    await opened.open(`#/run/${runIds[0] ?? ''}`);
    await page.getByRole('status').filter({ hasText: 'Waiting for the judge at' }).waitFor();
    await judge.up();
    await page.getByRole('region', { name: 'Summary' }).waitFor({ timeout: 90_000 });
  });

  it('is built by keyboard alone and tried in the bench on pasted answers', async () => {
    await opened.open('#/rewards/new');
    const type = async (target: Locator, text: string): Promise<void> => {
      await tabTo(page, target);
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.type(text);
    };
    const press = async (target: Locator, key = 'Enter'): Promise<void> => {
      await tabTo(page, target);
      await page.keyboard.press(key);
    };
    await tabTo(page, page.getByLabel('Kind of check 1'));
    await page.keyboard.type('Judge');
    const editor = check(1);
    await type(editor.getByLabel('Address of the judge'), judge.endpoint);
    await press(editor.getByRole('button', { name: 'Check the judge' }));
    await editor.getByText('and offers 2 models. Choose the model.').waitFor();
    await tabTo(page, editor.getByRole('radio', { name: 'A mark for each answer' }));
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    const offered = editor.getByLabel('Models that the server offers');
    expect(await offered.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.type('small');
    await tabTo(page, editor.getByLabel(/^What is good/));
    await page.keyboard.type('Own');
    await type(editor.getByLabel('Own words of the rubric'), 'Does it name a distance?');
    await tabTo(page, editor.getByRole('combobox', { name: /^Key/ }));
    await page.keyboard.type('mine');
    await press(editor.getByRole('button', { name: /^Remove …/ }));
    await press(editor.getByRole('button', { name: 'Remove it' }));
    await expect.poll(() => editor.getByRole('combobox', { name: /^Key/ }).inputValue()).toBe('');
    expect(await host.services.call('judge.keys', {})).toEqual([]);
    await press(page.getByRole('tab', { name: 'Checks' }), 'ArrowRight');
    await press(page.getByRole('button', { name: 'Grade them' }));
    const result = page.getByRole('region', { name: 'Result of the bench' });
    await result.getByRole('list', { name: 'Advice' }).waitFor();
    const row = result.getByRole('rowgroup', { name: 'Graded answers' }).getByRole('row').first();
    await press(row.getByRole('button'));
    await result.getByRole('region', { name: 'Chosen answer' }).getByText('7 of 10: clear enough').waitFor();
    expect(await page.getByText('The reward was changed since').count()).toBe(0);
    expect(judge.seen.at(-1)?.headers.authorization).toBeUndefined();
    expect(await seriousFindings()).toEqual([]);
    opened.expectNoComplaints();
  });
});
