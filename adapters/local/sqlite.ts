import { DatabaseSync } from 'node:sqlite';
import { CustodyError } from '#core/errors.ts';

const BUSY_MS = 5_000;
const RETRY_MS = 5;
/** SQLITE_BUSY, then SQLITE_CORRUPT and SQLITE_NOTADB (https://sqlite.org/rescode.html). */
const BUSY = 5;
const DAMAGED = [11, 26];

/** Whether a commit waits for the disk. By `log` it is durable in another way, or need not be: it is there when a process is killed. */
export type Commits = 'durable' | 'log';

/**
 * Opens a database that several processes share, durable with every commit, with `schema` made where it is not there.
 * `what`: for the message. Throws `state-damaged` for what is no database, and `store-unavailable` when it cannot be had.
 */
export function openSqlite(
  file: string,
  what: string,
  schema: string,
  commits: Commits = 'durable',
): DatabaseSync {
  try {
    return openShared(file, commits, (database) => database.exec(schema));
  } catch (cause) {
    throw cannotOpen(what, file, cause);
  }
}

/** As `openSqlite`, with what `prepare` makes or checks in it. Throws what SQLite says, or `prepare`; then it is closed. */
export function openShared(
  file: string,
  commits: Commits,
  prepare: (database: DatabaseSync) => void,
): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: BUSY_MS });
  try {
    writeAhead(database);
    database.exec(`PRAGMA synchronous = ${commits === 'durable' ? 'FULL' : 'NORMAL'}`);
    prepare(database);
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/**
 * Who opens a new file at the same moment as others is told that it is locked: here alone SQLite does not wait, since each holds a
 * lock that another wants (https://sqlite.org/c3ref/busy_handler.html). So it is asked again.
 */
function writeAhead(database: DatabaseSync): void {
  for (let waitedMs = 0; ; waitedMs += RETRY_MS) {
    try {
      return database.exec('PRAGMA journal_mode = WAL');
    } catch (cause) {
      if (!isBusy(cause) || waitedMs >= BUSY_MS) throw cause;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
  }
}

/** All of `work` or, where it throws, nothing. It begins with the lock: nobody else writes between a look and a change. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const done = work();
    database.exec('COMMIT');
    return done;
  } catch (thrown) {
    database.exec('ROLLBACK');
    throw thrown;
  }
}

/** Whether SQLite says that the file itself is not whole. */
export function isDamage(cause: unknown): boolean {
  return DAMAGED.includes(resultCode(cause));
}

/** Whether SQLite says that somebody else has the lock. */
export function isBusy(cause: unknown): boolean {
  return resultCode(cause) === BUSY;
}

function resultCode(cause: unknown): number {
  const { errcode = 0 } = cause as { readonly errcode?: number };
  return errcode & 0xff;
}

/** A disk that is full, a folder that may not be written and a lock that lasts say nothing about what is in the file. */
export function cannotOpen(what: string, file: string, cause: unknown): CustodyError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  if (isDamage(cause)) {
    return new CustodyError('state-damaged', `${what} ${file} cannot be opened: it is damaged`, {
      hint: 'keep the folder as it is and look into it',
      detail,
      cause,
    });
  }
  return new CustodyError('store-unavailable', `${what} ${file} cannot be opened: ${detail}`, {
    hint: 'see whether its folder can be written, and whether the disk is full',
    cause,
  });
}
