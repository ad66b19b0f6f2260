import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { deviceLogins, issuerForCodes } from '#adapters/oidc/device-logins.ts';
import { issuersVerifier } from '#adapters/oidc/issuers-verifier.ts';
import { type IssuerConfig, parseConfig } from '#core/access/config.ts';
import { startDemoIssuer } from '#local/issuer/issuer.ts';
import { visit } from '#test/cli/login-support.ts';
import { temporary } from '#test/cli/support.ts';
import { freePort } from '#test/support/moto.ts';

const NOW = Date.UTC(2026, 10, 29);
const patient = () => new AbortController().signal;

function issuersOf(yaml: string): readonly IssuerConfig[] {
  return parseConfig(`version: 1\nidentity:\n${yaml}\ntargets: {}\n`, 'custody.yaml').issuers;
}

const one = (issuer: string, more = ''): readonly IssuerConfig[] =>
  issuersOf(`  - { name: people, issuer: "${issuer}", audience: custody${more} }`);

/** An identity provider that says at its token endpoint what the test wants, one answer after the other. */
async function provider(
  answers: { readonly status: number; readonly body: object }[],
  device: object = {},
): Promise<string> {
  let base = '';
  const listener: RequestListener = (request, response) => {
    const say = (status: number, body: object): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (request.url === '/.well-known/openid-configuration')
      return say(200, {
        issuer: base,
        token_endpoint: `${base}/token`,
        device_authorization_endpoint: `${base}/device`,
      });
    if (request.url === '/device')
      return say(200, {
        device_code: 'd',
        user_code: 'ABCD-EFGH',
        verification_uri: `${base}/here`,
        expires_in: 60,
        interval: 0.01,
        ...device,
      });
    const { status, body } = answers.shift() ?? { status: 400, body: { error: 'expired_token' } };
    say(status, body);
  };
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return base;
}

const error = (code: string) => ({ status: 400, body: { error: code } });

describe('a login that is confirmed elsewhere', () => {
  test('gives a token that the gateway takes', async () => {
    const issuer = await startDemoIssuer(temporary(), await freePort());
    onTestFinished(() => issuer.close());
    const issuers = one(issuer.url, ', groupsClaim: groups');
    const login = await deviceLogins(
      () => issuers,
      () => NOW,
    ).begin(patient());
    expect(login.expiresAt).toEqual(new Date(NOW + 600_000));
    const token = login.token(patient());
    const cookies = new Map<string, string>();
    const choose = await visit(login.url, cookies);
    const [, xsrf] = /name="xsrf" value="(\w+)"/.exec(choose)!;
    const confirm = { xsrf: xsrf!, user_code: login.code, confirm: 'yes' };
    const people = await visit(`${issuer.url}/device`, cookies, confirm);
    const [, uid] = /action="([^"]+)"/.exec(people)!;
    const [, person] = /name="person" value="([^"]+)"/.exec(people)!;
    await visit(new URL(uid!, issuer.url).href, cookies, { person: person! });
    expect(await issuersVerifier(issuers).verify(await token)).toMatchObject({ subject: person });
  });

  test.each([
    ['access_denied', 'the login was refused in the browser'],
    ['expired_token', 'the code was not confirmed in time'],
  ])('that ends with %s says so', async (code, words) => {
    const issuers = one(await provider([error('authorization_pending'), error(code)]));
    const login = await deviceLogins(
      () => issuers,
      () => NOW,
    ).begin(patient());
    expect(login).toMatchObject({ code: 'ABCD-EFGH', url: `${issuers[0]!.issuer}/here` });
    await expect(login.token(patient())).rejects.toMatchObject({ code: 'token-invalid', message: words });
  });

  test('outlives an issuer that fails for a moment, and not one that goes on failing', async () => {
    const broken = { status: 503, body: {} };
    const hiccup = one(await provider([broken, broken, error('access_denied')]));
    const first = await deviceLogins(
      () => hiccup,
      () => NOW,
    ).begin(patient());
    await expect(first.token(patient())).rejects.toMatchObject({ code: 'token-invalid' });
    const down = one(await provider([broken, broken, broken, broken]));
    const second = await deviceLogins(
      () => down,
      () => NOW,
    ).begin(patient());
    await expect(second.token(patient())).rejects.toMatchObject({ code: 'issuer-unreachable' });
  });

  test('ends with whoever left', async () => {
    const issuers = one(await provider([], { interval: 30 }));
    const login = await deviceLogins(
      () => issuers,
      () => NOW,
    ).begin(patient());
    const peer = new AbortController();
    const token = login.token(peer.signal);
    peer.abort(new Error('the peer left'));
    await expect(token).rejects.toThrow('the peer left');
  });
});

describe('a login that cannot begin', () => {
  const begin = (issuers: readonly IssuerConfig[]) =>
    deviceLogins(
      () => issuers,
      () => NOW,
    ).begin(patient());

  test('says that the issuer does not answer', async () => {
    const issuers = one(`http://127.0.0.1:${await freePort()}`);
    await expect(begin(issuers)).rejects.toMatchObject({ code: 'issuer-unreachable' });
  });

  test.each([
    ['a code with an escape', { user_code: '\u001b[2J' }],
    ['a code without end', { user_code: 'A'.repeat(65) }],
    ['an address that is none', { verification_uri: 'javascript:alert(1)' }],
  ])('shows nobody %s (security case 18)', async (_what, device) => {
    await expect(begin(one(await provider([], device)))).rejects.toMatchObject({
      code: 'issuer-unreachable',
    });
  });

  test('says that there is nobody to log in', async () => {
    expect(() => issuerForCodes([])).toThrow('no identity provider');
  });
});

test('of several issuers the one that says flow: device counts, else the first of people', () => {
  const block = (flow: string) => `
  - { name: ci, kind: workload, issuer: "https://ci.example", audience: c, match: { team: acme } }
  - { name: a, issuer: "https://a.example", audience: custody, groupsPrefix: "a:" }
  - { name: b, issuer: "https://b.example", audience: custody, groupsPrefix: "b:"${flow} }`;
  expect(issuerForCodes(issuersOf(block(''))).name).toBe('a');
  expect(issuerForCodes(issuersOf(block(', login: { flow: device }'))).name).toBe('b');
});
