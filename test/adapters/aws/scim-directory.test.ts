import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoScim } from '#adapters/aws/scim-directory.ts';
import { scimDirectoryContract } from '#test/contract/scim-directory.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

describe.runIf(hasMoto())('directories, in AWS', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  scimDirectoryContract('DynamoDB', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('access'), now: () => new Date() };
    return () => dynamoScim(place);
  });
});
