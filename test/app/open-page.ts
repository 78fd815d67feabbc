/** Opens the window in a browser page of its own and gathers everything that the page complains about. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { AppHost } from './app-host.ts';

export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Goes to a fragment such as `#/samples`, as a fresh load. */
  open(fragment: string): Promise<void>;
  /** Fails when the page has thrown, logged an error, or broken its content security policy. */
  expectNoComplaints(expected?: RegExp): void;
  close(): Promise<void>;
}

export interface OpenPageOptions {
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
}

export async function openPage(
  browser: Browser,
  host: AppHost,
  fragment = '',
  { colorScheme = 'light', width = 1280 }: OpenPageOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    colorScheme,
    reducedMotion: 'reduce',
    viewport: { width, height: 800 },
    acceptDownloads: true,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => {
    complaints.push(error.stack ?? error.message);
  });
  const open = async (to: string): Promise<void> => {
    await page.goto('about:blank');
    await page.goto(host.url + to);
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  };
  await open(fragment);
  return {
    page,
    context,
    open,
    expectNoComplaints: (expected) => {
      expect(complaints.filter((text) => !expected?.test(text))).toEqual([]);
    },
    close: () => context.close(),
  };
}
