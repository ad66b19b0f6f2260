/** Signing in with the identity provider: authorization code with PKCE (RFC 7636), refresh by rotation (RFC 9700). */
import * as oauth from 'oauth4webapi';
import { Problem } from '../api/problem.ts';
import type { PersonIssuer } from '../api/types.ts';

/** What is kept in this tab while the person is at the identity provider: no token. */
export interface Pending {
  readonly issuer: string;
  readonly clientId: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Where in the console they were. */
  readonly back: string;
}

export interface Tokens {
  /** What goes to the gateway. */
  readonly token: string;
  readonly refresh: string | undefined;
  /** When the token is over, milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Where the identity provider sends the person back to: registered there. */
export const CALLBACK = '/callback';
const SCOPES = ['openid', 'email', 'offline_access'];

/** An issuer, with what it says of itself. */
export interface Known {
  readonly issuer: PersonIssuer;
  readonly server: oauth.AuthorizationServer;
}

export async function discover(issuer: PersonIssuer): Promise<Known> {
  const url = new URL(issuer.issuer);
  try {
    const response = await oauth.discoveryRequest(url, insecurely(url));
    return { issuer, server: await oauth.processDiscoveryResponse(url, response) };
  } catch {
    throw new Problem('issuer-unreachable', `the identity provider at ${url.origin} cannot be asked`, {
      hint: 'look at your network; tell the operator when it stays',
    });
  }
}

/** Where to send the browser, and what to keep until it is back. */
export async function beginning(
  { issuer, server }: Known,
  origin: string,
  back: string,
): Promise<{ readonly to: URL; readonly pending: Pending }> {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const to = new URL(server.authorization_endpoint!);
  const asked = {
    ...issuer.params,
    client_id: issuer.clientId,
    redirect_uri: origin + CALLBACK,
    response_type: 'code',
    scope: scopesOf(issuer, server).join(' '),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...(issuer.prompt === undefined ? {} : { prompt: issuer.prompt }),
  };
  for (const [name, value] of Object.entries(asked)) to.searchParams.set(name, value);
  const pending = { issuer: issuer.name, clientId: issuer.clientId, state, nonce, verifier, back };
  return { to, pending };
}

/** Exchanges the code that the browser came back with. */
export async function finished(known: Known, pending: Pending, at: URL): Promise<Tokens> {
  const client = { client_id: pending.clientId };
  const given = oauth.validateAuthResponse(known.server, client, at, pending.state);
  const response = await oauth.authorizationCodeGrantRequest(
    known.server,
    client,
    authentication(known.issuer),
    given,
    at.origin + CALLBACK,
    pending.verifier,
    insecurely(new URL(known.issuer.issuer)),
  );
  const result = await oauth.processAuthorizationCodeResponse(known.server, client, response, {
    expectedNonce: pending.nonce,
    requireIdToken: true,
  });
  return tokensOf(known.issuer, result);
}

/** Tokens anew; the refresh token that was used is over (rotation). */
export async function refreshed(known: Known, refresh: string): Promise<Tokens> {
  const client = { client_id: known.issuer.clientId };
  const response = await oauth.refreshTokenGrantRequest(
    known.server,
    client,
    authentication(known.issuer),
    refresh,
    insecurely(new URL(known.issuer.issuer)),
  );
  const result = await oauth.processRefreshTokenResponse(known.server, client, response);
  const tokens = tokensOf(known.issuer, result);
  return { ...tokens, refresh: tokens.refresh ?? refresh };
}

function tokensOf({ token: which }: PersonIssuer, result: oauth.TokenEndpointResponse): Tokens {
  const token = which === 'access' ? result.access_token : result.id_token;
  if (token === undefined) throw new Problem('token-missing', 'the identity provider sent no ID token');
  return { token, refresh: result.refresh_token, expiresAt: expiryOf(token) };
}

/** What the token says of itself; the gateway verifies it. */
function expiryOf(token: string): number {
  const [, payload = ''] = token.split('.');
  const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
    c.charCodeAt(0),
  );
  const { exp } = JSON.parse(new TextDecoder().decode(bytes)) as { exp?: unknown };
  if (typeof exp !== 'number') throw new Problem('token-invalid', 'the token does not say when it is over');
  return exp * 1000;
}

function scopesOf(
  { scopes }: PersonIssuer,
  { scopes_supported: offered }: oauth.AuthorizationServer,
): string[] {
  return scopes ?? SCOPES.filter((scope) => scope === 'openid' || (offered?.includes(scope) ?? false));
}

function authentication({ clientSecret }: PersonIssuer): oauth.ClientAuth {
  return clientSecret === undefined ? oauth.None() : oauth.ClientSecretPost(clientSecret);
}

/** http is for an issuer on this machine alone. */
function insecurely({ protocol, hostname }: URL) {
  const isHere = protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
  return { [oauth.allowInsecureRequests]: isHere };
}
