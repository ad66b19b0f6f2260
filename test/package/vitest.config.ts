import { defineConfig } from 'vitest/config';

// The package is made twice, and each of its parts runs as a program of its own.
export default defineConfig({
  test: {
    include: ['test/package/*.test.ts'],
    globalSetup: ['test/package/packed.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
