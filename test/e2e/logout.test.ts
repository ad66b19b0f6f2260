import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { custody } from '#test/cli/support.ts';
import { reconfigure } from '#test/support/access-story.ts';
import { eventually, hasClient, libpqEnvironment, psql, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import {
  type LogoutClient,
  type LogoutProvider,
  startLogoutProvider,
} from '#test/support/logout-provider.ts';
import { sessions, verify } from '#test/support/recorded.ts';

const LOGGED_OUT = 'you were logged out at the identity provider';
/** What the issue promises. */
const WITHIN_MS = 5_000;

describe.skipIf(!hasClient('psql'))('a logout at an OpenID provider of others', () => {
  let local: LocalGateway;
  let provider: LogoutProvider;
  let named: LogoutClient;
  let plain: LogoutClient;
  beforeAll(async () => {
    local = await startLocalGateway();
    const logoutUri = `${local.addresses.api}/v1/logout/op`;
    named = { id: 'custody-named', logoutUri, namesSessions: true };
    plain = { id: 'custody-plain', logoutUri, namesSessions: false };
    provider = await startLogoutProvider([named, plain]);
    await reconfigure(local, (text) =>
      text
        .replace(
          /^targets:$/m,
          `  - { name: op, issuer: '${provider.url}', audience: [custody-named, custody-plain], groupsPrefix: 'op:', backchannelLogout: true }\n\n$&`,
        )
        .replace('groups: [developers]', "groups: [developers, 'op:developers']"),
    );
  });
  afterAll(async () => {
    await provider?.close();
    await local?.stop();
  });

  /** A psql that sleeps, once it is in the database. */
  async function working(token: string) {
    const before = new Set((await sessions(local)).map(({ id }) => id));
    const client = startClient('psql', ['-X', '-c', 'select pg_sleep(60)'], libpqEnvironment(local, token));
    const session = await eventually('a session to begin', async () =>
      (await sessions(local)).find(({ id }) => !before.has(id)),
    );
    return { client, session: session.id };
  }

  const whoami = (token: string) =>
    fetch(`${local.addresses.api}/v1/whoami`, { headers: { authorization: `Bearer ${token}` } });

  it('ends what runs in that session within 5 s, in words, and nothing else (security case 12)', async () => {
    const [a, b] = [await provider.login('dana', named), await provider.login('dana', named)];
    const eve = await provider.login('eve', named);
    const [ended, ...others] = [
      await working(a.idToken),
      await working(b.idToken),
      await working(eve.idToken),
    ];
    expect((await whoami(a.idToken)).status).toBe(200);

    const start = performance.now();
    await a.logout();
    const { stderr, code } = await ended.client.done;
    const took = performance.now() - start;
    expect(stderr).toContain(`FATAL:  ${LOGGED_OUT}`);
    expect(stderr).toContain('HINT:  log in again: custody login');
    expect(code).toBe(2);
    expect(took).toBeLessThan(WITHIN_MS);
    process.stderr.write(`from the logout to FATAL: ${Math.round(took)} ms\n`);

    expect(provider.told).toEqual(['custody-named: done']);
    for (const { client } of others) expect(client.child.exitCode).toBeNull();
    expect((await whoami(b.idToken)).status).toBe(200);
    const refused = await whoami(a.idToken);
    expect([refused.status, await refused.json()]).toMatchObject([401, { detail: LOGGED_OUT }]);
    const again = await psql(local, 'select 1', { token: a.idToken });
    expect(again.stderr).toContain(`FATAL:  ${LOGGED_OUT}`);
    expect((await psql(local, 'select 1', { token: b.idToken })).stdout).toBe('1\n');
    for (const { client } of others) client.child.kill();

    const sealed = await eventually('the session to be sealed', async () =>
      (await sessions(local)).find(({ id, outcome }) => id === ended.session && outcome !== undefined),
    );
    expect(sealed.outcome).toMatchObject({ reason: 'revoked' });
    expect(await verify(local, sealed.id)).toMatchObject({ verdict: 'verified', findings: [] });
    const close = readFileSync(join(local.dataDir, 'store', 'sessions', sealed.id, 'close.json'), 'utf8');
    expect(JSON.parse(close)).toMatchObject({ reason: 'revoked', detail: LOGGED_OUT });
  });

  it('without a session ends all that somebody had, until they log in again; the ledger has each', async () => {
    const [a, b] = [await provider.login('rui', plain), await provider.login('rui', named)];
    const both = [await working(a.idToken), await working(b.idToken)];
    await a.logout();
    for (const { client } of both) expect((await client.done).stderr).toContain(`FATAL:  ${LOGGED_OUT}`);
    expect((await whoami(b.idToken)).status).toBe(401);
    // The clock of tokens has seconds: what is of the same one counts as of before.
    await eventually('a token of a later second', async () => {
      const { idToken } = await provider.login('rui', plain);
      return (await whoami(idToken)).status === 200 ? idToken : undefined;
    });
    expect(provider.told).toEqual(['custody-named: done', 'custody-plain: done']);
    const audit = await eventually('the ledger to hold it', async () => {
      const ran = await custody(['audit', local.dataDir, '--key', local.addresses.signer, '--json'], {
        env: await local.cliEnvironment('auditor', local.dataDir),
      });
      return ran.stdout.includes('"logged-out":2') ? ran : undefined;
    });
    expect(audit.code).toBe(0);
  });
});
