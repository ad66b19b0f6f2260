import { defineConfig } from 'vitest/config';

// Two cores: two workers keep end-to-end tests (real PostgreSQL, real psql) from starving each other.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['node_modules/**'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
