/** Builds the window once before the browser tests, so that they never drive an old build. */
import { build } from 'vite';
import { rendererConfig } from '../../src-renderer/vite.config.ts';

export async function buildRenderer(): Promise<void> {
  await build({ ...rendererConfig, configFile: false, logLevel: 'warn' });
}
