import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { type Configuration, Provider } from 'oidc-provider';
import { Browser } from './browser.ts';

const REDIRECT = 'http://127.0.0.1/callback';

/** A client of the provider, and where it is told of logouts. */
export interface LogoutClient {
  readonly id: string;
  readonly logoutUri: string;
  /** Whether ID tokens and logouts name the session. */
  readonly namesSessions: boolean;
}

/** An OpenID provider of others' making that ends what it let in: oidc-provider. Anybody may be anybody. */
export interface LogoutProvider {
  readonly url: string;
  /** What was told to whom, and what they answered. */
  readonly told: readonly string[];
  /** A browser in which somebody is logged in. */
  login(subject: string, client: LogoutClient): Promise<LoggedIn>;
  close(): Promise<void>;
}

export interface LoggedIn {
  readonly idToken: string;
  /** RP-initiated logout, as a person does it in their browser. Resolves when the provider has told everybody. */
  logout(): Promise<void>;
}

export async function startLogoutProvider(clients: readonly LogoutClient[]): Promise<LogoutProvider> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(url, await configuration(clients));
  const told: string[] = [];
  provider.on('backchannel.success', (_context, { clientId }) => told.push(`${clientId}: done`));
  provider.on('backchannel.error', (_context, error, { clientId }) =>
    told.push(`${clientId}: ${error.message}`),
  );
  const answer = provider.callback();
  server.on('request', (request, response) => {
    const isInteraction = request.url?.startsWith('/interaction/') === true;
    void (isInteraction ? interact(provider, request, response) : answer(request, response));
  });
  return {
    url,
    told,
    login: (subject, client) => login(url, subject, client),
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function configuration(clients: readonly LogoutClient[]): Promise<Configuration> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] },
    clients: clients.map(({ id, logoutUri, namesSessions }) => ({
      client_id: id,
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
      redirect_uris: [REDIRECT],
      backchannel_logout_uri: logoutUri,
      backchannel_logout_session_required: namesSessions,
    })),
    claims: { openid: ['sub', 'groups'] },
    findAccount: (_context, subject) => ({
      accountId: subject,
      claims: () => ({ sub: subject, groups: ['developers'] }),
    }),
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => {
          context.body = form;
        },
      },
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    ttl: { AccessToken: 60, Grant: 600, IdToken: 600, Interaction: 60, Session: 600 },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    // It calls nobody on its own machine by itself.
    fetch: (target, { dispatcher: _guarded, ...options }: RequestInit & { dispatcher?: unknown } = {}) =>
      fetch(target, options),
  };
}

/** Whoever is hinted at is logged in, and has consented. */
async function interact(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  const result =
    prompt.name === 'login'
      ? { login: { accountId: String(params['login_hint']) } }
      : { consent: { grantId: await consented(provider, session!.accountId, String(params['client_id'])) } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

async function consented(provider: Provider, accountId: string, clientId: string): Promise<string> {
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope('openid');
  return grant.save();
}

async function login(url: string, subject: string, { id }: LogoutClient): Promise<LoggedIn> {
  const browser = new Browser();
  const verifier = randomBytes(32).toString('base64url');
  const start = new URL(`${url}/auth`);
  start.search = new URLSearchParams({
    client_id: id,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: REDIRECT,
    login_hint: subject,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString();
  const { location, text } = await browser.follow(await browser.get(start));
  const code = location?.searchParams.get('code');
  if (code === null || code === undefined) throw new Error(`no code: ${location?.href ?? text}`);
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: id,
      redirect_uri: REDIRECT,
      code,
      code_verifier: verifier,
    }),
  });
  const { id_token: idToken } = (await response.json()) as { id_token: string };
  return { idToken, logout: () => logout(browser, url, idToken) };
}

async function logout(browser: Browser, url: string, idToken: string): Promise<void> {
  const page = await browser.get(new URL(`${url}/session/end?id_token_hint=${idToken}`));
  const [, action] = /action="([^"]+)"/.exec(page.text) ?? [];
  const [, xsrf] = /name="xsrf" value="([^"]+)"/.exec(page.text) ?? [];
  if (action === undefined || xsrf === undefined) throw new Error(`no form: ${page.text}`);
  const done = await browser.post(new URL(action, url), { xsrf, logout: 'yes' });
  if (done.status >= 400) throw new Error(`not logged out: ${done.text}`);
}
