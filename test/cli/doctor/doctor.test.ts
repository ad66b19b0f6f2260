import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { apiFindings } from '#cli/doctor/api.ts';
import { type CertificatePair, newAuthority, newServerCertificate } from '#cli/init/authority.ts';
import { issuerServer } from '#test/support/discovery.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { custody, fakeApi, idToken, temporary } from '../support.ts';

const DAY_MS = 86_400_000;
const NOW = Date.now();

interface Told {
  readonly findings: readonly { about: string; result: string; what: string; why?: string; todo?: string }[];
}

async function doctor(args: readonly string[], env: Readonly<Record<string, string>>) {
  const { code, stdout, stderr } = await custody(['doctor', '--json', ...args], { env, cwd: temporary() });
  if (stdout === '') throw new Error(stderr);
  const { findings } = JSON.parse(stdout) as Told;
  const of = (about: string): string[] =>
    findings.filter((one) => one.about.startsWith(about)).map(({ result, what }) => `${result}: ${what}`);
  return { code, findings, of };
}

describe('custody doctor, at a gateway that runs', () => {
  let local: LocalGateway;
  let env: Readonly<Record<string, string>>;
  beforeAll(async () => {
    local = await startLocalGateway();
    env = await local.cliEnvironment('admin', join(local.dataDir, 'home'));
  });
  afterAll(() => local.stop());

  it('finds nothing wrong, and says what it looked at', async () => {
    const { host, port } = local.addresses.postgres;
    const at = ['--gateway', `${host}:${port}`, '--ca', local.addresses.ca];
    const { code, findings } = await doctor(at, env);
    expect(findings.filter(({ result }) => result !== 'good')).toEqual([]);
    expect(code).toBe(0);
    expect(findings.map(({ about }) => about)).toEqual([
      `API ${local.addresses.api}`,
      ...[expect.stringMatching(/^identity people/), expect.stringMatching(/^identity actions/)],
      ...['login people', 'your login'],
      ...[`postgres at ${host}:${port}`, 'gateway', 'ledger'],
    ]);
  });

  it('tells somebody who may not administer it what they can see, at the places that the API names', async () => {
    const { code, of } = await doctor([], await local.cliEnvironment('developer', join(temporary(), 'home')));
    expect([code, of('gateway')]).toEqual([0, ['unknown: how it is, is for those who administer it']]);
    const { host, port } = local.addresses.postgres;
    expect(of(`postgres at ${host}:${port}`)).toEqual([
      expect.stringMatching(/^good: it answers, with a cert/),
    ]);
  });

  it('says that nothing listens, that something else does, and that its CA is another', async () => {
    const closed = await doctor(['--gateway', '127.0.0.1:1'], env);
    expect([closed.code, closed.of('postgres at')]).toEqual([
      1,
      ['bad: nothing listens there (ECONNREFUSED)'],
    ]);
    const api = new URL(local.addresses.api).host;
    const other = await doctor(['--gateway', api], env);
    expect(other.of('postgres at')).toEqual([
      expect.stringMatching(/^bad: something listens, and is no gateway/),
    ]);
    const ca = join(temporary(), 'ca.pem');
    writeFileSync(ca, (await newAuthority('localhost', new Date(NOW))).cert);
    const { host, port } = local.addresses.postgres;
    const untrusted = await doctor(['--gateway', `${host}:${port}`, '--ca', ca], env);
    expect(untrusted.of('postgres at')).toEqual([
      expect.stringMatching(/^bad: clients that verify it refuse/),
    ]);
  });

  it('says that a token has expired, and looks at what is open to all', async () => {
    const { code, findings, of } = await doctor([], { ...env, CUSTODY_TOKEN: idToken({ exp: 1 }) });
    expect(of('your login')).toEqual(['unknown: the token in CUSTODY_TOKEN has expired']);
    expect(of('login ')).toEqual([expect.stringMatching(/^good/)]);
    expect(findings.some(({ about }) => about === 'gateway' || about === 'signing key')).toBe(true);
    expect(code).toBe(0);
  });

  it.each<[ms: number, says: RegExp]>([
    [0, /^good: it answers/],
    [12_000, /^warning: this machine's clock is 1[123] s ahead of the API's$/],
    [-90_000, /^bad: this machine's clock is (?:89|90|91) s behind the API's$/],
  ])('sees a clock that is %i ms off', async (ms, says) => {
    const { findings } = await apiFindings(new URL(local.addresses.api), '0.1.0', () => Date.now() + ms);
    expect(findings.map(({ result, what }) => `${result}: ${what}`)).toContainEqual(
      expect.stringMatching(says),
    );
  });
});

