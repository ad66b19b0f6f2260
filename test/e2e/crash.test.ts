import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, hasClient, libpqEnvironment, psql, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { bytesOf, framesOf, lastSession, sessions, verify } from '#test/support/recorded.ts';

const ENDLESS = 'copy (select g, md5(g::text) from generate_series(1, 8000000) g) to stdout';

describe.skipIf(!hasClient('psql'))('endings nobody asked for', () => {
  let gateway: LocalGateway;
  beforeAll(async () => {
    gateway = await startLocalGateway({ args: ['--drain-ms', '1500'] });
  });
  afterAll(() => gateway?.stop());

  const developer = async () => libpqEnvironment(gateway, await gateway.token('developer'));

  it('kill -9 of the gateway in the middle of a COPY: recovered, verified, at most the window missing', async () => {
    const running = startClient('psql', ['-XAtc', ENDLESS], await developer());
    let received = 0;
    running.child.stdout!.on('data', (chunk: Buffer) => (received += chunk.byteLength));
    await eventually('the COPY to be under way', () => (received > 10_000_000 ? true : undefined), 60_000);
    await gateway.kill9();
    const { stdout } = await running.done;
    const { id, outcome } = await lastSession(gateway);
    expect(outcome).toMatchObject({ reason: 'recovered', recovered: true });
    const report = await verify(gateway, id);
    expect(report).toMatchObject({ verdict: 'verified', findings: [] });
    expect(report.facts?.completeness).toMatch(/at most the 250 ms after that/);
    const copied = copyData(bytesOf(await framesOf(gateway, id), 'target'));
    expect(copied.length).toBeGreaterThan(0);
    const common = Math.min(copied.length, stdout.length);
    expect(copied.subarray(0, common).equals(Buffer.from(stdout.slice(0, common)))).toBe(true);
  });

  it('kill -9 of a client: its query is stopped at the target, the session is sealed', async () => {
    const running = startClient('psql', ['-XAtc', 'select pg_sleep(300)'], await developer());
    const sleeping =
      "select count(*) from pg_stat_activity where query = 'select pg_sleep(300)' and state = 'active'";
    await eventually('the query to run', async () =>
      (await psql(gateway, sleeping)).stdout === '1\n' ? true : undefined,
    );
    running.child.kill('SIGKILL');
    await eventually('the query to stop', async () =>
      (await psql(gateway, sleeping)).stdout === '0\n' ? true : undefined,
    );
    const lost = await eventually('the session to end', async () =>
      (await sessions(gateway)).find(({ outcome }) => outcome?.reason === 'client-lost'),
    );
    expect((await verify(gateway, lost.id)).verdict).toBe('verified');
  });

  it('a store that fails ends a session with an error that the client can read', async () => {
    const store = join(gateway.dataDir, 'store', 'sessions');
    renameSync(store, `${store}.away`);
    writeFileSync(store, 'not a folder');
    const refused = await psql(gateway, 'select 1');
    execFileSync('rm', [store]);
    renameSync(`${store}.away`, store);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('FATAL:  the recording could not be stored, so the session ends');
    expect((await psql(gateway, 'select 1')).stdout).toBe('1\n');
  });

  it('one flipped byte is named', async () => {
    await psql(gateway, 'select 42');
    const { id } = await lastSession(gateway);
    const folder = join(gateway.dataDir, 'store', 'sessions', id);
    const path = join(folder, '00000000.seg');
    execFileSync('chmod', ['u+w', path]);
    const bytes = readFileSync(path);
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.from([bytes[40]! ^ 1]), 0, 1, 40);
    closeSync(file);
    const { verdict, findings } = await verify(gateway, id);
    expect(verdict).toBe('failed');
    expect(findings.map(({ object }) => object)).toContain('00000000.seg');
  });

  it('a stop drains: no new session, an old one ends with the reason, sealed', async () => {
    const running = startClient('psql', ['-XAtc', 'select pg_sleep(120)'], await developer());
    const sleeping = "select count(*) from pg_stat_activity where query = 'select pg_sleep(120)'";
    await eventually('the query to run', async () =>
      (await psql(gateway, sleeping)).stdout === '1\n' ? true : undefined,
    );
    await gateway.restart();
    expect((await running.done).stderr).toContain('this gateway is shutting down');
    const drained = (await sessions(gateway)).find(({ outcome }) => outcome?.reason === 'drained');
    expect(drained?.outcome?.reason).toBe('drained');
    expect((await verify(gateway, drained!.id)).verdict).toBe('verified');
  });

  it('leaves a journal that is empty of what is sealed', async () => {
    mkdirSync(join(gateway.dataDir, 'journal'), { recursive: true });
    await gateway.restart();
    const left = readdirSync(join(gateway.dataDir, 'journal'));
    expect(left.filter((name) => name.endsWith('.journal')).length).toBeLessThanOrEqual(1);
  });
});

/** The rows of CopyData messages that are whole. */
function copyData(stream: Buffer): Buffer {
  const rows: Buffer[] = [];
  for (let at = 0; at + 5 <= stream.length; ) {
    const size = stream.readInt32BE(at + 1) + 1;
    if (at + size > stream.length) break;
    if (stream[at] === 'd'.charCodeAt(0)) rows.push(stream.subarray(at + 5, at + size));
    at += size;
  }
  return Buffer.concat(rows);
}
