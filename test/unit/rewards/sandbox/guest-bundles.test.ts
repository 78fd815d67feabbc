import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { guestBundlesSource } from '../../../../src-main/rewards/sandbox/make-guest-bundles.ts';

test('the bundles in the repository are those of the sources', async () => {
  const path = 'src-main/rewards/sandbox/guest-bundles.ts';
  expect(
    (await readFile(path, 'utf8')) === (await guestBundlesSource()),
    'made anew by: node src-main/rewards/sandbox/make-guest-bundles.ts',
  ).toBe(true);
});
