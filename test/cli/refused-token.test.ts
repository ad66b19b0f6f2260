import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { rawToken } from '#test/support/issuer.ts';
import { custody, type Ran, temporary } from './support.ts';

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
