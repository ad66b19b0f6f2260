import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoSandboxes } from '#adapters/aws/sandbox-store.ts';
import { sandboxesContract } from '#test/contract/sandboxes.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

describe.runIf(hasMoto())('sandboxes in AWS', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  sandboxesContract('DynamoDB', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('access') };
    return { store: dynamoSandboxes(place), other: dynamoSandboxes(place) };
  });

  it('that cannot be seen are not none', async () => {
    const store = dynamoSandboxes({
      dynamo: { send: () => Promise.reject(new Error('away')) } as never,
      table: 't',
    });
    await expect(store.present()).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});
