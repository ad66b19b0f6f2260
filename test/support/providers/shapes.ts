import { anyPort, callbacks, exactly, type ProviderShape } from './shape.ts';

const offline: ProviderShape['refreshes'] = (scopes) => scopes.includes('offline_access');
const always: ProviderShape['refreshes'] = () => true;
const DANA = { email: 'dana@acme.example', email_verified: true };

const okta: ProviderShape = {
  title: 'Okta',
  recommended: `
    emailVerified: required
    login:
      title: Okta
      scopes: [openid, email, profile, groups, offline_access]
      ports: [18271, 18272, 18273]`,
  issuerPath: '',
  redirects: exactly(...callbacks('127.0.0.1')),
  redirectError:
    "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings: https://acme-admin.okta.com",
  scopes: ['openid', 'email', 'profile', 'groups', 'offline_access'],
  strictScopes: true,
  hasDeviceFlow: true,
  refreshes: offline,
  rotates: true,
  claims: (scopes) => ({ ...DANA, ...(scopes.includes('groups') && { groups: ['developers'] }) }),
};

const auth0: ProviderShape = {
  title: 'Auth0',
  recommended: `
    groupsClaim: https://acme.example/groups
    algorithms: [RS256]
    emailVerified: required
    login:
      title: Auth0
      scopes: [openid, email, offline_access]
      ports: [18271, 18272, 18273]`,
  issuerPath: '/',
  redirects: exactly(...callbacks('127.0.0.1')),
  redirectError:
    'Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs.',
  scopes: ['openid', 'profile', 'offline_access', 'email'],
  strictScopes: false,
  hasDeviceFlow: true,
  refreshes: offline,
  rotates: true,
  claims: () => ({ ...DANA, 'https://acme.example/groups': ['developers'] }),
};

const cognito: ProviderShape = {
  title: 'Cognito',
  recommended: `
    groupsClaim: cognito:groups
    match: { token_use: id }
    emailVerified: required
    login:
      title: Cognito
      scopes: [openid, email]
      ports: [18271, 18272, 18273]
      redirectHost: localhost`,
  issuerPath: '',
  redirects: exactly(...callbacks('localhost')),
  redirectError: 'redirect_mismatch',
  scopes: ['openid', 'email', 'phone', 'profile'],
  strictScopes: true,
  hasDeviceFlow: false,
  refreshes: always,
  rotates: false,
  claims: () => ({ ...DANA, token_use: 'id', 'cognito:username': 'dana', 'cognito:groups': ['developers'] }),
};

const google: ProviderShape = {
  title: 'Google',
  recommended: `
    match: { hd: acme.example }
    emailVerified: required
    login:
      title: Google
      clientSecret: GOCSPX-not-taken-for-a-secret
      scopes: [openid, email]
      params: { access_type: offline, hd: acme.example }`,
  issuerPath: '',
  redirects: anyPort('http://127.0.0.1/callback'),
  redirectError: 'Error 400: redirect_uri_mismatch',
  scopes: ['openid', 'email', 'profile'],
  strictScopes: true,
  hasDeviceFlow: true,
  secret: { value: 'GOCSPX-not-taken-for-a-secret', missing: 'client_secret is missing.' },
  refreshes: (_, params) => params.get('access_type') === 'offline',
  rotates: false,
  claims: () => ({ ...DANA, hd: 'acme.example' }),
};

const GROUP = '4d1c7a52-0000-4000-8000-0c6a1bb3f1aa';

const entra: ProviderShape = {
  title: 'Microsoft',
  recommended: `
    emailVerified: unless-denied
    login:
      title: Microsoft
      scopes: [openid, email, profile, offline_access]
      redirectHost: localhost`,
  issuerPath: '',
  redirects: anyPort('http://localhost/callback'),
  redirectError:
    'AADSTS50011: The redirect URI specified in the request does not match the redirect URIs configured for the application',
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  strictScopes: false,
  hasDeviceFlow: true,
  refreshes: offline,
  rotates: false,
  consentError: 'AADSTS65004: User declined to consent to access the app.',
  claims: () => ({ email: DANA.email, preferred_username: DANA.email, groups: [GROUP], ver: '2.0' }),
};

const keycloak: ProviderShape = {
  title: 'Keycloak',
  recommended: `
    login:
      title: Keycloak
      scopes: [openid, email, offline_access]`,
  issuerPath: '',
  redirects: anyPort('http://127.0.0.1/callback'),
  redirectError: 'Invalid parameter: redirect_uri',
  scopes: ['openid', 'offline_access', 'profile', 'email', 'roles'],
  strictScopes: true,
  hasDeviceFlow: true,
  refreshes: always,
  rotates: false,
  claims: () => ({ ...DANA, groups: ['developers'], typ: 'ID' }),
};

const dex: ProviderShape = {
  title: 'Dex',
  recommended: `
    login:
      title: Dex
      scopes: [openid, email, groups, offline_access]
      ports: [18271, 18272]`,
  issuerPath: '',
  redirects: exactly(...callbacks('127.0.0.1').slice(0, 2)),
  redirectError: 'Unregistered redirect_uri',
  scopes: ['openid', 'email', 'groups', 'profile', 'offline_access'],
  strictScopes: true,
  hasDeviceFlow: true,
  refreshes: offline,
  rotates: true,
  claims: (scopes) => ({ ...DANA, ...(scopes.includes('groups') && { groups: ['developers'] }) }),
};

/** By the name of their page in docs/identity. */
export const providerShapes = { okta, auth0, cognito, google, entra, keycloak, dex } as const;
export type ProviderName = keyof typeof providerShapes;

/** The group that Dana is in, as the provider calls it; Google has none. */
export const groupsOfDana: Readonly<Record<ProviderName, readonly string[]>> = {
  okta: ['developers'],
  auth0: ['developers'],
  cognito: ['developers'],
  google: [],
  entra: [GROUP],
  keycloak: ['developers'],
  dex: ['developers'],
};
