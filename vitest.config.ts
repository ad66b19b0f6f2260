import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Compiled code is kept, as cli/custody.mjs keeps it: by the workers, and by every Node that a test starts.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/custody', import.meta.url));

const slow = { testTimeout: 60_000, hookTimeout: 120_000 };

// Two cores: two workers keep end-to-end tests (real PostgreSQL, real psql) from starving each other.
// Projects run in the order of their names: the small files are last, and both workers end together.
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      // What many files import, and none changes, is loaded once for all of them: CDK takes seconds.
      { test: { ...slow, name: 'cdk', include: ['test/cdk/**/*.test.ts'], isolate: false } },
      {
        test: {
          ...slow,
          name: 'gateway',
          include: ['test/**/*.test.ts'],
          // Scripts of their own: npm run test:kubernetes, npm run test:orchestrators, npm run test:rerun.
          exclude: [
            'node_modules',
            'test/kubernetes',
            'test/orchestrators',
            'test/applications',
            'test/cdk',
            'test/core',
          ].map((folder) => `${folder}/**`),
        },
      },
      { test: { ...slow, name: 'pure', include: ['test/core/**/*.test.ts'], isolate: false } },
    ],
  },
});
