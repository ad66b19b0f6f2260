import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoCancelWishes } from '#adapters/aws/cancel-wishes.ts';
import { dynamoLeafPlaces } from '#adapters/aws/leaf-places.ts';
import { dynamoLeafQueue } from '#adapters/aws/leaf-queue.ts';
import { s3LedgerHead } from '#adapters/aws/ledger-head.ts';
import { dynamoPulses } from '#adapters/aws/pulses.ts';
import { tellRevision } from '#adapters/aws/revisions.ts';
import { dynamoSealingClaims } from '#adapters/aws/sealing-claims.ts';
import { dynamoLeases } from '#adapters/aws/task-leases.ts';
import { leafPlacesContract } from '#test/contract/leaf-places.ts';
import { leafQueueContract } from '#test/contract/leaf-queue.ts';
import { ledgerHeadContract } from '#test/contract/ledger-head.ts';
import { pulsesContract } from '#test/contract/pulses.ts';
import { sealingClaimsContract } from '#test/contract/sealing-claims.ts';
import { taskLeasesContract } from '#test/contract/task-leases.ts';
import { lockOf, versionsOf } from '#test/support/object-lock.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

const now = (): Date => new Date('2026-11-23T09:00:00.000Z');

/** Nobody waits in a test: what is to happen meanwhile happens. */
const times = { now, pause: async () => undefined };

describe.runIf(hasMoto())('what coordinates tasks, in AWS', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  taskLeasesContract('DynamoDB', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('coordination') };
    return () => dynamoLeases(place);
  });

  sealingClaimsContract('DynamoDB', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('coordination') };
    return () => dynamoSealingClaims(place);
  });

  leafQueueContract('DynamoDB', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('coordination'), now };
    return () => dynamoLeafQueue(place);
  });

  leafPlacesContract('DynamoDB', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('sessions') };
    return () => dynamoLeafPlaces(place);
  });

  pulsesContract('DynamoDB', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('coordination') };
    return () => dynamoPulses(place);
  });

  ledgerHeadContract('S3', async () => {
    const bucket = await moto.bucket();
    return () => s3LedgerHead(moto.clients.s3, bucket);
  });

  it('locks each head of the ledger for as long as it was told, which is not the default of the bucket', async () => {
    const { s3 } = moto.clients;
    const bucket = await moto.bucket();
    const lock = { lock: 'governance', retentionMs: 3650 * 86_400_000, now } as const;
    await s3LedgerHead(s3, bucket, lock).swap(undefined, 'head');
    const [version] = await versionsOf(s3, bucket);
    expect(await lockOf(s3, version!)).toEqual({
      lock: 'governance',
      until: new Date(now().getTime() + lock.retentionMs).toISOString(),
    });
  });

  it('knows the newest revision that is alive, and forgets one that was rolled back', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('coordination') };
    const at = (minutes: number): Date => new Date(now().getTime() + minutes * 60_000);
    expect(await tellRevision(place, 6, at(0))).toBe(6);
    expect(await tellRevision(place, 10, at(1))).toBe(10);
    expect(await tellRevision(place, 6, at(2))).toBe(10);
    expect(await tellRevision(place, 6, at(6))).toBe(6);
  });

  it('does not lose a cancel request because another could not be taken off', async () => {
    const table = await moto.table('coordination');
    const { dynamo } = moto.clients;
    const [own, other] = ['one', 'two'].map((task) => dynamoCancelWishes({ dynamo, table }, task, times));
    for (const key of ['k1', 'k2']) {
      await own!.issued(key);
      await other!.wish(key, '203.0.113.7:1');
    }
    let refused = 0;
    const send = (command: { input: unknown }): unknown =>
      command instanceof DeleteCommand && (refused += 1) === 2
        ? Promise.reject(new Error('a bad day'))
        : dynamo.send(command as never);
    const once = dynamoCancelWishes({ dynamo: { send } as never, table }, 'one', times);
    const keys = async (wishes: typeof own) => (await wishes!.taken()).map(({ key }) => key);
    expect([...(await keys(once)), ...(await keys(own))].toSorted()).toEqual(['k1', 'k2']);
  });

  it('says so when no cancel request can be taken off, and does not pass it for none', async () => {
    const table = await moto.table('coordination');
    const { dynamo } = moto.clients;
    const own = dynamoCancelWishes({ dynamo, table }, 'one', times);
    await own.issued('k1');
    await dynamoCancelWishes({ dynamo, table }, 'two', times).wish('k1', '203.0.113.7:1');
    const send = (command: { input: unknown }): unknown =>
      command instanceof DeleteCommand
        ? Promise.reject(new Error('a bad day'))
        : dynamo.send(command as never);
    const refused = dynamoCancelWishes({ dynamo: { send } as never, table }, 'one', times);
    await expect(refused.taken()).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(await own.taken()).toHaveLength(1);
  });

  it('passes on a cancel request that was faster than its key', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('coordination') };
    const one = dynamoCancelWishes(place, 'one', times);
    const two = dynamoCancelWishes(place, 'two', { now, pause: () => one.issued('k1') });
    await two.wish('k1', '203.0.113.7:1');
    expect(await one.taken()).toEqual([{ key: 'k1', from: '203.0.113.7:1' }]);
  });

  it('passes a cancel request to the task that issued the key, once, and to no other', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('coordination') };
    const [one, two] = ['one', 'two'].map((task) => dynamoCancelWishes(place, task, times));
    await one!.issued('k1');
    await two!.wish('k1', '203.0.113.7:1');
    await two!.wish('unknown', '203.0.113.7:1');
    expect(await two!.taken()).toEqual([]);
    expect(await one!.taken()).toEqual([{ key: 'k1', from: '203.0.113.7:1' }]);
    expect(await one!.taken()).toEqual([]);
    await one!.revoked('k1');
    await two!.wish('k1', '203.0.113.7:1');
    expect(await one!.taken()).toEqual([]);
  });
});
