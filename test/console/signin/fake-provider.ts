/** A gateway and an identity provider that do what the real ones of the demo never do. */
import { onTestFinished } from 'vitest';
import { SignIn } from '../../../console/signin/session.ts';

export const CONSOLE = 'https://custody.example';
export const ISSUER = 'https://id.example';
/** Of the clock that the console looks at. The library for OpenID Connect looks at the real one. */
const LIFETIME_S = 3600;

export interface FakeProvider {
  /** Changed by a test before it acts. */
  readonly is: {
    issuer: Readonly<Record<string, unknown>>;
    /** People of it may sign in too; it comes first. */
    other: { readonly name: string } | undefined;
    metadata: Readonly<Record<string, unknown>>;
    /** Of ID tokens. */
    claims: Readonly<Record<string, unknown>>;
    /** What the token endpoint answers in place of tokens. */
    refusal: (() => Response | Promise<Response>) | undefined;
    /** What the gateway answers to whoever is signed in. */
    whoami: () => Response | Promise<Response>;
  };
  /** Forms that were sent to the provider, by path. */
  readonly forms: { readonly path: string; readonly form: Readonly<Record<string, string>> }[];
  readonly bearers: string[];
}

/** In place of the network, for this test. */
export function fakeProvider(): FakeProvider {
  const provider: FakeProvider = {
    is: {
      issuer: {},
      other: undefined,
      metadata: {},
      claims: {},
      refusal: undefined,
      whoami: () => Response.json({ subject: 'dev-1' }),
    },
    forms: [],
    bearers: [],
  };
  const real = globalThis.fetch;
  onTestFinished(() => void (globalThis.fetch = real));
  globalThis.fetch = async (input, init = {}) =>
    answer(provider, new Request(new URL(input instanceof Request ? input.url : input, CONSOLE), init));
  return provider;
}

async function answer(provider: FakeProvider, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case '/v1/login':
      return Response.json({ issuers: [...others(provider), offered(provider), WORKLOADS] });
    case '/.well-known/openid-configuration':
      return Response.json({ ...METADATA, ...provider.is.metadata });
    case '/token':
    case '/revoke':
      return tokens(provider, pathname, Object.fromEntries(new URLSearchParams(await request.text())));
    default:
      provider.bearers.push(request.headers.get('authorization') ?? '');
      return provider.is.whoami();
  }
}

const WORKLOADS = { kind: 'workload', name: 'actions', issuer: `${ISSUER}/workloads`, audience: ['custody'] };
const METADATA = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize`,
  token_endpoint: `${ISSUER}/token`,
  revocation_endpoint: `${ISSUER}/revoke`,
  scopes_supported: ['openid', 'offline_access', 'profile'],
  authorization_response_iss_parameter_supported: true,
};

function others({ is: { other } }: FakeProvider) {
  return other === undefined ? [] : [{ ...other, kind: 'person', issuer: 'https://other.example' }];
}

function offered({ is: { issuer } }: FakeProvider) {
  return {
    ...{ kind: 'person', name: 'people', issuer: ISSUER, audience: ['cli'], clientId: 'cli' },
    ...{ token: 'id', flow: 'browser', params: {}, redirectHost: '127.0.0.1', redirectPath: '/callback' },
    ...issuer,
  };
}

async function tokens(
  { forms, is }: FakeProvider,
  path: string,
  form: Readonly<Record<string, string>>,
): Promise<Response> {
  forms.push({ path, form });
  if (path === '/revoke') return new Response(null, { status: 200 });
  if (is.refusal !== undefined) return is.refusal();
  const token = idToken({ aud: form['client_id'], nonce: nonce(form), ...is.claims });
  const body = { access_token: 'opaque', token_type: 'bearer', id_token: token };
  return Response.json({ ...body, refresh_token: `refresh-${forms.length}` });
}

/** Tests have the code say it: as a provider would remember. */
function nonce({ code }: Readonly<Record<string, string>>): string | undefined {
  return code;
}

function idToken(claims: Readonly<Record<string, unknown>>): string {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: ISSUER, sub: 'dev-1', iat: now, exp: now + LIFETIME_S, ...claims };
  return [{ alg: 'RS256' }, all, {}]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
}

export interface FakeTab {
  readonly signIn: SignIn;
  /** Where the browser is, or was sent. */
  readonly at: { href: string };
  readonly kept: Map<string, string>;
  /** The console's clock. */
  readonly clock: { ms: number };
  /** A page is loaded there: nothing but what is kept stays. */
  load(href: string): Promise<SignIn>;
}

export function fakeTab(): FakeTab {
  const at = { href: `${CONSOLE}/` };
  const kept = new Map<string, string>();
  const clock = { ms: Date.now() };
  const storage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, text: string) => void kept.set(name, text),
    removeItem: (name: string) => void kept.delete(name),
  };
  const location = {
    origin: CONSOLE,
    get href() {
      return at.href;
    },
    assign: (url: string) => void (at.href = url),
  };
  const history = {
    replaceState: (_: null, _unused: '', url: string) => void (at.href = new URL(url, at.href).href),
  };
  const made = (): SignIn =>
    new SignIn({ location, history, sessionStorage: storage, localStorage: storage }, () => clock.ms);
  const tab = { signIn: made(), at, kept, clock };
  return {
    ...tab,
    async load(href) {
      at.href = href;
      const signIn = made();
      await signIn.start();
      return signIn;
    },
  };
}

/** To the provider, and back with a code; `more` is what it says beside. */
export async function comeBack(tab: FakeTab, more: Readonly<Record<string, string>> = {}): Promise<SignIn> {
  const asked = new URL(tab.at.href).searchParams;
  const given = { code: asked.get('nonce')!, state: asked.get('state')!, iss: ISSUER, ...more };
  return tab.load(`${CONSOLE}/callback?${new URLSearchParams(given).toString()}`);
}

/** Signed in, having been at `back`. */
export async function signedIn(tab: FakeTab, back = '/requests'): Promise<SignIn> {
  await goToProvider(tab, back);
  return comeBack(tab);
}

export async function goToProvider(tab: FakeTab, back = '/requests'): Promise<URL> {
  const signIn = await tab.load(`${CONSOLE}${back}`);
  const state = signIn.state.value;
  if (state.is !== 'out') throw new Error(`the console is ${state.is}`);
  await signIn.begin(state.issuers[0]!, back);
  return new URL(tab.at.href);
}
