/** What proves a run of the demo's workflow, taken out by the command line and checked offline, by ours and by others' verifiers. */
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunVerifyReport } from '#core/tasks/verify/verify-run.ts';
import { custody, type Ran } from '#test/cli/support.ts';
import { eventually } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { hasProofTools, proofTool } from '#test/support/proof-tools.ts';

let local: LocalGateway;
let folder: string;
let run: string;

async function as(role: 'developer' | 'auditor', args: readonly string[]): Promise<Ran> {
  const CUSTODY_TOKEN = await local.token(role);
  const env = { CUSTODY_API: local.addresses.api, CUSTODY_HOME: join(folder, 'home'), CUSTODY_TOKEN };
  return custody(args, { env });
}

async function ran(role: 'developer' | 'auditor', ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await as(role, args);
  if (code !== 0) throw new Error(`custody ${args.join(' ')}: ${code}: ${stderr}`);
  return stdout;
}

beforeAll(async () => {
  local = await startLocalGateway();
  folder = mkdtempSync(join(tmpdir(), 'custody-proof-'));
});
afterAll(async () => {
  await local?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a run of the demo', () => {
  it('comes to its end', async () => {
    run = (JSON.parse(await ran('developer', 'run', 'start', 'refunds', '--json')) as { id: string }).id;
    await ran('developer', 'run', 'exec', run, 'find');
    await ran('developer', 'run', 'exec', run, 'refund', '--each');
    const report = await ran('developer', 'run', 'exec', run, 'report');
    expect(report).toContain('count');
  });

  it('is verified, also offline from its folder, by whoever may take it out', async () => {
    await eventually('all of the run to be in the ledger', async () => {
      const { code, stdout, stderr } = await as('auditor', ['run', 'verify', run]);
      if (code !== 0 && code !== 4) throw new Error(stdout + stderr);
      return code === 0 || undefined;
    });
    const out = join(folder, 'taken');
    await ran('auditor', 'run', 'export', run, '--out', out);
    const said = JSON.parse(await ran('auditor', 'run', 'verify', out, '--json')) as RunVerifyReport;
    expect(said).toMatchObject({
      verdict: 'verified',
      findings: [],
      facts: { run, state: 'done', untold: [] },
    });
    expect(said.facts!.executions.map(({ task, verdict }) => `${task} ${verdict}`)).toEqual([
      'find kept',
      'refund kept',
      'report kept',
    ]);
    expect(said.facts!.executions[1]!.lineage).toEqual({ values: 6, found: 6 });
    const { session } = said.facts!.executions[1]!;
    chmodSync(join(out, 'sessions', session, 'task.json'), 0o600);
    appendFileSync(join(out, 'sessions', session, 'task.json'), ' ');
    const key = join(out, 'run.key');
    chmodSync(key, 0o600);
    writeFileSync(key, `${'0'.repeat(64)}\n`);
    const altered = await as('auditor', ['run', 'verify', out]);
    expect([altered.code, altered.stdout]).toEqual([1, expect.stringContaining('key-mismatch')]);
  });

  it('goes out as OpenLineage and OTLP', async () => {
    const events = (await ran('auditor', 'run', 'export', run, '--openlineage')).trim().split('\n');
    expect(events.map((line) => (JSON.parse(line) as { eventType: string }).eventType)).toHaveLength(8);
    const traces = JSON.parse(await ran('auditor', 'run', 'export', run, '--otlp')) as object;
    expect(Object.keys(traces)).toEqual(['resourceSpans']);
    for (const secret of [readFileSync(join(folder, 'taken', 'run.key'), 'utf8').trim(), 'password'])
      expect(events.join('\n') + JSON.stringify(traces)).not.toContain(secret);
  });

  it.runIf(hasProofTools())('is accepted by in-toto-verify', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const [key, pub, out] = [join(folder, 'key.pem'), join(folder, 'key.pub'), join(folder, 'in-toto')];
    writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(pub, publicKey.export({ type: 'spki', format: 'pem' }));
    await ran('auditor', 'run', 'export', run, '--in-toto', out, '--sign-with', key);
    const parts = ['--layout', 'root.layout', '--verification-keys', pub, '--link-dir', '.'];
    const { status, stderr } = spawnSync(proofTool('in-toto-verify'), parts, { cwd: out, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});
