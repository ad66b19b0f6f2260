import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { inTotoFiles } from '#core/tasks/proof/in-toto.ts';
import type { ProvedRun } from '#core/tasks/proof/proved-run.ts';
import { makeKeys, pem } from '#test/support/evidence-builder.ts';
import { hasProofTools, proofTool } from '#test/support/proof-tools.ts';
import { goodRun, type PlayedRun, signerOf } from '#test/support/run-evidence.ts';

let played: PlayedRun;
let good: ProvedRun;
beforeAll(async () => {
  played = await goodRun();
  good = played.proved();
});

/** What in-toto-verify says: nothing when it accepts. */
async function refused(
  proved: ProvedRun,
  change: (files: Map<string, Uint8Array>) => void = () => undefined,
): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'in-toto-'));
  try {
    const files = new Map(await inTotoFiles(proved, played.signer));
    change(files);
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
    writeFileSync(join(folder, 'signer.pem'), pem(played.keys.signer));
    const parts = ['--layout', 'root.layout', '--verification-keys', 'signer.pem', '--link-dir', '.'];
    const { status, stderr } = spawnSync(proofTool('in-toto-verify'), parts, {
      cwd: folder,
      encoding: 'utf8',
    });
    return status === 0 ? undefined : stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** With the result of one task changed. */
function changed(task: string, change: Partial<ProvedRun['results'][number]>): ProvedRun {
  return {
    ...good,
    results: good.results.map((one) => (one.result.task === task ? { ...one, ...change } : one)),
  };
}

const linkOf = (files: Map<string, Uint8Array>, task: string): string =>
  [...files.keys()].find((name) => name.startsWith(`${task}.`))!;

describe.runIf(hasProofTools())('in-toto-verify', () => {
  it('accepts a good run', async () => {
    expect(await refused(good)).toBeUndefined();
  });

  it('refuses a step that is left out', async () => {
    const without = { ...good, results: good.results.filter(({ result }) => result.task !== 'refund') };
    expect(await refused(without)).toContain('LinkNotFoundError');
    expect(await refused(good, (files) => files.delete(linkOf(files, 'report')))).toContain(
      'LinkNotFoundError',
    );
  });

  it('refuses an output that was swapped: what went in is not what came out before', async () => {
    const other = await goodRun(played.workflow, played.keys, 2);
    const link = await inTotoFiles({ ...good, results: other.proved().results }, played.signer);
    // The links of two good runs, each signed: only together they are wrong.
    const swapped = { ...other.proved().results[0]!.result.outputs[0]!, digest: '0'.repeat(64) };
    const lying = { ...good.results[0]!.result, outputs: [swapped] } as never;
    const files = await inTotoFiles(changed('find', { result: lying }), played.signer);
    const name = linkOf(new Map(files), 'find');
    expect(await refused(good, (all) => all.set(name, files.get(name)!))).toContain('RuleVerificationError');
    expect(await refused(good, (all) => all.set(name, link.get(name)!))).toContain('RuleVerificationError');
  });

  it('refuses a wrong operator', async () => {
    expect(await refused(changed('refund', { operatorFits: false }))).toContain("'REQUIRE operator/refund'");
  });

  it('refuses a task that left its contract, and one that ran under another', async () => {
    const { result } = good.results[1]!;
    const deviated = changed('refund', { result: { ...result, verdict: 'deviated' } });
    expect(await refused(deviated)).toContain('RuleVerificationError');
  });

  it('refuses a link that was altered, and one that another key signed', async () => {
    const alter = (files: Map<string, Uint8Array>): void => {
      const name = linkOf(files, 'refund');
      const envelope = JSON.parse(Buffer.from(files.get(name)!).toString());
      const text = Buffer.from(envelope.payload, 'base64').toString().replace('"kept"', '"lost"');
      files.set(
        name,
        Buffer.from(JSON.stringify({ ...envelope, payload: Buffer.from(text).toString('base64') })),
      );
    };
    expect(await refused(good, alter)).toContain('ThresholdVerificationError');
    const others = await inTotoFiles(good, signerOf(makeKeys()));
    const name = linkOf(new Map(others), 'refund');
    const foreign = (files: Map<string, Uint8Array>): void =>
      void files.set(linkOf(files, 'refund'), others.get(name)!);
    expect(await refused(good, foreign)).toContain('ThresholdVerificationError');
  });

  it('sees neither the key of digests nor a value', async () => {
    for (const bytes of (await inTotoFiles(good, played.signer)).values()) {
      const payload = Buffer.from(JSON.parse(Buffer.from(bytes).toString()).payload, 'base64').toString();
      expect(payload).not.toContain('0707070707');
    }
  });
});
