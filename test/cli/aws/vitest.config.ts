import { defineConfig } from 'vitest/config';

// The real AWS CLI, which is asked more than a hundred times: half a minute of one core.
export default defineConfig({
  test: { include: ['test/cli/aws/account.test.ts'], testTimeout: 60_000, hookTimeout: 120_000 },
});
