import { hkdfSync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type Configuration, interactionPolicy, Provider } from 'oidc-provider';
import { demoPeople, recordDemoIssuer } from '#adapters/local/demo-issuer.ts';
import { type DemoKeys, demoKeys, peopleKeys, workloadKeys } from '#adapters/local/demo-keys.ts';
import { CustodyError } from '#core/errors.ts';
import { type OidcState, openOidcState } from './oidc-state.ts';
import { AGENT_CLIENT, offerTokenExchange, TOKEN_EXCHANGE } from './token-exchange.ts';
import { workloadsHandler } from './workloads.ts';

const AUDIENCE = 'custody';
const ID_TOKEN_S = 3600;
const REFRESH_S = 30 * 86_400;
const FORM_MAX_BYTES = 10_000;

export interface DemoIssuerServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A real OIDC provider with five demo people and no passwords: authorization code with PKCE, device flow, refresh
 * tokens, and token exchange for an agent that acts for one of them. Beside it, under /workloads, the issuer of machines.
 * For a laptop alone: it listens on this machine only, and whoever reaches it may be anybody.
 */
export async function startDemoIssuer(dataDir: string, port: number): Promise<DemoIssuerServer> {
  const url = `http://127.0.0.1:${port}`;
  const keys = await demoKeys(dataDir, peopleKeys);
  const workloads = workloadsHandler(url, await demoKeys(dataDir, workloadKeys), Date.now);
  const state = openOidcState(join(dataDir, 'oidc', 'state.sqlite'), Date.now);
  const provider = new Provider(url, configuration(keys, state));
  offerTokenExchange(provider, dataDir, AUDIENCE);
  const answer = provider.callback();
  const server = createServer((request, response) => {
    if (!isForUs(request, port)) return misdirected(response);
    response.setHeader('content-security-policy', "frame-ancestors 'none'");
    if (workloads.isFor(request)) return void workloads.handle(request, response).catch(() => fail(response));
    const interaction = /^\/interaction\/([\w-]+)/.exec(request.url ?? '');
    const handled = interaction === null ? answer(request, response) : interact(provider, request, response);
    handled.catch(() => fail(response));
  });
  await new Promise<void>((done, failed) => {
    server.once('error', (cause: NodeJS.ErrnoException) => failed(portProblem(port, cause)));
    server.listen(port, '127.0.0.1', done);
  });
  recordDemoIssuer(dataDir, { issuer: url, audience: AUDIENCE });
  return {
    url,
    close: () =>
      new Promise((done) => {
        server.close(() => {
          state.close();
          done();
        });
        server.closeAllConnections();
      }),
  };
}

/** A page elsewhere whose name was pointed at this machine (DNS rebinding) comes with its own name. */
function isForUs({ headers }: IncomingMessage, port: number): boolean {
  return headers.host === `127.0.0.1:${port}` || headers.host === `localhost:${port}`;
}

function misdirected(response: ServerResponse): void {
  response.writeHead(421, { 'content-type': 'text/plain' }).end('this is not the address of this server\n');
}

function configuration(jwks: DemoKeys, state: OidcState): Configuration {
  return {
    jwks,
    adapter: state.adapter,
    clients: [
      {
        client_id: AUDIENCE,
        client_name: 'Custody command line',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        id_token_signed_response_alg: 'ES256',
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        response_types: ['code'],
        redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
      },
      {
        client_id: AGENT_CLIENT,
        client_name: 'An agent of the demo',
        id_token_signed_response_alg: 'ES256',
        token_endpoint_auth_method: 'none',
        grant_types: [TOKEN_EXCHANGE],
        response_types: [],
        redirect_uris: [],
      },
    ],
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub', 'email', 'name', 'groups'], email: ['email'], groups: ['groups'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    // The console asks for tokens from its own address, on this machine.
    clientBasedCORS: (_context, origin) => isHere(origin),
    features: {
      devInteractions: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: async (_context, client, token) => token.clientId === client.clientId,
      },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: codeInput,
        userCodeConfirmSource: codeConfirm,
        successSource: done,
      },
    },
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    rotateRefreshToken: true,
    ttl: {
      IdToken: ID_TOKEN_S,
      AccessToken: ID_TOKEN_S,
      RefreshToken: REFRESH_S,
      Grant: REFRESH_S,
      Session: 3600,
      Interaction: 600,
      DeviceCode: 600,
    },
    interactions: {
      policy: alwaysChoose(),
      url: (_context, interaction) => `/interaction/${interaction.uid}`,
    },
    findAccount: (_context, subject) => findAccount(subject),
    renderError: (context, { error, error_description: description }) => {
      context.type = 'html';
      context.body = page('That did not work', `<p>${escape(error)}: ${escape(description ?? '')}</p>`);
    },
    cookies: { keys: [cookieKey(jwks)] },
  };
}

