/** The browser's build of the verifier says of each folder what node's does, to the word: over everything the verifier is tested with. */
import { beforeAll, expect, vi } from 'vitest';
import type * as Verifier from '#core/recording/verify/verify.ts';
import { browserBuild } from '#test/support/browser-build.ts';

type Browser = typeof Verifier & { loadZstd(): Promise<void> };
const theirs = vi.hoisted(() => ({ browser: undefined as Browser | undefined, asked: 0 }));

vi.mock('#core/recording/verify/verify.ts', async (original) => {
  const own = await original<typeof Verifier>();
  return {
    ...own,
    verifyEvidence: async (...asked: Parameters<typeof own.verifyEvidence>) => {
      const report = await own.verifyEvidence(...asked);
      expect(await theirs.browser!.verifyEvidence(...asked)).toEqual(report);
      theirs.asked += 1;
      return report;
    },
  };
});

beforeAll(async () => {
  theirs.browser = await browserBuild<Browser>('verifier.ts');
  await theirs.browser.loadZstd();
});

await import('../core/recording/verify/by-hand.test.ts');
await import('../core/recording/verify/edited-bytes.test.ts');
await import('../core/recording/verify/forged.test.ts');
await import('../core/recording/verify/injected.test.ts');
await import('../core/recording/verify/malformed-segments.test.ts');
await import('../core/recording/verify/malformed-statements.test.ts');
await import('../core/recording/verify/reordered.test.ts');
await import('../core/recording/verify/task-result.test.ts');
await import('../core/recording/verify/truncated.test.ts');
await import('../core/recording/verify/untouched.test.ts');
await import('../core/recording/verify/vectors.test.ts');
