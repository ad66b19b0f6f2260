import { randomBytes } from 'node:crypto';
import { DeleteCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoJournal, type JournalItem, type JournalTable } from '#adapters/aws/journal.ts';
import { dynamoJournalRemains } from '#adapters/aws/journal-remains.ts';
import { journalContract } from '#test/contract/journal.ts';
import { entry, SESSION_A, SESSION_B } from '#test/support/journal-entries.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';
import { tailsIn } from '#test/support/remains.ts';

const now = (): Date => new Date('2026-11-23T09:00:00.000Z');

describe.runIf(hasMoto())('the journal in DynamoDB', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  async function empty(): Promise<JournalTable> {
    return { dynamo: moto.clients.dynamo, table: await moto.table('journal') };
  }

  async function items({ dynamo, table }: JournalTable): Promise<JournalItem[]> {
    const all: JournalItem[] = [];
    for await (const { Items = [] } of paginateScan({ client: dynamo }, { TableName: table })) {
      all.push(...(Items as JournalItem[]));
    }
    return all.toSorted((a, b) => (a.place < b.place ? -1 : 1));
  }

  /** Session and content of every tail, by session. */
  async function found(place: JournalTable): Promise<Record<string, string>> {
    const tails = await tailsIn(dynamoJournalRemains(place, 'task'));
    return Object.fromEntries(
      tails.map(({ session, content }) => [session, Buffer.from(content).toString()]),
    );
  }

  journalContract('DynamoDB', async () => {
    const place = await empty();
    return {
      open: async () => dynamoJournal(place, 'task', now),
      remains: () => dynamoJournalRemains(place, 'task'),
    };
  });

  it('holds all sessions of a commit in one item, which goes by itself after two weeks', async () => {
    const place = await empty();
    await dynamoJournal(place, 'task', now).append([
      entry(SESSION_A, 0, 0, 'a'),
      entry(SESSION_B, 0, 0, 'b'),
    ]);
    const [item, ...more] = await items(place);
    expect(more).toEqual([]);
    expect(item!.expires).toBe(now().getTime() / 1000 + 14 * 24 * 3600);
  });

  it('gives back a commit that needs many items', async () => {
    const place = await empty();
    const big = randomBytes(500_000).toString('hex');
    const journal = dynamoJournal(place, 'task', now);
    await journal.append([entry(SESSION_A, 0, 0, big), entry(SESSION_B, 0, 0, 'b')]);
    expect(await items(place)).toHaveLength(3);
    const tails = await tailsIn(dynamoJournalRemains(place, 'task'));
    const a = tails.find(({ session }) => session === SESSION_A)!;
    expect(Buffer.from(a.content).toString()).toBe(big);
    expect((await found(place))[SESSION_B]).toBe('b');
  });

  it('reads a commit up to the part that is missing, and what comes after it', async () => {
    const place = await empty();
    const journal = dynamoJournal(place, 'task', now);
    await journal.append([entry(SESSION_B, 0, 0, 'b')]);
    await journal.append([entry(SESSION_A, 0, 0, 'x'.repeat(900_000))]);
    await journal.append([entry(SESSION_B, 0, 1, 'c'), entry(SESSION_A, 0, 900_000, 'y')]);
    const { stream, place: at } = (await items(place)).find(
      ({ parts, place: one }) => parts === 3 && one.endsWith('1'),
    )!;
    await place.dynamo.send(new DeleteCommand({ TableName: place.table, Key: { stream, place: at } }));
    expect(await found(place)).toEqual({ [SESSION_B]: 'bc' });
  });

  it('is read from the first commit on that still holds something, over any number of commits', async () => {
    const place = await empty();
    const journal = dynamoJournal(place, 'task', now);
    for (let commit = 0; commit < 100; commit += 1) {
      await journal.append([entry(SESSION_A, commit, 0, `a${commit}`)]);
      journal.release(SESSION_A, commit);
      if (commit === 60) await journal.append([entry(SESSION_B, 0, 0, 'b')]);
    }
    expect(await found(place)).toEqual({ [SESSION_A]: 'a99', [SESSION_B]: 'b' });
    const lows = (await items(place)).map(({ low }) => low);
    expect([lows[0], lows[50], lows.at(-1)]).toEqual([0, 50, 61]);
  });

  it('of one task is nothing of another', async () => {
    const place = await empty();
    await dynamoJournal(place, 'other', now).append([entry(SESSION_A, 0, 0, 'a')]);
    expect(await found(place)).toEqual({});
    await dynamoJournalRemains(place, 'task').clear();
    expect(await tailsIn(dynamoJournalRemains(place, 'other'))).toHaveLength(1);
  });
});