function isHere(origin: string): boolean {
  const url = URL.parse(origin);
  return url?.protocol === 'http:' && (url.hostname === '127.0.0.1' || url.hostname === 'localhost');
}

/** A login asks who it is even when the browser remembers somebody: that is how one person plays three. */
function alwaysChoose(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  policy
    .get('login')!
    .checks.add(
      new Check('choose', 'choose a person', (context) =>
        context.oidc.result?.login === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
      ),
    );
  return policy;
}

/** Cookies are signed with a key of their own, made from the one that is kept anyway. */
function cookieKey({ keys }: DemoKeys): string {
  const key = Buffer.from(hkdfSync('sha256', String(keys[0]!.d), '', 'custody demo cookies', 32));
  return key.toString('base64url');
}

function findAccount(subject: string) {
  const person = Object.values(demoPeople).find((candidate) => candidate.subject === subject);
  if (person === undefined) return undefined;
  const { email, name, groups } = person;
  return { accountId: subject, claims: () => ({ sub: subject, email, name, groups: [...groups] }) };
}

/** One page: choose who you are. Choosing also consents, as there is nothing here to protect. */
async function interact(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const details = await provider.interactionDetails(request, response);
  if (details.prompt.name === 'login' && request.method !== 'POST')
    return choosePerson(response, details.uid);
  if (details.prompt.name === 'login') {
    const accountId = new URLSearchParams(await readForm(request)).get('person') ?? '';
    if (findAccount(accountId) === undefined) return choosePerson(response, details.uid);
    return provider.interactionFinished(
      request,
      response,
      { login: { accountId } },
      { mergeWithLastSubmission: false },
    );
  }
  const grant = new provider.Grant({
    accountId: details.session!.accountId,
    clientId: AUDIENCE,
  });
  const { scope } = details.params;
  grant.addOIDCScope(typeof scope === 'string' ? scope : 'openid');
  const grantId = await grant.save();
  return provider.interactionFinished(
    request,
    response,
    { consent: { grantId } },
    { mergeWithLastSubmission: true },
  );
}

function choosePerson(response: ServerResponse, uid: string): void {
  const buttons = Object.entries(demoPeople).map(
    ([role, { subject, name, email }]) =>
      `<button name="person" value="${subject}"><b>${name}</b> ${email}<br><small>${role}</small></button>`,
  );
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(
    page('Who are you today?', `<form method="post" action="/interaction/${uid}">${buttons.join('')}</form>`),
  );
}

type DeviceFlow = NonNullable<NonNullable<Configuration['features']>['deviceFlow']>;

const codeInput: NonNullable<DeviceFlow['userCodeInputSource']> = async (context, form) => {
  context.body = page('Enter the code', `${form}<button form="op.deviceInputForm">Continue</button>`);
};

const codeConfirm: NonNullable<DeviceFlow['userCodeConfirmSource']> = async (
  context,
  form,
  _client,
  _info,
  code,
) => {
  const shown = `<p>Is this the code your terminal shows? <b>${escape(code)}</b></p>`;
  context.body = page(
    'Confirm',
    `${shown}${form}<button autofocus form="op.deviceConfirmForm">Yes, continue</button>`,
  );
};

const done: NonNullable<DeviceFlow['successSource']> = async (context) => {
  context.body = page('Done', '<p>You may close this page and go back to your terminal.</p>');
};

async function readForm(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > FORM_MAX_BYTES) throw new Error('the form is too large');
  }
  return body;
}

function fail(response: ServerResponse): void {
  if (!response.headersSent) response.statusCode = 400;
  response.end('this login is over: start again\n');
}

function portProblem(port: number, cause: NodeJS.ErrnoException): CustodyError {
  return new CustodyError(
    'config-invalid',
    `the demo identity provider cannot listen on port ${port} (${cause.code})`,
    {
      hint: 'stop what uses the port, or choose other ports with --port-base',
      cause,
    },
  );
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<style>body{font:16px system-ui;max-width:24rem;margin:4rem auto;color:#222}button{display:block;width:100%;margin:.5rem 0;padding:.8rem;font:inherit;text-align:left;border:1px solid #bbb;border-radius:.4rem;background:#fff;cursor:pointer}small{color:#777}</style>
<small>Custody demo identity provider: no passwords, this machine only</small><h2>${title}</h2>${body}</html>`;
}
