import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CustodyError } from '#core/errors.ts';
import { type LeaseBook, leaseLost, type TaskLeases } from '#core/recording/leases.ts';

const FILE = 'leases.sqlite';
const BUSY_MS = 5_000;

/** Leases in SQLite: gateway and sealer are processes of one machine. Durable when a call returns. Throws `state-damaged`. */
export function localLeases(folder: string): TaskLeases & LeaseBook & { close(): void } {
  const database = openDatabase(join(folder, FILE));
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

function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec(`
      PRAGMA busy_timeout = ${BUSY_MS};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS leases (
        task TEXT PRIMARY KEY, until INTEGER NOT NULL,
        fenced INTEGER NOT NULL DEFAULT 0, forgotten INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;`);
    return database;
  } catch (cause) {
    database?.close();
    throw new CustodyError('state-damaged', `the leases ${file} cannot be opened`, {
      hint: 'keep the folder as it is and look into it',
      detail: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}
