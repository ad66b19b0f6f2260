import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoJournalRemains } from '#adapters/aws/journal-remains.ts';
import { dynamoJournal } from '#adapters/aws/journal.ts';
import { journalContract } from '#test/contract/journal.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

describe.runIf(hasMoto())('the journal in DynamoDB', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  journalContract('DynamoDB', async () => {
    const place = { dynamo: moto.clients.dynamo, table: await moto.table('journal') };
    return {
      open: async () => dynamoJournal(place, 'task', () => new Date()),
      remains: () => dynamoJournalRemains(place, 'task'),
    };
  });
});
