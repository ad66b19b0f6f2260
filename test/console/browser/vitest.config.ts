import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { keepTemplates } from '../../support/template-folder.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

process.env['NODE_COMPILE_CACHE'] ??= `${ROOT}node_modules/.cache/custody`;
keepTemplates();

// `npm run test:console`: a real Chromium at a real gateway. Two files at a time: each waits for what the other's browser draws.
export default defineConfig({
  test: {
    root: ROOT,
    setupFiles: ['test/console/browser/telling.ts'],
    include: ['test/console/browser/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
