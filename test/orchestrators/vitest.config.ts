import { defineConfig } from 'vitest/config';

// Whole orchestrators and a whole gateway: one after the other.
export default defineConfig({
  test: {
    include: ['test/orchestrators/*.test.ts'],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 300_000,
  },
});
