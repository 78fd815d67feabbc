/**
 * Builds the renderer into out/renderer: one page for the Electron window and for the browser.
 * `electron.vite.config.ts` uses the same settings for the packaged form.
 */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type UserConfig } from 'vite';

export const rendererConfig: UserConfig = {
  root: import.meta.dirname,
  base: './',
  plugins: [svelte({ configFile: `${import.meta.dirname}/svelte.config.js` })],
  build: {
    outDir: `${import.meta.dirname}/../out/renderer`,
    emptyOutDir: true,
    target: 'es2023',
    // The content security policy allows no data: scripts or styles, and fonts are the system's.
    assetsInlineLimit: 0,
    rolldownOptions: { checks: { pluginTimings: false } },
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1024,
  },
};

export default defineConfig(rendererConfig);
