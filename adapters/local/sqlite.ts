import { DatabaseSync } from 'node:sqlite';
import { CustodyError } from '#core/errors.ts';

const BUSY_MS = 5_000;
/** SQLITE_CORRUPT and SQLITE_NOTADB (https://sqlite.org/rescode.html). */
const DAMAGED = [11, 26];

/** Whether a commit waits for the disk. By `log` it is durable in another way, or need not be: it is there when a process is killed. */
export type Commits = 'durable' | 'log';

export function synchronous(commits: Commits): string {
  return `PRAGMA synchronous = ${commits === 'durable' ? 'FULL' : 'NORMAL'};`;
}

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
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec(`
      PRAGMA busy_timeout = ${BUSY_MS};
      PRAGMA journal_mode = WAL;
      ${synchronous(commits)}
      ${schema}`);
    return database;
  } catch (cause) {
    database?.close();
    throw cannotOpen(what, file, cause);
  }
}

/** Whether SQLite says that the file itself is not whole. */
export function isDamage(cause: unknown): boolean {
  const { errcode = 0 } = cause as { readonly errcode?: number };
  return DAMAGED.includes(errcode & 0xff);
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
