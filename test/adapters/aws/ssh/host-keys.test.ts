import { randomUUID } from 'node:crypto';
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoToldHostKeys, secretHostKeys } from '#adapters/aws/ssh/host-keys.ts';
import { hostKeyLines, newHostKey } from '#core/protocols/ssh/host-keys.ts';
import { hostKeysContract } from '../../../contract/host-keys.ts';
import { hasMoto, type Moto, startMoto } from '../../../support/moto.ts';

describe.skipIf(!hasMoto())('host keys in Secrets Manager', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  /** As the stack makes it. */
  const emptySecret = async (): Promise<string> => {
    const Name = `host-key-${randomUUID()}`;
    await moto.clients.secrets.send(new CreateSecretCommand({ Name }));
    return Name;
  };

  hostKeysContract(async () => {
    const { dynamo, secrets } = moto.clients;
    const [id, table] = [await emptySecret(), await moto.table('access')];
    return { open: () => ({ ...secretHostKeys(secrets, id), ...dynamoToldHostKeys({ dynamo, table }) }) };
  });

  it('takes the key of the task that was quicker', async () => {
    const { secrets } = moto.clients;
    const id = await emptySecret();
    const slow = { send: sendingLate(() => secretHostKeys(secrets, id).load()) } as never;
    const [late, first] = [await secretHostKeys(slow, id).load(), await secretHostKeys(secrets, id).load()];
    expect(hostKeyLines(late)).toEqual(hostKeyLines(first));
  });

  it('shows a key that the operator put', async () => {
    const { secrets } = moto.clients;
    const id = await emptySecret();
    const before = await secretHostKeys(secrets, id).load();
    await secrets.send(new PutSecretValueCommand({ SecretId: id, SecretString: newHostKey() }));
    expect(hostKeyLines(await secretHostKeys(secrets, id).load())).not.toEqual(hostKeyLines(before));
  });

  it.each([
    ['something else', 'hello', 'config-invalid'],
    ['no secret at all', undefined, 'store-unavailable'],
  ])('refuses %s', async (_what, text, code) => {
    const { secrets } = moto.clients;
    const id = text === undefined ? 'not-there' : await emptySecret();
    if (text !== undefined)
      await secrets.send(new PutSecretValueCommand({ SecretId: id, SecretString: text }));
    await expect(secretHostKeys(secrets, id).load()).rejects.toMatchObject({ code });
  });

  /** Looks, and before it puts another task has put. */
  function sendingLate(meanwhile: () => Promise<unknown>) {
    return async (command: object) => {
      if (command instanceof PutSecretValueCommand) await meanwhile();
      return moto.clients.secrets.send(command as PutSecretValueCommand);
    };
  }
});
