import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { localDeliveries } from '#adapters/local/deliveries.ts';
import { deliveryId } from '#core/notify/deliveries.ts';
import { deliveriesContract } from '#test/contract/deliveries.ts';
import { newsItem } from '#test/support/news.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'custody-deliveries-'));
  folders.push(made);
  return made;
}

deliveriesContract('SQLite', () => {
  const shared = folder();
  return () => localDeliveries(shared);
});

describe('the local deliveries', () => {
  it('say so when their file is not a database', () => {
    const damaged = folder();
    const file = join(damaged, 'deliveries.sqlite');
    writeFileSync(file, 'nothing that SQLite wrote, and long enough to be looked at');
    expect(() => localDeliveries(damaged)).toThrow('cannot be opened');
  });

  it('are there after a restart', async () => {
    const shared = folder();
    const before = localDeliveries(shared);
    await before.add(newsItem(1), ['a']);
    before.close();
    const wish = { now: new Date(0), until: new Date(1), limit: 1, except: [] };
    expect(await localDeliveries(shared).take(wish)).toMatchObject([{ news: newsItem(1) }]);
  });

  it('forget the news that arrived, and keep the id', async () => {
    const shared = folder();
    const deliveries = localDeliveries(shared);
    await deliveries.add(newsItem(1), ['a']);
    const id = deliveryId(newsItem(1), 'a');
    await deliveries.delivered(id);
    const rows = new DatabaseSync(join(shared, 'deliveries.sqlite'))
      .prepare('SELECT * FROM deliveries')
      .all();
    expect(rows).toMatchObject([{ id, news: null, problem: null }]);
  });
});
