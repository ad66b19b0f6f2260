import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

process.env['NODE_COMPILE_CACHE'] ??= `${ROOT}node_modules/.cache/custody`;

// `npm run test:console`: a real Chromium at a real gateway. Two files at a time: each waits for what the other's browser draws.
export default defineConfig({
  test: {
    root: ROOT,
    include: ['test/console/browser/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
