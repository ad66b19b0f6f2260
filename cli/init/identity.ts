/** What `identity:` of custody.yaml says for the providers that docs/identity has a page of, by the form of their issuers' URLs. */

/** An issuer as custody.yaml has it, and what a person has to know of it. */
export interface Provider {
  readonly name: string;
  readonly title: string;
  /** Of docs/identity. */
  readonly page: string;
  /** Undefined where its tokens have no groups, or in a claim whose name only its owner knows. */
  readonly groupsClaim?: string;
  /** Its tokens never have groups: who is in which stands in custody.yaml. */
  readonly noGroups?: true;
  /** Its client has a secret that is none. */
  readonly clientSecret?: true;
  /** What else its entry has, in custody.yaml's own words. */
  readonly entry: Readonly<Record<string, unknown>>;
  readonly login: Readonly<Record<string, unknown>>;
  /** What to register there. */
  readonly redirect: string;
}

/** Those that compare a redirect URI with its port want some that are registered. */
const PORTS = [18271, 18272, 18273];
const THREE = (host: string): string => PORTS.map((port) => `http://${host}:${port}/callback`).join(', ');
const ANY_PORT = 'http://127.0.0.1/callback';
const REFRESHED = ['openid', 'email', 'offline_access'];

interface Known {
  readonly is: RegExp;
  readonly of: (issuer: URL) => Provider;
}

const known: readonly Known[] = [
  {
    is: /^https:\/\/[^/]+\.(?:okta|oktapreview|okta-emea)\.com(?:\/|$)/,
    of: () => ({
      ...{ name: 'okta', title: 'Okta', page: 'okta.md', groupsClaim: 'groups' },
      entry: { emailVerified: 'required' },
      login: { scopes: ['openid', 'email', 'profile', 'groups', 'offline_access'], ports: PORTS },
      redirect: `${THREE('127.0.0.1')} (Native Application, PKCE), and a groups claim`,
    }),
  },
  {
    is: /^https:\/\/login\.microsoftonline\.com\//,
    of: ({ pathname }) => ({
      ...{ name: 'entra', title: 'Microsoft', page: 'entra.md', groupsClaim: 'groups' },
      entry: { match: { tid: pathname.split('/')[1] ?? '' }, emailVerified: 'unless-denied' },
      login: { scopes: ['openid', 'email', 'profile', 'offline_access'], redirectHost: 'localhost' },
      redirect:
        'http://localhost/callback (Mobile and desktop applications), and the groups claim for ID tokens',
    }),
  },
  {
    is: /^https:\/\/accounts\.google\.com\/?$/,
    of: () => ({
      ...{ name: 'google', title: 'Google', page: 'google.md', noGroups: true, clientSecret: true },
      entry: { emailVerified: 'required' },
      login: { scopes: ['openid', 'email'], params: { access_type: 'offline' } },
      redirect: 'a client of the kind Desktop app, in an Internal audience; there is no redirect URI to type',
    }),
  },
  {
    is: /^https:\/\/cognito-idp\.[a-z0-9-]+\.amazonaws\.com/,
    of: () => ({
      ...{ name: 'cognito', title: 'Cognito', page: 'cognito.md', groupsClaim: 'cognito:groups' },
      entry: { match: { token_use: 'id' }, emailVerified: 'required' },
      login: { scopes: ['openid', 'email'], ports: PORTS, redirectHost: 'localhost' },
      redirect: `${THREE('localhost')} (public app client, code grant, scopes openid and email)`,
    }),
  },
  {
    is: /^https:\/\/[^/]+\.auth0\.com\/?$/,
    of: () => ({
      ...{ name: 'auth0', title: 'Auth0', page: 'auth0.md' },
      entry: { algorithms: ['RS256'], emailVerified: 'required' },
      login: { scopes: REFRESHED, ports: PORTS },
      redirect: `${THREE('127.0.0.1')} (Native), and an Action that adds the groups claim`,
    }),
  },
  {
    is: /\/realms\/[^/]+\/?$/,
    of: () => ({
      ...{ name: 'keycloak', title: 'Keycloak', page: 'keycloak.md', groupsClaim: 'groups' },
      entry: { emailVerified: 'required' },
      login: { scopes: REFRESHED },
      redirect: `${ANY_PORT} (public client, standard flow), and a Group Membership mapper for ID tokens`,
    }),
  },
];

/** The provider whose issuers look like this one, else what most others take. */
export function providerOf(issuer: string): Provider {
  const url = new URL(issuer);
  return known.find(({ is }) => is.test(issuer))?.of(url) ?? other(url);
}

function other({ hostname }: URL): Provider {
  return {
    ...{ name: 'staff', title: hostname, page: 'README.md', groupsClaim: 'groups' },
    entry: { emailVerified: 'required' },
    login: {},
    redirect: `${ANY_PORT} with any port (a public client with PKCE), and a groups claim`,
  };
}
