/** Builds the packaged form: host, trainer and sandbox (out/main), preload (out/preload) and window (out/renderer). */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'electron-vite';
import { rendererConfig } from './src-renderer/vite.config.ts';

const root = import.meta.dirname;

export default defineConfig({
  main: {
    build: {
      outDir: 'out/main',
      rolldownOptions: {
        input: {
          index: `${root}/src-main/app/electron/main.ts`,
          trainer: `${root}/src-main/training/trainer-process.ts`,
          sandbox: `${root}/src-main/rewards/sandbox/program.ts`,
        },
      },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      // A sandboxed preload script is one CommonJS file with everything in it.
      externalizeDeps: false,
      isolatedEntries: true,
      rolldownOptions: {
        input: { preload: `${root}/src-main/app/electron/preload.ts` },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  // The settings of src-renderer/vite.config.ts; paths are given anew because this file is bundled with that one.
  renderer: {
    ...rendererConfig,
    root: `${root}/src-renderer`,
    plugins: [svelte({ configFile: `${root}/src-renderer/svelte.config.js` })],
    build: {
      ...rendererConfig.build,
      outDir: `${root}/out/renderer`,
      rolldownOptions: { input: `${root}/src-renderer/index.html` },
    },
  },
});
