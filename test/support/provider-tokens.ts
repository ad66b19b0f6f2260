/** Claims as the documentation of each provider shows them in a token; names and numbers are made up. */
type Claims = Readonly<Record<string, unknown>>;

const times = { iat: 1_795_000_000, exp: 1_795_003_600 };

/** Authorization server of an organisation; a groups claim that is filtered. */
export const okta: Claims = {
  iss: 'https://acme.okta.com',
  aud: '0oa1b2c3d4CLIENT5d7',
  sub: '00u1b2c3d4USER0005d7',
  ver: 1,
  jti: 'ID.Jw9sT4',
  amr: ['mfa', 'otp', 'pwd'],
  idp: '00o1b2c3d4',
  auth_time: 1_794_999_990,
  at_hash: 'preview_at_hash',
  email: 'dana@acme.example',
  email_verified: true,
  groups: ['Everyone', 'developers'],
  ...times,
};

/** v2.0 ID token with groups and application roles. It has no email_verified. */
export const entra: Claims = {
  iss: 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
  aud: '6cb04018-a3f5-46a7-b995-940c78f5aef3',
  sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
  tid: '11111111-2222-3333-4444-555555555555',
  oid: '00000000-0000-0000-66f3-3332eca7ea81',
  preferred_username: 'dana@acme.example',
  email: 'dana@acme.example',
  groups: ['0760b6cf-170e-4a14-91b3-4b78e0739963', '3b2b0c93-acd8-4208-8eba-7a48db1cd4c0'],
  roles: ['Custody.Developer'],
  sid: '003f4b2c-session',
  uti: 'k3D',
  ver: '2.0',
  nbf: times.iat,
  ...times,
};

/** More than 200 groups: where they are is said in place of them. */
export const entraOverage: Claims = {
  ...without(entra, 'groups'),
  _claim_names: { groups: 'src1' },
  _claim_sources: { src1: { endpoint: 'https://graph.example/v1.0/users/x/getMemberObjects' } },
};

/** An Action that sets namespaced claims. */
export const auth0: Claims = {
  iss: 'https://acme.eu.auth0.com/',
  aud: 'kYw1Client',
  sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
  nickname: 'dana',
  email: 'dana@acme.example',
  email_verified: true,
  'https://acme.example/roles': ['developers'],
  'https://acme.example/team': 'shop',
  sid: 'aBcSession',
  ...times,
};

/** No groups at all; `hd` is the organisation. The one issuer that is also written without a scheme. */
export const google: Claims = {
  iss: 'https://accounts.google.com',
  azp: '1234987819200.apps.googleusercontent.com',
  aud: '1234987819200.apps.googleusercontent.com',
  sub: '10769150350006150715113082367',
  at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q',
  hd: 'acme.example',
  email: 'dana@acme.example',
  email_verified: true,
  ...times,
};

/** Access token with an audience mapper: roles of the realm and of clients, groups as paths. */
export const keycloak: Claims = {
  iss: 'https://sso.acme.example/realms/acme',
  aud: ['custody', 'account'],
  sub: 'f1d3ff84-4329-4b73-b36c-7ad0e0a0e0a0',
  typ: 'Bearer',
  azp: 'custody-cli',
  sid: '6f8f4b2c-3d7e-4a57-8ad3-1d1f0a1b2c3d',
  acr: '1',
  realm_access: { roles: ['offline_access', 'developers'] },
  resource_access: { 'shop.web': { roles: ['buyer'] }, account: { roles: ['view-profile'] } },
  scope: 'openid email profile',
  email: 'dana@acme.example',
  email_verified: true,
  groups: ['/developers', '/developers/shop'],
  ...times,
};

