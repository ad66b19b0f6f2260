import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditReport } from '#core/ledger/audit.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { custody, temporary } from '#test/cli/support.ts';
import { eventually, hasClient } from '#test/support/clients.ts';
import { type Cloud, type CloudTask, startCloud } from '#test/support/cloud.ts';
import { hasDebianPostgres } from '#test/support/debian-postgres.ts';
import { hasMoto } from '#test/support/moto.ts';

const ends = (n: number) => ({ 'session-opened': n, 'session-closed': n });

/** All of it on moto, whose S3 has If-Match: the auditor's way through the API, the CLI and a copy of the bucket. */
describe.runIf(hasMoto() && hasDebianPostgres() && hasClient('psql'))('the ledger on AWS adapters', () => {
  let cloud: Cloud;
  let task: CloudTask;
  beforeAll(async () => {
    cloud = await startCloud();
    task = await cloud.task();
  });
  afterAll(() => cloud?.stop());

  async function environment(): Promise<Record<string, string>> {
    return {
      CUSTODY_API: cloud.api,
      CUSTODY_HOME: temporary(),
      CUSTODY_TOKEN: await cloud.token('auditor'),
    };
  }

  async function recorded(text: string): Promise<SessionRecord> {
    const client = await task.connect('developer', 'orders-db');
    await client.query(`select '${text}'`);
    await client.end();
    return eventually('the session to end', async () => {
      const { sessions } = await cloud.call<{ sessions: SessionRecord[] }>(
        'auditor',
        'GET',
        '/v1/sessions?limit=1',
      );
      return sessions[0]!.state === 'closed' ? sessions[0] : undefined;
    });
  }

  async function audit(): Promise<AuditReport> {
    const folder = join(temporary(), 'copy');
    await cloud.copy(folder);
    const key = `${folder}.pem`;
    writeFileSync(key, cloud.signer);
    const origin = ['--origin', 'ledger.example/custody'];
    const { stdout } = await custody(['audit', folder, '--key', key, ...origin, '--json']);
    return JSON.parse(stdout) as AuditReport;
  }

  it('grows, run by run, and the whole bucket audits clean', async () => {
    await recorded('first');
    await cloud.run('sequencer');
    expect(await audit()).toMatchObject({
      findings: [],
      facts: { sessions: 1, verified: 1, leaves: ends(1) },
    });
    await recorded('second');
    await Promise.all([cloud.run('sequencer'), cloud.run('sequencer')]);
    expect(await audit()).toMatchObject({
      findings: [],
      facts: { sessions: 2, verified: 2, leaves: ends(2) },
    });
  });

  it('the CLI connects psql, which knows the gateway by the CA that stands beside the configuration', async () => {
    const env = { ...(await environment()), CUSTODY_TOKEN: await cloud.token('developer') };
    const ran = await custody(['connect', 'orders-db', '--', 'psql', '-XAtc', 'select 6 * 7'], { env });
    expect(ran).toMatchObject({ code: 0, stdout: '42\n' });
  });

  it('the CLI lists, pulls and verifies through the API and its short-lived links', async () => {
    const { id } = await recorded('pulled');
    await cloud.run('sequencer');
    const env = await environment();
    const listed = await custody(['sessions', '--json'], { env });
    expect(listed.stdout).toContain(id);
    const folder = join(temporary(), 'evidence');
    expect(await custody(['pull', id, '--out', folder], { env })).toMatchObject({ code: 0 });
    const verified = await custody(['verify', folder], { env });
    expect(verified.stdout).toMatch(/^VERIFIED/m);
    expect(verified.stdout).toContain('ledger');
  });

  it('the API tells what was done, out of evidence that it verified', async () => {
    const { id } = await recorded('told');
    const steps = `/v1/sessions/${id}/steps`;
    const told = await cloud.call<{ steps: unknown[] }>('auditor', 'GET', steps);
    expect(told).toMatchObject({ verdict: 'verified' });
    expect(JSON.stringify(told.steps)).toContain('"text":"select \'told\'"');
    expect(told.steps.at(-1)).toMatchObject({ kind: 'end', text: 'the client said goodbye' });
  });

  it('an evidence link reads a range, and is short-lived', async () => {
    const { id } = await recorded('linked');
    const evidence = `/v1/sessions/${id}/evidence`;
    const links = await cloud.call<{ objects: { name: string; url: string }[] }>('auditor', 'GET', evidence);
    const { url } = links.objects.find(({ name }) => name === 'open.json')!;
    const part = await fetch(url, { headers: { range: 'bytes=0-9' } });
    expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 10]);
    expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('60');
  });

  it('what was put over a segment is found by the audit', async () => {
    const { id } = await recorded('overwritten');
    await cloud.run('sequencer');
    const place = { Bucket: cloud.bucket, Key: `sessions/${id}/00000000.seg` };
    await cloud.moto.clients.s3.send(new PutObjectCommand({ ...place, Body: 'something else' }));
    expect((await audit()).findings).toEqual([
      expect.objectContaining({ code: 'session-altered', session: id }),
    ]);
  });
});
