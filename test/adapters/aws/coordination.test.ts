import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoLeafQueue } from '#adapters/aws/leaf-queue.ts';
import { s3LedgerHead } from '#adapters/aws/ledger-head.ts';
import { dynamoLeases } from '#adapters/aws/task-leases.ts';
import { leafQueueContract } from '#test/contract/leaf-queue.ts';
import { ledgerHeadContract } from '#test/contract/ledger-head.ts';
import { taskLeasesContract } from '#test/contract/task-leases.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

const now = (): Date => new Date('2026-11-23T09:00:00.000Z');

describe.runIf(hasMoto())('what coordinates tasks, in AWS', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  taskLeasesContract('DynamoDB', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('coordination') };
    return () => dynamoLeases(place);
  });

  leafQueueContract('DynamoDB', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('coordination'), now };
    return () => dynamoLeafQueue(place);
  });

  ledgerHeadContract('S3', async () => {
    const bucket = await moto.bucket();
    return () => s3LedgerHead(moto.clients.s3, bucket);
  });
});
