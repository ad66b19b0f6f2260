import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoSessionIndex } from '#adapters/aws/session-index.ts';
import { sessionIndexContract } from '#test/contract/session-index.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

/** A table is made for each, in Python. More: npm run oracle:aws. */
const RUNS = Number(process.env['CUSTODY_CONTRACT_RUNS'] ?? 10);

describe.runIf(hasMoto())('the session index in DynamoDB', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  sessionIndexContract(
    'DynamoDB',
    async () => {
      const table = await moto.table('sessions');
      return dynamoSessionIndex({ dynamo: moto.clients.dynamo, table, now: () => new Date() });
    },
    RUNS,
  );

  sessionIndexContract(
    'DynamoDB, where a page looks at three sessions',
    async () => {
      const table = await moto.table('sessions');
      return dynamoSessionIndex({ dynamo: moto.clients.dynamo, table, now: () => new Date(), examineMax: 3 });
    },
    RUNS,
  );
});
