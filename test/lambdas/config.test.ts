import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { configHandler } from '#lambdas/config/handler.ts';
import { call, ISSUER, NOW, POLICY } from './support.ts';

const error = new CustodyError('config-invalid', 'custody.yaml:7:3: rules.0: no');

const config = (token: string, refused?: { error: CustodyError; since: Date }) =>
  call(
    configHandler({ policy: { config: POLICY, refused }, now: () => NOW, log: () => undefined }),
    '/v1/config',
    { token },
  );

describe('GET /v1/config', () => {
  it('says which one is in force, and why a newer one is not', async () => {
    const { body } = await config('adm');
    expect(body).toMatchObject({ version: POLICY.version, warnings: [] });
    expect(body).not.toHaveProperty('refused');
    expect((await config('adm', { error, since: NOW })).body).toMatchObject({
      version: POLICY.version,
      refused: { since: NOW.toISOString(), problem: 'custody.yaml:7:3: rules.0: no' },
    });
  });

  it.each(['dana', 'rui', 'ada', 'olga'])('is nothing for %s (security case 7)', async (who) => {
    const { status, body } = await config(who, { error, since: NOW });
    expect([status, JSON.stringify(body).includes('custody.yaml')]).toEqual([403, false]);
  });

  it('says what is in it, and no credential, nor where one is kept', async () => {
    const { body } = await config('adm');
    expect(body['targets']).toContainEqual({
      name: 'orders-db',
      protocol: 'postgres',
      address: 'orders-db.internal:5432',
      durability: 'windowed',
      windowMs: 250,
      keepDays: 365,
    });
    expect(body['rules']).toContainEqual(
      expect.objectContaining({
        name: 'stock-ask',
        actions: ['connect'],
        needs: { kind: 'approval', approvals: 2, reviewers: ['reviewers'] },
      }),
    );
    expect(body['issuers']).toEqual([expect.objectContaining({ issuer: ISSUER, kind: 'person' })]);
    expect(JSON.stringify(await secretive())).not.toMatch(/hush/);
  });
});

/** All that a file may say which is a secret, or tells where one is. */
async function secretive(): Promise<unknown> {
  const policy = {
    config: parseConfig(SECRETS, 'custody.yaml'),
    refused: undefined,
  };
  const handler = configHandler({ policy, now: () => NOW, log: () => undefined });
  const { status, body } = await call(handler, '/v1/config', { token: 'adm' });
  expect(status).toBe(200);
  return body;
}

const SECRETS = `version: 1
identity:
  issuer: ${ISSUER}
  audience: custody
  scim: { secret: hush-scim }
targets:
  orders-db: { protocol: postgres, address: 'orders:5432', database: main, credential: { user: hush-user, passwordFile: hush-file } }
  web-1:
    protocol: ssh
    address: web-1:22
    hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1n']
    logins: { deploy: { keyFile: hush-key } }
rules:
  - { name: run-it, groups: [platform], targets: ['*'], allow: [administer] }
webhooks:
  - { name: chat, url: 'https://hooks.example/hush', format: slack, secretFile: hush-hook }
`;
