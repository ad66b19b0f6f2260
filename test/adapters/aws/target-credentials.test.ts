import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { secretsClient, stsClient } from '#adapters/aws/clients.ts';
import { rdsToken } from '#adapters/aws/rds-token.ts';
import { takeRole } from '#adapters/aws/taken-role.ts';
import type { Target } from '#core/access/config.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { protocolOf } from '#core/protocols/protocols.ts';
import { credentialsIn, hasMoto, type Moto, REGION, startMoto } from '#test/support/moto.ts';

function target(credential: Partial<PostgresTarget['credential']>): Target {
  const address = { host: 'orders.cluster-x.eu-central-1.rds.amazonaws.com', port: 5432 };
  return {
    protocol: 'postgres',
    name: 'orders-db',
    address,
    credential: { user: 'app', ...credential },
  } as Target;
}

/** As the gateway does. */
function credentialOf(
  moto: Moto,
  whose: Target,
  read: ReturnType<typeof credentialsIn> = credentialsIn(moto.clients),
): Promise<string> {
  return read(whose, protocolOf(whose).secretFor(whose, undefined)!);
}

describe.runIf(hasMoto())('the credential of a target', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  it.each([
    ['text', 's3cret\n', 's3cret'],
    ['what RDS writes', '{"username":"app","password":"s3cret","engine":"postgres"}', 's3cret'],
  ])('is a secret: %s', async (name, SecretString, password) => {
    const Name = `orders-${name.length}`;
    await moto.clients.secrets.send(new CreateSecretCommand({ Name, SecretString }));
    expect(await credentialOf(moto, target({ secret: Name }))).toBe(password);
    await moto.clients.secrets.send(new PutSecretValueCommand({ SecretId: Name, SecretString: 'rotated' }));
    expect(await credentialOf(moto, target({ secret: Name }))).toBe('rotated');
  });

  it('is what a rotation is about to make current, where that is asked for', async () => {
    const Name = 'orders-pending';
    const ask = credentialsIn(moto.clients);
    const pending = { kind: 'secret', what: 'password', secret: Name, stage: 'pending' } as const;
    await moto.clients.secrets.send(new CreateSecretCommand({ Name, SecretString: 'current' }));
    await expect(ask(target({ secret: Name }), pending)).rejects.toMatchObject({ code: 'target-refused' });
    await moto.clients.secrets.send(
      new PutSecretValueCommand({ SecretId: Name, SecretString: 'next', VersionStages: ['AWSPENDING'] }),
    );
    expect(await ask(target({ secret: Name }), pending)).toBe('next');
    expect(await credentialOf(moto, target({ secret: Name }))).toBe('current');
  });

  it.each([
    ['is not there', { secret: 'none' }],
    ['has no password in it', { secret: 'odd' }],
    ['is a file', { passwordFile: '/etc/passwd' }],
  ])('that %s is an error that tells no secret (security case 15)', async (_what, credential) => {
    const Name = 'odd';
    const SecretString = '{"user":"app","key":"top-secret"}';
    await moto.clients.secrets.send(new CreateSecretCommand({ Name, SecretString })).catch(() => undefined);
    const failure = (await credentialOf(moto, target(credential)).catch(
      (error: unknown) => error,
    )) as Error & { detail: string };
    expect(failure).toMatchObject({
      code: 'target-refused',
      message: expect.stringContaining('orders-db') as string,
    });
    expect(`${failure.message}${failure.detail}`).not.toContain('top-secret');
  });

  it('is a login that RDS can check, signed here', async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
    const token = new URL(`https://${await rdsToken(target({ rdsIam: true }), 'app', REGION)}`);
    expect(token.host).toBe('orders.cluster-x.eu-central-1.rds.amazonaws.com:5432');
    expect(Object.fromEntries(token.searchParams)).toMatchObject({
      Action: 'connect',
      DBUser: 'app',
      'X-Amz-Expires': '900',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    });
  });

  describe('in another account', () => {
    const ROLE = 'arn:aws:iam::210987654321:role/custody-orders';
    const clock = { now: new Date() };
    const asked: object[] = [];
    /** As the proxy makes its own, of an emulator that has several accounts. */
    const reader = () =>
      credentialsIn(moto.clients, {
        now: () => clock.now,
        secretsAs: (credentials) => {
          const { endpoint } = moto;
          return secretsClient({ region: REGION, endpoint, credentials });
        },
      });
    beforeAll(async () => {
      const theirs = secretsClient({ region: REGION, endpoint: moto.endpoint, credentials: await taken() });
      await theirs.send(new CreateSecretCommand({ Name: 'theirs', SecretString: 'far-away' }));
      moto.clients.sts.middlewareStack.add(
        (next) => (args) => {
          asked.push(args.input);
          return next(args);
        },
        { step: 'initialize' },
      );
    });
    const taken = () => takeRole(moto.clients.sts, { role: ROLE, session: 'test' });

    it('is its secret, read with the role that custody.yaml names and under the name of the target', async () => {
      expect(await credentialOf(moto, target({ secret: 'theirs', assumeRole: ROLE }), reader())).toBe(
        'far-away',
      );
      expect(asked.at(-1)).toMatchObject({
        RoleArn: ROLE,
        RoleSessionName: 'custody-orders-db',
        DurationSeconds: 900,
      });
      await expect(credentialOf(moto, target({ secret: 'theirs' }))).rejects.toMatchObject({
        code: 'target-refused',
      });
    });

    it('is a login that is signed with the role, which is taken anew before it ends', async () => {
      const read = reader();
      const whose = target({ rdsIam: true, assumeRole: ROLE });
      const keyOf = async (): Promise<string> => {
        const { searchParams } = new URL(`https://${await credentialOf(moto, whose, read)}`);
        expect(searchParams.get('X-Amz-Security-Token')).toMatch(/.{10}/);
        return searchParams.get('X-Amz-Credential')!.split('/')[0]!;
      };
      const first = await keyOf();
      expect(first).toMatch(/^ASIA/);
      expect(await keyOf()).toBe(first);
      clock.now = new Date(Date.now() + 11 * 60_000);
      expect(await keyOf()).not.toBe(first);
    });

    it('is refused with words for the operator where the role may not be taken', async () => {
      const refusing = stsClient({ region: REGION, endpoint: moto.endpoint });
      refusing.middlewareStack.add(
        () => () => Promise.reject(Object.assign(new Error('no'), { name: 'AccessDenied' })),
        { step: 'finalizeRequest', priority: 'high' },
      );
      const read = credentialsIn({ ...moto.clients, sts: refusing });
      await expect(
        credentialOf(moto, target({ rdsIam: true, assumeRole: ROLE }), read),
      ).rejects.toMatchObject({
        code: 'target-refused',
        detail: expect.stringContaining(ROLE) as string,
      });
    });
  });
});
