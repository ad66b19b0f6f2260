import { join } from 'node:path';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { News } from '#core/access/news.ts';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import {
  type DeadLetters,
  type Delivery,
  type DeliveryIntake,
  type DeliveryQueue,
  deliveryId,
} from '#core/notify/deliveries.ts';
import { openSqlite } from './sqlite.ts';

const FILE = 'deliveries.sqlite';
/** `due_at`: milliseconds since 1970; 0 before the first attempt; none when it is dead or delivered. Delivered: no news. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT UNIQUE NOT NULL, webhook TEXT NOT NULL, news TEXT, due_at INTEGER,
    failures INTEGER NOT NULL DEFAULT 0, problem TEXT) STRICT;
  CREATE INDEX IF NOT EXISTS due ON deliveries (webhook, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS dead ON deliveries (id) WHERE due_at IS NULL AND news IS NOT NULL;`;
const IS_DEAD = 'due_at IS NULL AND news IS NOT NULL';

type Row = Readonly<Record<string, SQLOutputValue>>;

/**
 * Deliveries in SQLite, for several processes. Holds news and the names of webhooks: no address, no secret and nothing that
 * was signed. Throws `state-damaged`.
 */
export function localDeliveries(
  folder: string,
): DeliveryIntake & DeliveryQueue & DeadLetters & { close(): void } {
  const database = openSqlite(join(folder, FILE), 'the deliveries', SCHEMA);
  return { ...intakeOf(database), ...queueOf(database), ...deadOf(database), close: () => database.close() };
}

function intakeOf(database: DatabaseSync): DeliveryIntake {
  // One statement: all of them or none.
  const add = database.prepare(`
    INSERT OR IGNORE INTO deliveries (id, webhook, news, due_at)
    SELECT value ->> 0, value ->> 1, ?, 0 FROM json_each(?)`);
  return {
    add: async (news, webhooks) => {
      const rows = webhooks.map((webhook) => [deliveryId(news, webhook), webhook]);
      add.run(JSON.stringify(news), JSON.stringify(rows));
    },
  };
}

function queueOf(database: DatabaseSync): DeliveryQueue {
  const take = database.prepare(`
    UPDATE deliveries SET due_at = ? WHERE rowid IN (
      SELECT place.rowid FROM (
        SELECT rowid, row_number() OVER (PARTITION BY webhook ORDER BY due_at, rowid) AS number
        FROM deliveries WHERE due_at <= ? AND webhook NOT IN (SELECT value FROM json_each(?))) AS place
      WHERE number <= ?)
    RETURNING id, webhook, news, failures`);
  const delivered = database.prepare(
    'UPDATE deliveries SET news = NULL, due_at = NULL, problem = NULL WHERE id = ? AND news IS NOT NULL',
  );
  const failed = database.prepare(`
    UPDATE deliveries SET failures = failures + 1, due_at = ?, problem = ?
    WHERE id = ? AND due_at IS NOT NULL`);
  return {
    take: async ({ now, until, limit, except }) =>
      take.all(until.getTime(), now.getTime(), JSON.stringify([...except]), limit).map(toDelivery),
    delivered: async (id) => void delivered.run(id),
    failed: async (id, next, problem) =>
      void failed.run('dead' in next ? null : next.nextAt.getTime(), problem, id),
  };
}

function deadOf(database: DatabaseSync): DeadLetters {
  const dead = database.prepare(`
    SELECT id, webhook, news, failures, problem FROM deliveries
    WHERE ${IS_DEAD} AND rowid < ? ORDER BY rowid DESC LIMIT ?`);
  const place = database.prepare('SELECT rowid FROM deliveries WHERE id = ?');
  const placeOf = (id: string): SQLOutputValue => place.get(id)?.['rowid'] ?? raise(id);
  const again = database.prepare(
    `UPDATE deliveries SET due_at = ?, failures = 0 WHERE id = ? AND ${IS_DEAD}`,
  );
  return {
    dead: async (limit, after) => {
      const before = after === undefined ? Number.MAX_SAFE_INTEGER : placeOf(after);
      const rows = dead.all(before, Math.max(0, limit));
      return rows.map((row) => ({ ...toDelivery(row), problem: row['problem'] as string }));
    },
    again: async (id, now) => {
      if (again.run(now.getTime(), id).changes === 1) return;
      raise(id);
    },
  };
}

function raise(id: string): never {
  throw new CustodyError('not-found', 'no such dead letter', { detail: id });
}

function toDelivery({ id, webhook, news, failures }: Row): Delivery {
  return {
    id: id as string,
    webhook: webhook as string,
    news: parseJson(news as string) as News,
    failures: failures as number,
  };
}
