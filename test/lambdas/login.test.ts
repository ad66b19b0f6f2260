import { expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { signInOrigins } from '#core/access/sign-in-origins.ts';
import { loginHandler } from '#lambdas/login/handler.ts';
import { call } from './support.ts';

const FILE = (identity: string): string => `version: 1
identity:
${identity}
targets: {}
`;

const handler = (identity: string) =>
  loginHandler({ policy: () => parseConfig(FILE(identity), 'custody.yaml'), log: () => undefined });

it('says of each issuer what a login needs, and of machines whose tokens are taken', async () => {
  const answer = await call(
    handler(`  - name: okta
    issuer: https://acme.okta.com
    audience: [0oa1, custody]
    groupsClaim: groups
    emailVerified: required
    login:
      title: Acme
      scopes: [openid, email, groups]
      ports: [8400, 8401]
      prompt: login
      params: { hd: acme.com }
  - name: github
    kind: workload
    issuer: https://token.actions.githubusercontent.com
    audience: custody
    match: { repository_owner: acme }`),
    '/v1/login',
  );
  expect(answer.status).toBe(200);
  expect(answer.headers).toMatchObject({ 'cache-control': 'public, max-age=60' });
  expect(answer.body).toEqual({
    issuers: [
      {
        name: 'okta',
        kind: 'person',
        issuer: 'https://acme.okta.com',
        audience: ['0oa1', 'custody'],
        title: 'Acme',
        clientId: '0oa1',
        scopes: ['openid', 'email', 'groups'],
        ports: [8400, 8401],
        redirectHost: '127.0.0.1',
        redirectPath: '/callback',
        prompt: 'login',
        flow: 'browser',
        token: 'id',
        params: { hd: 'acme.com' },
      },
      {
        name: 'github',
        kind: 'workload',
        issuer: 'https://token.actions.githubusercontent.com',
        audience: ['custody'],
      },
    ],
  });
});

it('knows what to say of a file from before there was a login block', async () => {
  const { body } = await call(handler('  issuer: https://id.example\n  audience: custody'), '/v1/login');
  expect(body).toMatchObject({ issuers: [{ name: 'default', clientId: 'custody', flow: 'browser' }] });
});

it('says where the console is, and what is different for a browser', async () => {
  const config = parseConfig(
    `${FILE(`  issuer: https://cognito-idp.eu-west-1.amazonaws.com/pool
  audience: [cli, spa]
  login: { console: { clientId: spa, origins: ["https://acme.auth.eu-west-1.amazoncognito.com"] } }`)}console: https://custody.example.com
`,
    'custody.yaml',
  );
  const { body } = await call(loginHandler({ policy: () => config, log: () => undefined }), '/v1/login');
  expect(body).toMatchObject({
    console: 'https://custody.example.com',
    issuers: [
      {
        clientId: 'cli',
        console: { clientId: 'spa', origins: ['https://acme.auth.eu-west-1.amazoncognito.com'] },
      },
    ],
  });
  expect(signInOrigins(config)).toEqual([
    'https://cognito-idp.eu-west-1.amazonaws.com',
    'https://acme.auth.eu-west-1.amazoncognito.com',
  ]);
});

it('takes no query', async () => {
  const { status } = await call(handler('  issuer: https://id.example\n  audience: c'), '/v1/login', {
    query: { a: 'b' },
  });
  expect(status).toBe(400);
});
