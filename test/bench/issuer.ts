/** Whom the gateways believe: discovery and keys, and one token that lasts. */
import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface Issuer {
  readonly server: Server;
  readonly url: string;
  readonly token: string;
}

export async function startIssuer(port: number): Promise<Issuer> {
  const url = `http://127.0.0.1:${port}`;
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' }] };
  const documents: Record<string, unknown> = {
    '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/jwks` },
    '/jwks': jwks,
  };
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(documents[request.url ?? '']));
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const token = await new SignJWT({ groups: ['bench'] })
    .setProtectedHeader({ alg: 'ES256', kid: 'bench' })
    .setIssuer(url)
    .setAudience('custody')
    .setSubject('bench')
    .setIssuedAt()
    .setExpirationTime('12h')
    .sign(privateKey);
  return { server, url, token };
}
