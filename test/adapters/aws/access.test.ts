import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoAccessStore } from '#adapters/aws/access-store.ts';
import { dynamoDeliveries } from '#adapters/aws/deliveries.ts';
import { accessStoreContract } from '#test/contract/access-store.ts';
import { deliveriesContract } from '#test/contract/deliveries.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

describe.runIf(hasMoto())('access in DynamoDB', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  accessStoreContract('DynamoDB', async () =>
    dynamoAccessStore(moto.clients.dynamo, await moto.table('access')),
  );

  deliveriesContract('DynamoDB', async () => {
    const table = await moto.table('deliveries');
    return () => dynamoDeliveries(moto.clients.dynamo, table);
  });
});
