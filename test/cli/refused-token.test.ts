import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { rawToken } from '#test/support/issuer.ts';
import { custody, idToken, type Ran, temporary } from './support.ts';

async function whoami(type: string, body: object): Promise<Ran> {
  const server = createServer((_request, response) => {
    response.writeHead(403, { 'content-type': type }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const env = {
    CUSTODY_API: `http://127.0.0.1:${port}`,
    CUSTODY_HOME: temporary(),
    CUSTODY_TOKEN: rawToken(
      { alg: 'ES256', kid: 'k' },
      { iss: 'https://id.example', sub: 'dana', exp: 9_999_999_999 },
      'signature',
    ),
  };
  return custody(['whoami'], { env });
}

test('a token that API Gateway refuses in its own words is said to be one, with what to do', async () => {
  const { code, stderr } = await whoami('application/json', { message: 'Forbidden' });
  expect(code).not.toBe(0);
  expect(stderr).toContain('the token was not taken: it has expired');
  expect(stderr).toContain('you were logged out at the identity provider');
  expect(stderr).toContain('log in again: custody login');
});

test('what the API itself forbids is said in its words', async () => {
  const problem = {
    title: 'Forbidden',
    status: 403,
    code: 'access-denied',
    detail: 'you may not look at this',
  };
  const { stderr } = await whoami('application/problem+json', problem);
  expect(stderr).toContain('you may not look at this');
  expect(stderr).not.toContain('log in again');
});

test.each([
  [(token: string) => `"${token}"`, 'it is in quotes'],
  [(token: string) => `Bearer ${token}`, '"Bearer" stands before it'],
  [(token: string) => token.slice(0, 20), 'it is cut off'],
  [() => 'hunter2', 'it is not a JWT'],
])('CUSTODY_TOKEN that holds something else is said before anybody is asked: %#', async (wrap, why) => {
  const env = { CUSTODY_API: 'http://127.0.0.1:2', CUSTODY_HOME: temporary() };
  const { code, stderr } = await custody(['targets'], { env: { ...env, CUSTODY_TOKEN: wrap(idToken()) } });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^custody: the token in CUSTODY_TOKEN is not good: .*\nhint: /);
  expect(stderr).toContain(why);
});
