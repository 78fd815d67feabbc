import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', root: '.', include: ['test/unit/**/*.test.ts'], pool: 'threads', testTimeout: 60_000 } },
      { test: { name: 'engine', root: '.', include: ['test/engine/**/*.test.ts'], pool: 'forks', testTimeout: 120_000 } },
      { test: { name: 'app', root: '.', include: ['test/app/**/*.test.ts'], pool: 'forks', globalSetup: ['./test/app/global-setup.ts'], testTimeout: 120_000, hookTimeout: 180_000, expect: { poll: { timeout: 30_000 } } } },
    ],
  },
});
