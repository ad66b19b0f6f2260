import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { type Configuration, Provider } from 'oidc-provider';
import { openOidcState } from '#local/issuer/oidc-state.ts';
import type { ProviderShape } from './shape.ts';

export const CLIENT = 'custody-cli';
const DAYS_S = 30 * 86_400;

export interface ShapedProvider {
  readonly issuer: string;
  close(): Promise<void>;
}

/** A real OIDC provider with the peculiarities of `shape`. Whoever comes is Dana, and consents. */
export async function startProvider(shape: ProviderShape): Promise<ShapedProvider> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = `${origin}${shape.issuerPath}`;
  const asked = { params: new URLSearchParams() };
  const state = openOidcState(':memory:', Date.now);
  const provider = new Provider(issuer, { ...(await configuration(shape, asked)), adapter: state.adapter });
  provider.Client.prototype.redirectUriAllowed = (uri: string) => shape.redirects(new URL(uri));
  provider.use(async (context, next) => {
    await next();
    const isUnknown = context.path === '/token' && context.status === 401;
    if (shape.secret === undefined || !isUnknown) return;
    context.status = 400;
    context.body = { error: 'invalid_request', error_description: shape.secret.missing };
  });
  const answer = provider.callback();
  server.on('request', (request, response) => {
    const url = new URL(request.url!, origin);
    if (url.pathname === '/auth') asked.params = url.searchParams;
    if (url.pathname === '/auth' && refusedAtOnce(shape, issuer, url.searchParams, response)) return;
    const handled = url.pathname.startsWith('/interaction/')
      ? interact(provider, request, response)
      : answer(request, response);
    handled.catch(() => response.destroy());
  });
  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    state.close();
  };
  return { issuer, close };
}

/** What the library takes more kindly than the provider does. */
function refusedAtOnce(
  shape: ProviderShape,
  iss: string,
  params: URLSearchParams,
  response: ServerResponse,
): boolean {
  const redirect = URL.parse(params.get('redirect_uri') ?? '');
  if (redirect === null || !shape.redirects(redirect)) {
    response.writeHead(400, { 'content-type': 'text/plain' }).end(shape.redirectError);
    return true;
  }
  const back = (error: string, description: string): true => {
    const said = { error, error_description: description, state: params.get('state')!, iss };
    for (const [name, value] of Object.entries(said)) redirect.searchParams.set(name, value);
    response.writeHead(302, { location: redirect.href }).end();
    return true;
  };
  const foreign = params
    .get('scope')!
    .split(' ')
    .filter((scope) => !shape.scopes.includes(scope));
  if (shape.strictScopes && foreign.length > 0) return back('invalid_scope', `unknown: ${foreign.join(' ')}`);
  if (shape.consentError !== undefined && params.get('prompt') === 'consent')
    return back('access_denied', shape.consentError);
  return false;
}

async function interact(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { prompt, session, params } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login')
    return provider.interactionFinished(request, response, { login: { accountId: 'dana' } });
  const grant = new provider.Grant({ accountId: session!.accountId, clientId: CLIENT });
  grant.addOIDCScope(String(params['scope']));
  return provider.interactionFinished(
    request,
    response,
    { consent: { grantId: await grant.save() } },
    { mergeWithLastSubmission: true },
  );
}

async function configuration(
  shape: ProviderShape,
  asked: { readonly params: URLSearchParams },
): Promise<Configuration> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const claims = Object.keys(shape.claims([...shape.scopes]));
  return {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] },
    clients: [
      {
        client_id: CLIENT,
        application_type: 'native',
        token_endpoint_auth_method: shape.secret === undefined ? 'none' : 'client_secret_post',
        ...(shape.secret !== undefined && { client_secret: shape.secret.value }),
        grant_types: [
          'authorization_code',
          'refresh_token',
          ...(shape.hasDeviceFlow ? ['urn:ietf:params:oauth:grant-type:device_code'] : []),
        ],
        response_types: ['code'],
        redirect_uris: ['http://127.0.0.1/callback'],
      },
    ],
    scopes: [...shape.scopes],
    claims: { openid: ['sub', ...claims] },
    conformIdTokenClaims: false,
    extraParams: ['access_type', 'hd'],
    features: {
      devInteractions: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: async (_context, client, token) => token.clientId === client.clientId,
      },
      deviceFlow: { enabled: shape.hasDeviceFlow },
    },
    // The library wants prompt=consent for offline_access, as OpenID Connect Core 1.0 section 11 does; these providers do not.
    issueRefreshToken: async () => shape.refreshes(asked.params.get('scope')?.split(' ') ?? [], asked.params),
    rotateRefreshToken: shape.rotates,
    expiresWithSession: async () => false,
    ttl: {
      IdToken: 3600,
      AccessToken: 3600,
      RefreshToken: DAYS_S,
      Grant: DAYS_S,
      Session: 3600,
      Interaction: 600,
      DeviceCode: 600,
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: (_use, scope) => ({ sub, ...shape.claims(scope.split(' ')) }),
    }),
    // The words of the provider, where the library has its own.
    renderError: (context, { error, error_description: description }) => {
      context.type = 'text/plain';
      context.body = `${error}: ${description ?? ''}`;
    },
    cookies: { keys: ['of a test'] },
  };
}
