/** The browser's build of the verifier says of each folder what node's does, to the word: over everything the verifier is tested with. */
import { beforeAll, expect, vi } from 'vitest';
import type * as Verifier from '#core/recording/verify/verify.ts';
import { browserBuild } from '#test/support/browser-build.ts';

type Browser = typeof Verifier & {
  loadZstd(): Promise<void>;
  readonly webSha256: (bytes: Uint8Array) => Promise<string>;
};
const theirs = vi.hoisted(() => ({ browser: undefined as Browser | undefined }));

/** How often each test has asked. */
const asked = new Map<string, number>();

/** Of a test that edits every byte: the first, then each 40th; all of them by `npm run oracle:player`. */
function isCompared(): boolean {
  const test = expect.getState().currentTestName ?? '';
  const count = (asked.get(test) ?? 0) + 1;
  asked.set(test, count);
  return count <= 12 || count % 40 === 0 || process.env['CUSTODY_ORACLE_PLAYER'] !== undefined;
}

/** A folder, and one that answers as it did and knows nothing else. */
function remembering(folder: Verifier.EvidenceFolder) {
  const answers = new Map<string, Promise<Uint8Array>>();
  let listed: Promise<readonly string[]> | undefined;
  return {
    folder: {
      list: () => (listed = folder.list()),
      get: (name: string, atMost: number) => {
        const answer = folder.get(name, atMost);
        answers.set(`${name} ${atMost}`, answer);
        return answer;
      },
    },
    again: {
      list: () => listed!,
      get: (name: string, atMost: number) =>
        answers.get(`${name} ${atMost}`) ?? Promise.reject(new Error(name)),
    },
  };
}

/** Versions of zstd differ in what they call a damage. */
function comparable(report: Verifier.VerifyReport): unknown {
  return JSON.parse(JSON.stringify(report).replaceAll(/zstd says \w+/g, 'zstd says it'));
}

vi.mock('#core/recording/verify/verify.ts', async (original) => {
  const own = await original<typeof Verifier>();
  return {
    ...own,
    verifyEvidence: async (...asked: Parameters<typeof own.verifyEvidence>) => {
      const [folder, options] = asked;
      if (!isCompared()) return own.verifyEvidence(...asked);
      const told = remembering(folder);
      const report = await own.verifyEvidence(told.folder, options);
      const found = await theirs.browser!.verifyEvidence(told.again, {
        ...options,
        sha256: theirs.browser!.webSha256,
      });
      // oxlint-disable-next-line vitest/no-standalone-expect -- in each of the tests that come below
      expect(comparable(found)).toEqual(comparable(report));
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
