import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasClient, type Ran, startClient } from '#test/support/clients.ts';
import { type Cloud, type CloudTask, startCloud } from '#test/support/cloud.ts';
import { hasDebianPostgres } from '#test/support/debian-postgres.ts';
import { makeKey, signToken, startIssuer, type TestIssuer, type TestKey } from '#test/support/issuer.ts';
import { hasMoto } from '#test/support/moto.ts';
import { githubActions, kubernetes } from '#test/support/provider-tokens.ts';

const isHere = hasMoto() && hasClient('psql') && hasDebianPostgres();
/** Nobody can fetch its keys: they lie beside custody.yaml. */
const CLUSTER = { url: 'https://cluster.internal.example' };

describe.runIf(isHere)('jobs beside people, in AWS', () => {
  let cloud: Cloud;
  let task: CloudTask;
  let ci: TestIssuer;
  let ciKey: TestKey;
  let clusterKey: TestKey;
  beforeAll(async () => {
    [ci, ciKey, clusterKey] = await Promise.all([startIssuer(), makeKey('k1'), makeKey('k1')]);
    ci.keys = [ciKey.jwk];
    cloud = await startCloud();
    await cloud.moto.clients.s3.send(
      new PutObjectCommand({
        Bucket: cloud.environment['CUSTODY_CONFIG_BUCKET'],
        Key: 'cluster-keys.json',
        Body: JSON.stringify({ keys: [clusterKey.jwk] }),
        ChecksumAlgorithm: 'SHA256',
      }),
    );
    await cloud.configure(withMachines(await cloud.config(), ci.url));
    task = await cloud.task();
  });
  afterAll(async () => {
    await Promise.all([cloud?.stop(), ci?.close()]);
  });

  const job = (claims: object = {}, key = ciKey): Promise<string> => {
    const { iat: _iat, exp: _exp, nbf: _nbf, iss: _iss, ...shape } = githubActions;
    return signToken(ci, key, { ...shape, groups: undefined, ...claims });
  };
  const pod = (claims: object = {}, key = clusterKey): Promise<string> => {
    const { iat: _iat, exp: _exp, nbf: _nbf, iss: _iss, aud: _aud, ...shape } = kubernetes;
    return signToken(CLUSTER, key, { ...shape, groups: undefined, ...claims });
  };

  function psql(token: string, database = 'orders-db'): Promise<Ran> {
    const where = { PGHOST: 'localhost', PGPORT: String(task.port), PGDATABASE: database, PGUSER: 'job' };
    const tls = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: cloud.ca };
    return startClient('psql', ['-XAtc', 'select 6 * 7'], { ...where, ...tls, PGPASSWORD: token }).done;
  }

  const whoami = async (token: string): Promise<{ status: number; body: object }> => {
    const response = await fetch(`${cloud.api}/v1/whoami`, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: (await response.json()) as object };
  };

  it('the deploy workflow of one repository on its main branch connects, by the claims of its token', async () => {
    const { code, stdout, stderr } = await psql(await job());
    expect([code, stdout, stderr]).toEqual([0, '42\n', '']);
    expect(await whoami(await job())).toMatchObject({ status: 200, body: { subject: githubActions['sub'] } });
    expect((await whoami(await cloud.token('developer'))).status).toBe(200);
  });

  it.each<[what: string, claims: object]>([
    ['another branch', { ref: 'refs/heads/main2', sub: 'repo:acme/shop:ref:refs/heads/main2' }],
    [
      'a pull request',
      { ref: 'refs/pull/7/merge', event_name: 'pull_request', sub: 'repo:acme/shop:pull_request' },
    ],
    [
      'another repository of the owner',
      { repository: 'acme/shop2', sub: 'repo:acme/shop2:ref:refs/heads/main' },
    ],
    ['another owner', { repository: 'acme2/shop', repository_owner: 'acme2' }],
  ])('its neighbour does not: %s', async (_what, claims) => {
    const { code, stderr } = await psql(await job(claims));
    expect(code).toBe(2);
    expect(stderr).toMatch(/there is no target "orders-db" that you may connect to|repository_owner/);
  });

  it('nor does it reach what people reach', async () => {
    expect((await psql(await job(), 'orders-prod')).stderr).toContain('there is no target "orders-prod"');
  });

  it('a service account connects by keys that lie beside custody.yaml, and nobody by the keys of another issuer', async () => {
    expect((await psql(await pod())).stdout).toBe('42\n');
    expect((await psql(await pod({}, ciKey))).stderr).toContain('the token');
    expect((await psql(await job({}, clusterKey))).stderr).toContain('the token');
  });
});

function withMachines(config: string, url: string): string {
  const [, issuer] = /^identity: \{ issuer: '([^']+)'/m.exec(config) ?? [];
  const identity = `identity:
  - { name: staff, issuer: '${issuer}', audience: custody }
  - { name: github, kind: workload, issuer: '${url}', audience: custody, match: { repository_owner: acme } }
  - name: cluster
    kind: workload
    issuer: ${CLUSTER.url}
    audience: custody
    jwksFile: cluster-keys.json
    match: { sub: 'system:serviceaccount:**' }`;
  const rules = `rules:
  - name: deploys
    issuer: github
    claims: { repository: acme/shop, ref: refs/heads/main }
    targets: [orders-db]
    allow: [connect]
  - { name: pods, issuer: cluster, claims: { sub: '${String(kubernetes['sub'])}' }, targets: [orders-db], allow: [connect] }`;
  return config.replace(/^identity: .*$/m, identity).replace(/^rules:$/m, rules);
}
