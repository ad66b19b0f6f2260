import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoRunStore } from '#adapters/aws/runs-store.ts';
import { runStoreContract } from '#test/contract/runs-store.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

const now = (): Date => new Date();

describe.runIf(hasMoto())('runs in DynamoDB', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  runStoreContract('DynamoDB', async () =>
    dynamoRunStore({ dynamo: moto.clients.dynamo, table: await moto.table('runs') }, now),
  );
});
