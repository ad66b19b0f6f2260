import { randomBytes } from 'node:crypto';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoJournal, type JournalTable, placeOf, streamOf } from '#adapters/aws/journal.ts';
import { dynamoJournalTails } from '#adapters/aws/journal-tail.ts';
import { dynamoPresence } from '#adapters/aws/presence.ts';
import { journalTailsContract } from '#test/contract/journal-tails.ts';
import { presenceContract } from '#test/contract/presence.ts';
import { entry, SESSION_A } from '#test/support/journal-entries.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

const now = (): Date => new Date('2026-11-23T09:00:00.000Z');

describe.runIf(hasMoto())('who looks on in DynamoDB', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  const empty = async (): Promise<JournalTable> => ({
    dynamo: moto.clients.dynamo,
    table: await moto.table('journal'),
  });

  journalTailsContract('DynamoDB', async () => {
    const place = await empty();
    return { open: async () => dynamoJournal(place, 'task-1', now), tails: dynamoJournalTails(place) };
  });

  presenceContract('DynamoDB', async () =>
    dynamoPresence({ dynamo: moto.clients.dynamo, table: await moto.table('access'), now }),
  );

  it('waits for a part that is missing, and goes on behind a commit that will never be whole', async () => {
    const place = await empty();
    const journal = dynamoJournal(place, 'task-1', now);
    const tail = dynamoJournalTails(place).follow('task-1', SESSION_A);
    const big = randomBytes(500_000).toString('hex');
    await journal.append([entry(SESSION_A, 0, 0, 'small')]);
    await journal.append([entry(SESSION_A, 0, 5, big)]);
    const Key = { stream: streamOf('task-1', 2), place: placeOf(1, 1) };
    await place.dynamo.send(new DeleteCommand({ TableName: place.table, Key }));
    expect((await tail.read()).map(({ offset }) => offset)).toEqual([0]);
    expect(await tail.read()).toEqual([]);
    await journal.append([entry(SESSION_A, 0, 5, 'again')]);
    expect((await tail.read()).map(({ block }) => Buffer.from(block).toString())).toEqual(['again']);
  });
});
