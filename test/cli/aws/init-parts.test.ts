/** What `init` makes of answers: certificates, a database's login, entries of identity providers. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readDeploymentConfig } from '#cdk/config.ts';
import type { Aws } from '#cli/aws/aws-cli.ts';
import { askIdentity } from '#cli/init/ask-identity.ts';
import { newAuthority, newServerCertificate } from '#cli/init/authority.ts';
import { settingsOf } from '#cli/init/cdk-json.ts';
import { certificateFrom } from '#cli/init/certificate-source.ts';
import { custodyYaml } from '#cli/init/custody-yaml.ts';
import type { Given } from '#cli/init/given.ts';
import type { Interview } from '#cli/init/interview.ts';
import type { Plan } from '#cli/init/plan.ts';
import { loginSql, newPassword, scramVerifier } from '#cli/init/postgres-login.ts';
import { targetName } from '#cli/init/rds-targets.ts';
import { configWarnings } from '#core/access/config-warnings.ts';
import { parseConfig } from '#core/access/config.ts';
import { hasDebianPostgres, startDebianPostgres } from '#test/support/debian-postgres.ts';
import { freePortBase } from '#test/support/local-gateway.ts';
import { temporary } from '../support.ts';

const NOW = new Date();
const HOST = 'gateway.example.com';
const NO_AWS: Aws = () => Promise.reject(new Error('AWS was asked'));

describe('the CA of a gateway', () => {
  const verified = (ca: string, cert: string): string => {
    const folder = temporary();
    for (const [name, text] of Object.entries({ 'ca.pem': ca, 'cert.pem': cert }))
      writeFileSync(join(folder, name), text);
    try {
      return execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', 'ca.pem', 'cert.pem'], {
        cwd: folder,
        encoding: 'utf8',
        stdio: 'pipe',
      });
    } catch (error) {
      return (error as { stderr: string }).stderr;
    }
  };

  it('signs for its host and what is below it, and for nothing else', async () => {
    const ca = await newAuthority(HOST, NOW);
    const of = async (name: string) => verified(ca.cert, (await newServerCertificate(ca, [name], NOW)).cert);
    expect(await of(HOST)).toContain(': OK');
    expect(await of(`prod.${HOST}`)).toContain(': OK');
    expect(await of('other.example.com')).toContain('permitted subtree violation');
    const request = { aws: NO_AWS, names: [HOST, 'k8s.example.com'], now: NOW, ca };
    await expect(certificateFrom({ kind: 'own' }, request)).rejects.toThrow(
      'no certificate for k8s.example.com',
    );
  });
});

describe('a certificate that somebody brings', () => {
  const files = async (host: string, made = NOW) => {
    const ca = await newAuthority(host, made);
    const pair = await newServerCertificate(ca, [host], made);
    const folder = temporary();
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    writeFileSync(cert, pair.cert + ca.cert);
    writeFileSync(key, pair.key);
    return { source: { kind: 'files', cert, key } as const, ca, pair };
  };
  const request = { aws: NO_AWS, names: [HOST], now: NOW, ca: undefined };

  it('is taken with its chain; the root at its end is what clients get', async () => {
    const { source, ca } = await files(HOST);
    const made = await certificateFrom(source, request);
    expect(new X509Certificate(made.caPem!).fingerprint256).toBe(new X509Certificate(ca.cert).fingerprint256);
    expect(made.cert).toBe(readFileSync(source.cert, 'utf8'));
  });

  it('is refused where it is of another host, over, or not of its key', async () => {
    await expect(certificateFrom((await files('other.example.com')).source, request)).rejects.toThrow(
      'is not of gateway.example.com',
    );
    const old = new Date(NOW.getTime() - 400 * 86_400_000);
    await expect(certificateFrom((await files(HOST, old)).source, request)).rejects.toThrow(
      'the certificate ended at',
    );
    const [one, other] = [await files(HOST), await files(HOST)];
    const mixed = { ...one.source, key: other.source.key };
    await expect(certificateFrom(mixed, request)).rejects.toThrow("its key is another certificate's");
  });

  it('comes from ACM with a key under a passphrase, which goes through a pipe', async () => {
    const { pair, ca } = await files(HOST);
    const asked: string[][] = [];
    const aws: Aws = async (args, passphrase = '') => {
      asked.push([...args]);
      const key = execFileSync('openssl', ['pkcs8', '-topk8', '-passout', `pass:${passphrase}`], {
        input: pair.key,
        encoding: 'utf8',
      });
      const stdout = JSON.stringify({ Certificate: pair.cert, CertificateChain: ca.cert, PrivateKey: key });
      return { code: 0, stdout, stderr: '' };
    };
    const made = await certificateFrom({ kind: 'acm', arn: 'arn:x' }, { ...request, aws });
    expect([made.key, new X509Certificate(made.cert).checkHost(HOST)]).toEqual([pair.key, HOST]);
    expect(asked.flat()).toContain('fileb:///dev/stdin');
  });
});

it.skipIf(!hasDebianPostgres())(
  'a password reaches PostgreSQL as what it keeps of it, and lets the gateway in',
  async () => {
    const server = await startDebianPostgres((await freePortBase()) + 1, 'scram-sha-256');
    onTestFinished(() => server.stop());
    const client = (user: string, password: string) =>
      new pg.Client({ host: '127.0.0.1', port: server.port, database: 'postgres', user, password });
    const password = newPassword();
    const owner = client('app', server.password);
    await owner.connect();
    await owner.query(loginSql({ login: { secret: 'x' } } as never, scramVerifier(password)));
    await owner.end();
    const gateway = client('custody', password);
    await gateway.connect();
    expect((await gateway.query('SELECT current_user')).rows).toEqual([{ current_user: 'custody' }]);
    await gateway.end();
    const wrong = client('custody', `${password}x`);
    await expect(wrong.connect()).rejects.toThrow('password authentication failed');
  },
);

describe('a provider, by the form of its issuer', () => {
  const silent: Interview = {
    text: async (_what, { given, proposal = '', mistake }) => {
      const answer = given ?? proposal;
      const wrong = mistake?.(answer);
      if (wrong !== undefined) throw new Error(wrong);
      return answer;
    },
    agrees: async () => false,
    [Symbol.dispose]: () => undefined,
  };
  const people = { developers: 'dana@acme.example, dan@acme.example', reviewers: 'rui@acme.example' };

  const planOf = async (issuer: string, more: Partial<Given> = {}): Promise<Plan> => {
    const get = async (): Promise<string> => JSON.stringify({ issuer });
    const given = { out: '.', issuer, clientId: 'client-1', ...more };
    const answered = await askIdentity(silent, given, get, () => undefined);
    const place = {
      account: '123456789012',
      region: 'eu-central-1',
      hostname: HOST,
      clients: ['10.0.0.0/8'],
    };
    return { ...place, ...answered, targets: [] };
  };

  it('that is none of those gets what most others take', async () => {
    const plan = await planOf('https://login.acme.example');
    const [written] = parseConfig(custodyYaml(plan), 'custody.yaml').issuers;
    expect(written).toMatchObject({ name: 'staff', audience: ['client-1'], emailVerified: 'required' });
  });

  it.each<[provider: string, issuer: string, more: Partial<Given>]>([
    ['okta', 'https://acme.okta.com', {}],
    ['entra', 'https://login.microsoftonline.com/833ced3d-0000-4000-8000-29e2af035ddc/v2.0', {}],
    ['google', 'https://accounts.google.com', { clientSecret: 'GOCSPX-x', ...people }],
    ['cognito', 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE', {}],
    ['auth0', 'https://acme.eu.auth0.com/', { groupsClaim: 'https://acme.example/groups' }],
    ['keycloak', 'https://id.acme.example/realms/acme', {}],
  ])(
    '%s: has the entry that its page of docs/identity has, without a warning',
    async (name, issuer, more) => {
      const plan = await planOf(issuer, more);
      const config = parseConfig(custodyYaml(plan), 'custody.yaml');
      expect(configWarnings(config)).toEqual([]);
      expect(readDeploymentConfig(settingsOf(plan))).toMatchObject({ gateway: { hostname: HOST } });
      const [written] = config.issuers;
      const page = readFileSync(new URL(`../../../docs/identity/${name}.md`, import.meta.url), 'utf8');
      const [, block = ''] = /```yaml\n(identity:\n[^]*?)```/.exec(page) ?? [];
      const [documented] = parseConfig(`version: 1\n${block}targets: {}\n`, `${name}.md`).issuers;
      // What is each one's own.
      const own = { audience: 0, members: 0, backchannelLogout: 0, keptClaims: 0 };
      const { clientSecret: _one, ...login } = written!.login!;
      const { clientSecret: _other, ...known } = documented!.login!;
      expect({ ...written, ...own, login }).toEqual({ ...documented, ...own, login: known });
    },
  );
});

it('a database has the name of a target, whatever RDS lets it be called', () => {
  expect(['Orders-DB', 'a.b', '--x', '9'].map(targetName)).toEqual(['orders-db', 'a-b', 'x', '9']);
});
