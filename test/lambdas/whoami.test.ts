import { expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { whoamiHandler } from '#lambdas/whoami/handler.ts';
import { call, ISSUER, NOW } from './support.ts';

const policy = parseConfig(
  `version: 1
identity: { issuer: ${ISSUER}, audience: custody, groupsClaim: roles }
targets: {}`,
  'c',
);
const handler = whoamiHandler({ policy: () => policy, log: () => undefined });

it('tells the caller whom the gateway takes them for, and by which claim', async () => {
  const { status, body } = await call(handler, '/v1/whoami', { token: 'dana' });
  expect(status).toBe(200);
  expect(body).toEqual({
    issuer: ISSUER,
    subject: 'dana',
    issuerName: 'default',
    kind: 'person',
    claims: {},
    groups: ['developers'],
    groupsClaim: 'roles',
    mfa: false,
    expiresAt: new Date(NOW.getTime() + 60_000).toISOString(),
  });
});

it('tells who acts, what rules look at, and that it is a machine', async () => {
  const { body } = await call(handler, '/v1/whoami', { token: 'bot' });
  expect(body).toMatchObject({
    subject: 'bot',
    issuerName: 'ci',
    kind: 'workload',
    claims: { ref: 'refs/heads/main', roles: [] },
    actors: [{ issuer: ISSUER, subject: 'agent-7' }],
  });
});

it('needs a token (security case 22)', async () => {
  expect((await call(handler, '/v1/whoami')).status).toBe(401);
  expect((await call(handler, '/v1/whoami', { token: 'mallory' })).status).toBe(401);
});

it('tells where groups are looked up', async () => {
  const directory = '{ kind: google, admin: a@b.example, secret: s }';
  const looked = parseConfig(
    `version: 1
identity: { issuer: ${ISSUER}, audience: custody, directory: ${directory} }
targets: {}`,
    'c',
  );
  const asked = whoamiHandler({ policy: () => looked, log: () => undefined });
  expect((await call(asked, '/v1/whoami', { token: 'dana' })).body).toMatchObject({ directory: 'google' });
});
