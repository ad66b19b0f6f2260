import { join } from 'node:path';
import { type LeaseBook, leaseLost, type TaskLeases } from '#core/recording/leases.ts';
import { openSqlite } from './sqlite.ts';

const FILE = 'leases.sqlite';
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS leases (
    task TEXT PRIMARY KEY, until INTEGER NOT NULL,
    fenced INTEGER NOT NULL DEFAULT 0, forgotten INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;`;

/** Leases in SQLite: gateway and sealer are processes of one machine. Durable when a call returns. Throws `state-damaged`. */
export function localLeases(folder: string): TaskLeases & LeaseBook & { close(): void } {
  const database = openSqlite(join(folder, FILE), 'the leases', SCHEMA);
  const renew = database.prepare(`
    INSERT INTO leases (task, until) VALUES (?, ?)
    ON CONFLICT (task) DO UPDATE SET until = excluded.until WHERE NOT fenced`);
  const ended = database.prepare(
    'SELECT task, until FROM leases WHERE NOT forgotten AND (fenced OR until < ?) ORDER BY task',
  );
  const fence = database.prepare('UPDATE leases SET fenced = 1 WHERE task = ? AND (fenced OR until = ?)');
  const forget = database.prepare('UPDATE leases SET forgotten = 1 WHERE task = ? AND fenced');
  return {
    renew: async (task, until) => {
      if (renew.run(task, until.getTime()).changes !== 1) throw leaseLost(task);
    },
    endedBefore: async (time) =>
      ended.all(time.getTime()).map(({ task, until }) => ({
        task: task as string,
        until: new Date(until as number),
      })),
    fence: async ({ task, until }) => fence.run(task, until.getTime()).changes === 1,
    forget: async (task) => void forget.run(task),
    close: () => database.close(),
  };
}
