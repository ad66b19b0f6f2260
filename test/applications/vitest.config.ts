import { defineConfig } from 'vitest/config';

// A whole gateway and applications of all kinds: one after the other.
export default defineConfig({
  test: {
    include: ['test/applications/*.test.ts'],
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 300_000,
  },
});
