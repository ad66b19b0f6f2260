/** Signing in with the identity provider: authorization code with PKCE (RFC 7636), refresh by rotation (RFC 9700). */
import * as oauth from 'oauth4webapi';
import { Problem } from '../api/problem.ts';
import type { PersonIssuer } from '../api/types.ts';
import { askable, type BrowserClient, browserClient, isHere, visitable } from './browser-client.ts';
import { CALLBACK, type Pending } from './pending.ts';
import { signInProblem } from './problems.ts';
import { renewed, type Tokens, tokensOf } from './tokens.ts';

const SCOPES = ['openid', 'email', 'offline_access'];

/** An issuer, and what it says of itself. */
export interface Known {
  readonly issuer: PersonIssuer;
  readonly client: BrowserClient;
  readonly server: oauth.AuthorizationServer;
}

/** Rejects with a Problem where it cannot be asked, or gives tokens where the page may not ask. */
export async function discover(issuer: PersonIssuer): Promise<Known> {
  const server = await discovered(new URL(issuer.issuer));
  visitable(issuer, server.authorization_endpoint);
  askable(issuer, server.token_endpoint);
  return { issuer, client: browserClient(issuer), server };
}

async function discovered(url: URL): Promise<oauth.AuthorizationServer> {
  try {
    return await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, insecurely(url)));
  } catch {
    throw new Problem('issuer-unreachable', `the identity provider at ${url.origin} cannot be asked`, {
      hint: 'look at your network, and load this page again; tell the operator when it stays',
    });
  }
}

/** Where to send the browser, and what to keep until it is back. */
export async function beginning(
  { issuer, client, server }: Known,
  origin: string,
  back: string,
): Promise<{ readonly to: URL; readonly pending: Pending }> {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const to = visitable(issuer, server.authorization_endpoint);
  const asked = {
    ...issuer.params,
    client_id: client.id,
    redirect_uri: origin + CALLBACK,
    response_type: 'code',
    scope: scopesOf(client, server).join(' '),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...(issuer.prompt === undefined ? {} : { prompt: issuer.prompt }),
  };
  for (const [name, value] of Object.entries(asked)) to.searchParams.set(name, value);
  return { to, pending: { issuer: issuer.name, clientId: client.id, state, nonce, verifier, back } };
}

/** Exchanges the code that the browser came back with. Rejects with a Problem. */
export async function finished(known: Known, pending: Pending, at: URL): Promise<Tokens> {
  const [{ server }, client] = [known, { client_id: pending.clientId }];
  try {
    const given = oauth.validateAuthResponse(server, client, at, pending.state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication(known),
      given,
      at.origin + CALLBACK,
      pending.verifier,
      insecurely(new URL(known.issuer.issuer)),
    );
    const expected = { expectedNonce: pending.nonce, requireIdToken: true };
    return tokensOf(
      known.issuer,
      await oauth.processAuthorizationCodeResponse(server, client, response, expected),
    );
  } catch (thrown) {
    throw signInProblem(thrown);
  }
}

/** Tokens anew; the refresh token that was used is over (rotation). Rejects as oauth4webapi does. */
export async function refreshed(
  known: Known,
  before: Tokens & { readonly refresh: string },
): Promise<Tokens> {
  const client = { client_id: known.client.id };
  const response = await oauth.refreshTokenGrantRequest(
    known.server,
    client,
    authentication(known),
    before.refresh,
    insecurely(new URL(known.issuer.issuer)),
  );
  const result = await oauth.processRefreshTokenResponse(known.server, client, response);
  return renewed(before, tokensOf(known.issuer, result));
}

/** Tells the provider that the refresh token is not wanted any more (RFC 7009), where it takes that. */
export async function revoked(known: Known, refresh: string): Promise<void> {
  const { issuer, server, client } = known;
  if (server.revocation_endpoint === undefined) return;
  askable(issuer, server.revocation_endpoint);
  const response = await oauth.revocationRequest(
    server,
    { client_id: client.id },
    authentication(known),
    refresh,
    { ...insecurely(new URL(issuer.issuer)), additionalParameters: { token_type_hint: 'refresh_token' } },
  );
  await oauth.processRevocationResponse(response);
}

function scopesOf(
  { scopes }: BrowserClient,
  { scopes_supported: offered }: oauth.AuthorizationServer,
): readonly string[] {
  return scopes ?? SCOPES.filter((scope) => scope === 'openid' || (offered?.includes(scope) ?? false));
}

function authentication({ client: { secret } }: Known): oauth.ClientAuth {
  return secret === undefined ? oauth.None() : oauth.ClientSecretPost(secret);
}

function insecurely(url: URL) {
  return { [oauth.allowInsecureRequests]: isHere(url) };
}
