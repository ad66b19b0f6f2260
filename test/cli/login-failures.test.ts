import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { failureWords } from '#cli/failure-words.ts';
import { makeSigner, pem } from '#test/support/evidence-builder.ts';
import { custody, fakeApi, type Ran, temporary } from './support.ts';

interface Said {
  readonly status: number;
  readonly body: object;
}

type Answers = Said | (() => Said);

/** An identity provider whose token endpoint says `token`; it keeps a code for `seconds`. */
async function issuer(
  token: Answers,
  seconds = 60,
  onCode: (form: URLSearchParams) => void = () => undefined,
): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url === '/device') void text(request).then((body) => onCode(new URLSearchParams(body)));
    const { status, body } = answerOf(server, request.url!, token, seconds);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return urlOf(server);
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answerOf(server: Server, path: string, token: Answers, seconds: number): Said {
  const url = urlOf(server);
  if (path === '/token') return typeof token === 'function' ? token() : token;
  if (path === '/device') {
    const codes = { device_code: 'd', user_code: 'ABCD', verification_uri: `${url}/confirm` };
    return { status: 200, body: { ...codes, expires_in: seconds, interval: 1 } };
  }
  const endpoints = { token_endpoint: `${url}/token`, device_authorization_endpoint: `${url}/device` };
  return { status: 200, body: { issuer: url, ...endpoints } };
}

async function login(token: Answers, seconds?: number): Promise<Ran> {
  const api = await fakeApi(pem(makeSigner()).toString());
  const args = ['login', '--device', '--issuer', await issuer(token, seconds), '--api', api.url];
  return custody(args, { env: { CUSTODY_HOME: join(temporary(), 'home') } });
}

const refusal = (error: string, description?: string): Said => ({
  status: 400,
  body: { error, ...(description !== undefined && { error_description: description }) },
});

describe('a device code', () => {
  test('is asked for with what custody.yaml adds, such as an audience', async () => {
    const sent: URLSearchParams[] = [];
    const url = await issuer(refusal('access_denied'), 60, (form) => sent.push(form));
    const api = await fakeApi(pem(makeSigner()).toString());
    const offered = { name: 'a', kind: 'person', issuer: url, audience: ['c'], clientId: 'c' };
    const way = { redirectHost: '127.0.0.1', redirectPath: '/callback', flow: 'device', token: 'access' };
    const params = { audience: 'https://api.example' };
    api.answers.set('/v1/login', { issuers: [{ ...offered, ...way, params }] });
    await custody(['login', '--api', api.url], { env: { CUSTODY_HOME: join(temporary(), 'home') } });
    expect(sent[0]!.get('audience')).toBe('https://api.example');
  });

  test.each([
    ['that the issuer calls expired', refusal('expired_token'), 'the code was not confirmed in time'],
    ['that was refused', refusal('access_denied'), 'it was refused in the browser'],
    [
      'that was refused for a reason',
      refusal('access_denied', 'no \u001b[31mdevice'),
      'it was refused in the browser (no \\x1b[31mdevice)',
    ],
    ['of a client that is not known', refusal('invalid_client'), 'does not know this client'],
    ['that something else is wrong with', refusal('odd_thing'), 'the identity provider says odd_thing'],
  ])('%s', async (_, token, words) => {
    const ran = await login(token);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(`custody: the login failed: `);
    expect(ran.stderr.split('\n').at(-3)).toContain(words);
    expect(ran.stderr).toMatch(
      /\nhint: (?:run custody login --device again|register custody there as a public .*)\n$/,
    );
  });

  test('that nobody confirms before it expires here', async () => {
    const ran = await login(refusal('authorization_pending'), 2);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('custody: the login failed: the code was not confirmed in time\n');
  });

  test('is asked for less often where the issuer says so (RFC 8628 section 3.5)', async () => {
    const asked: number[] = [];
    const said = [refusal('authorization_pending'), refusal('slow_down'), refusal('access_denied')];
    const ran = await login(() => {
      asked.push(performance.now());
      return said[asked.length - 1]!;
    });
    expect(ran.stderr).toContain('it was refused in the browser');
    const [first, second, third] = asked as [number, number, number];
    expect(second - first).toBeGreaterThan(900);
    expect(third - second).toBeGreaterThan(5_900);
  });

  test('that becomes something that is no token', async () => {
    const ran = await login({ status: 200, body: { access_token: 'a', token_type: 'bearer' } });
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('gave no ID token') as string });
  });
});

test('an issuer that does not answer is said in words', async () => {
  const api = await fakeApi(pem(makeSigner()).toString());
  const args = ['login', '--issuer', 'http://127.0.0.1:2', '--api', api.url, '--no-browser'];
  const ran = await custody(args, { env: { CUSTODY_HOME: join(temporary(), 'home') } });
  expect(ran.stderr).toContain(
    'cannot use the identity provider http://127.0.0.1:2: nothing listens there (ECONNREFUSED)',
  );
});

test.each([
  [new TypeError('fetch failed', { cause: { code: 'ENOTFOUND' } }), 'there is no such host (ENOTFOUND)'],
  [new DOMException('aborted', 'TimeoutError'), 'it did not answer in time'],
  [new Error('x', { cause: new DOMException('aborted', 'TimeoutError') }), 'it did not answer in time'],
  [
    new Error('x', { cause: { errors: [{ code: 'EHOSTUNREACH' }] } }),
    'there is no way to the host (EHOSTUNREACH)',
  ],
  [new Error('bad port'), 'bad port'],
  [new Error('', { cause: { code: 23 } }), 'of something that it does not say'],
])('the words for %s', (error, words) => {
  expect(failureWords(error)).toBe(words);
});

/** Whoever answers for the API chooses the issuer, and so what a browser, or whatever else takes such an address, is given. */
test.each(['file:///etc/passwd', 'javascript:alert(1)', 'calculator:1', '-flag'])(
  'a login page at %s is neither shown nor opened',
  async (authorization_endpoint) => {
    const server = createServer((_request, response) => {
      const endpoints = { issuer: urlOf(server), token_endpoint: `${urlOf(server)}/token` };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ ...endpoints, authorization_endpoint }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const api = await fakeApi(pem(makeSigner()).toString());
    const folder = temporary();
    writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\ntouch ${folder}/opened\n`, { mode: 0o755 });
    const env = { PATH: `${folder}:${process.env['PATH']}`, CUSTODY_HOME: join(folder, 'home') };
    const ran = await custody(['login', '--issuer', urlOf(server), '--api', api.url], { env });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/only .*HTTPS? requests are allowed|authorization_endpoint/);
    expect(ran.stderr).not.toContain('log in here');
    expect(existsSync(join(folder, 'opened'))).toBe(false);
  },
);
