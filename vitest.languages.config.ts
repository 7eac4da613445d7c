import { defineConfig } from 'vitest/config';

/** Clients in other languages against a whole server. Builds of theirs count towards a test's time. */
export default defineConfig({
  test: {
    include: ['tests/languages/**/*.test.ts'],
    globalSetup: ['tests/support/postgres-server.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
