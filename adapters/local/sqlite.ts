import { DatabaseSync } from 'node:sqlite';
import { CustodyError } from '#core/errors.ts';

const BUSY_MS = 5_000;

/**
 * Opens a database that several processes share, durable with every commit, with `schema` made where it is not there.
 * `what`: for the message. Throws `state-damaged` when it cannot be used.
 */
export function openSqlite(file: string, what: string, schema: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec(`
      PRAGMA busy_timeout = ${BUSY_MS};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      ${schema}`);
    return database;
  } catch (cause) {
    database?.close();
    throw new CustodyError('state-damaged', `${what} ${file} cannot be opened`, {
      hint: 'keep the folder as it is and look into it',
      detail: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}
