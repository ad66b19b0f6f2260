import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { custody } from '#test/cli/support.ts';
import { apiAs, connected, reconfigure } from '#test/support/access-story.ts';
import { eventually, hasClient, libpqEnvironment, psql, startClient } from '#test/support/clients.ts';
import { okta } from '#test/support/directory-calls.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { lastSession, verify } from '#test/support/recorded.ts';

const SECRET = 'the-secret-of-the-directory';
/** Dana, as the demo's issuer calls her. */
const DANA = 'dev-1';

let local: LocalGateway;
beforeAll(async () => {
  local = await startLocalGateway();
  writeFileSync(join(local.dataDir, 'secrets', 'scim'), `${SECRET}\n`, { mode: 0o600 });
  await reconfigure(local, (text) =>
    text.replace('  groupsClaim: groups\n', '  scim: { tokenFile: secrets/scim, groups: also-as-groups }\n'),
  );
});
afterAll(async () => {
  await local?.stop();
});

/** A call of the directory. */
async function tell(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${local.addresses.api}/v1/scim/people/v2/${path}`, {
    method,
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/scim+json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

async function dana(): Promise<string> {
  const { Resources } = await tell('GET', `Users?filter=externalId eq "${DANA}"`);
  const [known] = Resources as readonly { readonly id: string }[];
  return known?.id ?? ((await tell('POST', 'Users', okta.create(DANA, 'dana@example.com')))['id'] as string);
}

describe.skipIf(!hasClient('psql'))('a directory that tells who was deactivated', () => {
  it('ends their sessions within 5 s, lets them in nowhere, and lets them in again', async () => {
    expect((await psql(local, 'select 1')).stdout).toBe('1\n');
    const id = await dana();
    const client = startClient(
      'psql',
      ['-X', '-c', "select 'here'", '-c', 'select pg_sleep(60)'],
      libpqEnvironment(local, await local.token('developer')),
    );
    const idle = await connected(local, 'orders-db');
    await eventually('both to be there', async () => {
      const sleeping = await idle.client.query(
        "select from pg_stat_activity where query like '%pg_sleep(60)%'",
      );
      return (sleeping.rowCount ?? 0) > 1 ? true : undefined;
    });
    const at = performance.now();
    await tell('PATCH', `Users/${id}`, okta.patchActive(false));
    const [{ stderr, code }, gone] = await Promise.all([client.done, idle.gone]);
    const [clientMs, idleMs] = [performance.now() - at, gone.at - at];
    expect(stderr).toContain('FATAL:  your account was deactivated in the directory of your organisation');
    expect(code).toBe(2);
    expect(gone.errors.join()).toContain('deactivated');
    expect(Math.max(clientMs, idleMs)).toBeLessThan(5_000);
    process.stderr.write(
      `MEASURED: deactivation to FATAL ${Math.round(clientMs)} ms, idle ${Math.round(idleMs)} ms\n`,
    );

    const session = await lastSession(local);
    expect(session.outcome?.reason).toBe('revoked');
    expect(await verify(local, session.id)).toMatchObject({ verdict: 'verified', findings: [] });
    expect((await psql(local, 'select 1')).stderr).toContain('FATAL:  your account was deactivated');
    expect(await apiAs(local, 'developer').call('GET', '/v1/targets')).toMatchObject({ status: 401 });
    expect((await apiAs(local, 'reviewer').call('GET', '/v1/targets')).status).toBe(200);

    await tell('PUT', `Users/${id}`, okta.put(id, 'dana@example.com', true));
    expect((await psql(local, 'select 1')).stdout).toBe('1\n');
    expect((await apiAs(local, 'developer').call('GET', '/v1/targets')).status).toBe(200);
  });

  it('ends them when the person is deleted, and has each change in a ledger that verifies', async () => {
    const id = await dana();
    const idle = await connected(local, 'orders-db');
    await tell('DELETE', `Users/${id}`);
    expect((await idle.gone).errors.join()).toContain('deactivated');
    await dana();
    expect((await psql(local, 'select 1')).stdout).toBe('1\n');
    const env = await local.cliEnvironment('auditor', join(local.dataDir, '..', 'home'));
    const audit = await eventually('the ledger to hold it all', async () => {
      const ran = await custody(['audit', local.dataDir, '--key', local.addresses.signer, '--json'], { env });
      return ran.stdout.includes('"person-reactivated":2') ? ran : undefined;
    });
    expect(audit.stdout).toContain('"person-deactivated":2');
    expect(audit.code).toBe(0);
  });

  it('gives people the groups that it tells', async () => {
    const id = await dana();
    expect((await apiAs(local, 'developer').call('GET', '/v1/config')).status).toBe(403);
    const group = await tell('POST', 'Groups', okta.createGroup('platform'));
    await tell('PATCH', `Groups/${String(group['id'])}`, okta.replaceMembers(id));
    const who = await apiAs(local, 'developer').get<{ groups: string[] }>('/v1/whoami');
    expect(who.groups).toEqual(['developers', 'platform']);
    expect((await apiAs(local, 'developer').call('GET', '/v1/config')).status).toBe(200);
    await tell('DELETE', `Groups/${String(group['id'])}`);
    expect((await apiAs(local, 'developer').call('GET', '/v1/config')).status).toBe(403);
  });

  it('is not let in with a token of a person', async () => {
    const response = await fetch(`${local.addresses.api}/v1/scim/people/v2/Users`, {
      headers: { authorization: `Bearer ${await local.token('admin')}` },
    });
    expect([response.status, response.headers.get('content-type')]).toEqual([401, 'application/scim+json']);
  });
});