export const cognito: Claims = {
  iss: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab1Cd2Ef3',
  aud: '55u1c2l3i4e5n6t7',
  sub: '248289dc-6d1f-4f2f-8f44-a2d0c0ffee00',
  'cognito:groups': ['developers', 'eu-central-1_Ab1Cd2Ef3_Okta'],
  'cognito:username': 'dana',
  'custom:team': 'shop',
  identities: [{ userId: 'dana', providerName: 'Okta', primary: 'true' }],
  token_use: 'id',
  event_id: '64f513be',
  origin_jti: '1f0b9e2a',
  email: 'dana@acme.example',
  email_verified: true,
  ...times,
};

/** Groups of GitHub by way of Dex, one client by trust of another. */
export const dex: Claims = {
  iss: 'https://dex.acme.example',
  aud: 'custody',
  azp: 'web-app',
  sub: 'CgYxMTAyNzISBmdpdGh1Yg',
  at_hash: 'O0dMqJqQ',
  email: 'dana@acme.example',
  email_verified: true,
  groups: ['acme:developers', 'acme:sre'],
  name: 'Dana',
  federated_claims: { connector_id: 'github', user_id: '110272' },
  ...times,
};

export const githubActions: Claims = {
  iss: 'https://token.actions.githubusercontent.com',
  aud: 'custody',
  sub: 'repo:acme/shop:ref:refs/heads/main',
  jti: 'example-id',
  ref: 'refs/heads/main',
  ref_type: 'branch',
  ref_protected: 'true',
  sha: '0123456789abcdef0123456789abcdef01234567',
  repository: 'acme/shop',
  repository_id: '74',
  repository_owner: 'acme',
  repository_owner_id: '65',
  repository_visibility: 'private',
  actor: 'octocat',
  actor_id: '12',
  workflow: 'deploy',
  workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
  job_workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
  event_name: 'push',
  head_ref: '',
  base_ref: '',
  runner_environment: 'github-hosted',
  run_id: '10',
  run_number: '20',
  run_attempt: '2',
  nbf: times.iat,
  ...times,
};

/** A job's `id_tokens`; its audience is what the job's author wrote. */
export const gitlabJob: Claims = {
  iss: 'https://gitlab.example',
  aud: 'custody-ci',
  sub: 'project_path:acme/shop:ref_type:branch:ref:main',
  jti: '235b3a54',
  namespace_id: '72',
  namespace_path: 'acme',
  project_id: '20',
  project_path: 'acme/shop',
  user_id: '1',
  user_login: 'dana',
  user_email: 'dana@acme.example',
  pipeline_id: '574',
  pipeline_source: 'push',
  job_id: '302',
  ref: 'main',
  ref_type: 'branch',
  ref_path: 'refs/heads/main',
  ref_protected: 'true',
  groups_direct: ['acme', 'acme/developers'],
  environment: 'production',
  deployment_tier: 'production',
  runner_id: 12_270_835,
  runner_environment: 'gitlab-hosted',
  nbf: times.iat,
  ...times,
};

/** Somebody at the same GitLab. */
export const gitlabPerson: Claims = {
  iss: 'https://gitlab.example',
  aud: 'a0b1c2-application',
  sub: '42',
  sub_legacy: '8d6e1f',
  auth_time: 1_794_999_990,
  email: 'dana@acme.example',
  email_verified: true,
  groups_direct: ['acme', 'acme/developers'],
  ...times,
};

/** A projected token of a pod. */
export const kubernetes: Claims = {
  iss: 'https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE',
  aud: ['custody'],
  sub: 'system:serviceaccount:prod:deployer',
  jti: 'aed34954-b33a-4142-b1ec-389d6bbb4936',
  'kubernetes.io': {
    namespace: 'prod',
    node: { name: 'node-a', uid: '646e7c5e' },
    pod: { name: 'deployer-7f9c', uid: '5e0bd49b' },
    serviceaccount: { name: 'deployer', uid: '14ee3fa4' },
    warnafter: 1_795_003_607,
  },
  nbf: times.iat,
  ...times,
};

export function without(claims: Claims, ...names: readonly string[]): Claims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)));
}
