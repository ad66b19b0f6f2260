import { defineConfig } from 'vitest/config';

// Two cores: two workers keep end-to-end tests (real PostgreSQL, real psql) from starving each other.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['node_modules/**'],
    maxWorkers: 2,
    // CI shares its two cores with others: a test that a stall made late is run again, and the report says so.
    retry: process.env['CI'] ? 2 : 0,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
