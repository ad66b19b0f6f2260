import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Compiled code is kept, as cli/custody.mjs keeps it: by the workers, and by every Node that a test starts.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/custody', import.meta.url));

// Two cores: two workers keep end-to-end tests (real PostgreSQL, real psql) from starving each other.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Orchestrators and applications have scripts of their own: npm run test:orchestrators, npm run test:rerun.
    exclude: ['node_modules/**', 'test/orchestrators/**', 'test/applications/**'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