describe('custody doctor, at one that is broken', () => {
  it('says once that the API is not there, and asks it nothing more', async () => {
    const env = { CUSTODY_HOME: join(temporary(), 'home'), CUSTODY_TOKEN: idToken() };
    const { code, findings } = await doctor(['--api', 'http://127.0.0.1:1'], env);
    expect(code).toBe(1);
    expect(findings.map(({ about, result }) => `${result}: ${about}`)).toEqual([
      'bad: API http://127.0.0.1:1',
      'unknown: gateway',
    ]);
  });

  it.each<[what: string, made: () => Promise<CertificatePair & { ca: string }>, says: RegExp]>([
    ['that expired', () => certificate('localhost', NOW - 500 * DAY_MS), /^bad: the certificate ended at /],
    [
      'that ends soon',
      () => certificate('localhost', NOW - 380 * DAY_MS),
      /^warning: the certificate ends in 1[56] days/,
    ],
    [
      'of another host',
      () => certificate('other.example.com', NOW),
      /^bad: the certificate is not of localhost/,
    ],
    ['that is good', () => certificate('localhost', NOW), /^good: it answers/],
  ])('looks at a certificate %s', async (_what, made, says) => {
    const { ca, ...pair } = await made();
    const file = join(temporary(), 'ca.pem');
    writeFileSync(file, ca);
    const port = await listening(pair);
    const env = { CUSTODY_HOME: join(temporary(), 'home') };
    const args = ['--api', 'http://127.0.0.1:1', '--gateway', `localhost:${port}`, '--ca', file];
    expect((await doctor(args, env)).of('postgres at')).toEqual([expect.stringMatching(says)]);
  });

  it('says that the issuer is away, or gives tokens to another client than the gateway takes them of', async () => {
    using issuer = await issuerServer();
    const api = await fakeApi('not looked at');
    api.answers.set('/v1/openapi.json', { info: { title: 'Custody', version: '0.1.0' } });
    const shape = {
      name: 'okta',
      kind: 'person',
      audience: ['custody'],
      clientId: 'another',
      scopes: ['openid', 'groups'],
    };
    const env = { CUSTODY_API: api.url, CUSTODY_HOME: join(temporary(), 'home') };
    api.answers.set('/v1/login', { issuers: [{ ...shape, issuer: issuer.url }] });
    const { of } = await doctor([], env);
    expect(of('identity okta')).toEqual(['good: its keys can be fetched']);
    expect(of('login okta')).toEqual([
      'bad: ID tokens are for the client another, and the gateway takes those for custody',
      'warning: the issuer does not say that it knows the scopes groups',
    ]);
    api.answers.set('/v1/login', { issuers: [{ ...shape, issuer: 'http://127.0.0.1:1' }] });
    expect((await doctor([], env)).of('identity okta')).toEqual([
      expect.stringMatching(/^bad: .*cannot be reached from here/),
    ]);
  });
});

/** Of a CA of its own, made that long ago. */
async function certificate(host: string, at: number): Promise<CertificatePair & { ca: string }> {
  const ca = await newAuthority(host, new Date(at));
  return { ...(await newServerCertificate(ca, [host], new Date(at))), ca: ca.cert };
}

/** What speaks PostgreSQL as far as TLS. */
async function listening(pair: CertificatePair): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write('S');
      new TLSSocket(socket, { isServer: true, ...pair }).on('error', () => undefined);
    });
  }).listen(0, 'localhost');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
