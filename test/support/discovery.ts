import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An identity provider of which nothing is there but what it says of itself, and its keys. */
export async function issuerServer(
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly url: string } & Disposable> {
  const server = createServer((request, response) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const keys = { keys: [{ kty: 'EC', alg: 'ES256', crv: 'P-256', x: 'x', y: 'y' }] };
    const document = { issuer: url, jwks_uri: `${url}/keys`, scopes_supported: ['openid', 'email'], ...more };
    response.end(JSON.stringify(request.url === '/keys' ? keys : document));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
