import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresBinaries } from '#local/database/postgres-binaries.ts';
import { hasClient, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

const SCRIPT = fileURLToPath(new URL('../support/libpq-oauth.py', import.meta.url));
const LIBPQ = join(postgresBinaries(), '..', 'lib', 'libpq.so.5');

interface Answer {
  /** Of libpq: 180004 is 18.4. */
  readonly version: number;
  /** Each time that libpq asked for a token: where it was told to get one. */
  readonly asked: readonly { readonly openidConfiguration: string; readonly scope: string | null }[];
  readonly value?: string;
  readonly error?: string;
}

describe.skipIf(!hasClient('python3'))('OAUTHBEARER by the libpq of PostgreSQL 18', () => {
  let gateway: LocalGateway;
  beforeAll(async () => {
    gateway = await startLocalGateway();
  });
  afterAll(() => gateway?.stop());

  async function query(sql: string, token: string, more: Record<string, string> = {}): Promise<Answer> {
    const { postgres, ca, issuer } = gateway.addresses;
    const settings = {
      host: postgres.host,
      port: String(postgres.port),
      user: 'dana',
      dbname: 'orders-db',
      sslmode: 'verify-full',
      sslrootcert: ca,
      connect_timeout: '20',
      require_auth: 'oauth',
      oauth_issuer: issuer,
      oauth_client_id: 'custody',
      options: '-c custody.auth=oauthbearer',
      ...more,
    };
    const conninfo = Object.entries(settings).map(([name, value]) => `${name}='${value}'`);
    // libpq takes only https issuers otherwise, and the demo's is http on loopback.
    const env = { ...process.env, PGOAUTHDEBUG: 'UNSAFE', CUSTODY_TOKEN: token };
    const ran = await startClient('python3', [SCRIPT, LIBPQ, conninfo.join(' '), sql], env).done;
    if (ran.code !== 0) throw new Error(`libpq-oauth.py ended with ${ran.code}: ${ran.stderr}`);
    return JSON.parse(ran.stdout) as Answer;
  }

  const discovery = (): string => `${gateway.addresses.issuer}/.well-known/openid-configuration`;

  it('is told where to get a token, comes back with it, and works', async () => {
    const answer = await query('select count(*) from orders', await gateway.token('developer'));
    expect(answer).toEqual({
      version: expect.any(Number) as number,
      asked: [{ openidConfiguration: discovery(), scope: 'openid email groups' }],
      value: '400',
    });
    expect(Math.trunc(answer.version / 10_000)).toBe(18);
  });

  it('needs to be told nothing when it knows the issuer', async () => {
    const token = await gateway.token('developer');
    const answer = await query('select 6 * 7', token, { oauth_issuer: discovery() });
    expect(answer).toMatchObject({ asked: [{ openidConfiguration: discovery() }], value: '42' });
  });

  it('shows the reason when a token is not good (security case 22)', async () => {
    const { error } = await query('select 1', 'bad.token.here');
    expect(error).toContain('FATAL:  the token is not valid here: it is not a JWT');
    expect(error).toContain('HINT:  give an ID token; a password is none: custody login');
  });

  it('shows the reason when the token is good and the target is not for them', async () => {
    const { error } = await query('select 1', await gateway.token('reviewer'));
    expect(error).toContain('FATAL:  there is no target "orders-db" that you may connect to');
  });
});
