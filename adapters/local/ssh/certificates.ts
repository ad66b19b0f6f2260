import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import {
  type CertificateBook,
  type CertificatePage,
  type IssuedCertificate,
  placeOf,
} from '#core/access/ssh-certificates/book.ts';
import { readIssued, writeIssued } from '#core/access/ssh-certificates/issued-record.ts';
import type { Actor } from '#core/identity/principal.ts';
import { openSqlite } from '../sqlite.ts';

const FILE = 'ssh-certificates.sqlite';
/** `place`: where it stands among those of its account. `record`: JSON. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS certificates (
    serial TEXT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL, place TEXT NOT NULL, record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS by_account ON certificates (issuer, subject, place);`;

/** What was issued, in SQLite, for ever. Throws `state-damaged`. */
export function localCertificates(folder: string): CertificateBook & { close(): void } {
  const database = openSqlite(join(folder, FILE), 'the list of SSH certificates', SCHEMA);
  return {
    keep: async (issued) => keep(database, issued),
    find: async (serial) => {
      const row = database.prepare('SELECT record FROM certificates WHERE serial = ?').get(serial);
      return row === undefined ? undefined : readIssued(row['record'] as string);
    },
    of: async (account, page) => list(database, account, page),
    close: () => database.close(),
  };
}

function keep(database: DatabaseSync, issued: IssuedCertificate): void {
  const { serial, person } = issued;
  database
    .prepare('INSERT INTO certificates (serial, issuer, subject, place, record) VALUES (?, ?, ?, ?, ?)')
    .run(serial, person.issuer, person.subject, placeOf(issued), writeIssued(issued));
}

function list(
  database: DatabaseSync,
  { issuer, subject }: Actor,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string },
): CertificatePage {
  const rows = database
    .prepare(
      `SELECT record FROM certificates WHERE issuer = ? AND subject = ? AND (? IS NULL OR place < ?)
       ORDER BY place DESC LIMIT ?`,
    )
    .all(issuer, subject, cursor ?? null, cursor ?? null, limit + 1);
  const certificates = rows.slice(0, limit).map(({ record }) => readIssued(record as string));
  const last = certificates.at(-1);
  return { certificates, ...(rows.length > limit && last !== undefined ? { next: placeOf(last) } : {}) };
}
