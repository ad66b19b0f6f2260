import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { keepTemplates } from './test/support/template-folder.ts';

// Compiled code is kept, as cli/custody.mjs keeps it: by the workers, and by every Node that a test starts.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/custody', import.meta.url));

// Whatever machine they run on: a gateway that is to have several says so.
process.env['CUSTODY_PROCESSES'] ??= '1';

keepTemplates();

/** They start nothing that lasts, and change nothing that others import. */
const PURE = [
  'test/{core,fuzz,oracle,lambdas/sessions,adapters/oidc,adapters/directory}/**/*.test.ts',
  'test/lambdas/*.test.ts',
  'test/test-bench/*.test.ts',
];
const slow = { testTimeout: 60_000, hookTimeout: 120_000 };

// Three workers on two cores: end-to-end tests wait for what a product waits for half of their time (a lease that ends, a
// retry), and the third uses what the two leave. More would starve each other: there is real PostgreSQL, real psql.
// Projects run in the order of their names: the small files are last, and the workers end together.
export default defineConfig({
  test: {
    maxWorkers: 3,
    projects: [
      // What many files import, and none changes, is loaded once for all of them: CDK takes seconds.
      { test: { ...slow, name: 'cdk', include: ['test/cdk/**/*.test.ts'], isolate: false } },
      {
        test: {
          ...slow,
          name: 'gateway',
          include: ['test/**/*.test.ts'],
          // Scripts of their own: npm run test:kubernetes, test:console, test:orchestrators, test:rerun, test:package.
          exclude: [
            'node_modules/**',
            'test/{kubernetes,console/browser,orchestrators,applications,package,cdk}/**',
            'test/cli/aws/account.test.ts',
            ...PURE,
          ],
        },
      },
      // These share what they import as well: nothing in it changes, and to load it took longer than most of them.
      {
        test: {
          ...slow,
          name: 'pure',
          include: PURE,
          isolate: false,
          restoreMocks: true,
          // By Node itself, as it runs: nothing is transformed.
          experimental: { viteModuleRunner: false },
        },
      },
    ],
  },
});
