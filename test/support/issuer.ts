import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { LOGOUT_EVENT } from '#core/identity/logout-token.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An issuer on this machine whose answers a test can replace. Counts what it was asked for. */
export interface TestIssuer {
  readonly url: string;
  /** The keys it publishes. */
  keys: JWK[];
  readonly asked: string[];
  /** Instead of the usual answer at a path. */
  readonly answers: Map<string, Answer>;
  /** Every request fails from now on. */
  down: boolean;
  close(): Promise<void>;
}

export const DISCOVERY = '/.well-known/openid-configuration';
export const JWKS = '/jwks';

export async function startIssuer(): Promise<TestIssuer> {
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    issuer.asked.push(path);
    if (issuer.down) request.socket.destroy();
    else (issuer.answers.get(path) ?? usual)(request, response);
  });
  const usual: Answer = ({ url }, response) => {
    if (url === DISCOVERY) answerJson(response, { issuer: issuer.url, jwks_uri: `${issuer.url}${JWKS}` });
    else if (url === JWKS) answerJson(response, { keys: issuer.keys });
    else response.writeHead(404).end();
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const issuer: TestIssuer = {
    url: `http://127.0.0.1:${port}`,
    keys: [],
    asked: [],
    answers: new Map(),
    down: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return issuer;
}

export function answerJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export interface TestKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function makeKey(kid: string, alg = 'ES256'): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** A token that is good for `issuer`, with `claims` and `header` on top. An undefined claim is left out. */
export function signToken(
  issuer: { readonly url: string },
  key: TestKey,
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: issuer.url, aud: 'custody', sub: 'dana', iat: now, exp: now + 3600 };
  return new SignJWT({ ...usual, groups: ['developers'], ...claims })
    .setProtectedHeader({ alg: key.jwk.alg!, kid: key.kid, ...header })
    .sign(key.privateKey, { crit: { 'urn:custody': true } });
}

/** What the issuer sends when it ends all that `sub` had (OpenID Connect Back-Channel Logout 1.0), with `claims` on top. */
export function logoutToken(
  issuer: { readonly url: string },
  key: TestKey,
  sub: string,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const logout = { sub, jti: randomUUID(), groups: undefined, events: { [LOGOUT_EVENT]: {} } };
  return signToken(issuer, key, { ...logout, ...claims }, { typ: 'logout+jwt' });
}

/** A compact token of these parts, whatever they are. */
export function rawToken(header: unknown, claims: unknown, signature: Uint8Array | string = ''): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.${Buffer.from(signature).toString('base64url')}`;
}
