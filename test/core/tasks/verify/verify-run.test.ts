import { beforeAll, describe, expect, it } from 'vitest';
import { type RunVerifyReport, verifyRun } from '#core/tasks/verify/verify-run.ts';
import { spki } from '#test/support/evidence-builder.ts';
import type { MemoryStore } from '#test/support/memory-ports.ts';
import { goodRun, ORIGIN, type PlayedRun } from '#test/support/run-evidence.ts';

let good: PlayedRun;
beforeAll(async () => {
  good = await goodRun();
});

function verify(folder: MemoryStore, { keys } = good): Promise<RunVerifyReport> {
  return verifyRun(folder, { trustedSigners: [spki(keys.signer)], ledger: ORIGIN });
}

describe("a run's folder", () => {
  it('is verified as it is', async () => {
    const report = await verify(await good.folder());
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ verdict: 'verified', facts: { state: 'done' } });
    expect(report.facts).toMatchSnapshot;
    console.log(JSON.stringify(report.facts, null, 1), good.results);
  });
});
