// The pages that are made from the code are those in docs/.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { commandLinePage } from '../../../docs/make-command-line.ts';
import { estimatorListPage } from '../../../docs/make-estimator-list.ts';
import { experimentFilePage } from '../../../docs/make-experiment-file.ts';
import { root } from './run-launcher.ts';

const page = (name: string): string => readFileSync(path.join(root, 'docs', name), 'utf8');

test('docs/command-line.md is current (else: node docs/make-command-line.ts)', async () => {
  expect(page('command-line.md')).toBe(await commandLinePage());
});

test('docs/experiment-file.md is current (else: node docs/make-experiment-file.ts)', async () => {
  expect(page('experiment-file.md')).toBe(await experimentFilePage());
});

test('docs/estimators/README.md lists every method (else: node docs/make-estimator-list.ts)', async () => {
  expect(page('estimators/README.md')).toBe(await estimatorListPage());
});
