import { join } from 'node:path';
import type { SealingClaims } from '#core/recording/sealing-claims.ts';
import { openSqlite } from './sqlite.ts';

const FILE = 'sealing.sqlite';
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS claims (
    task TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;`;

/** Claims in SQLite: sealers are processes of one machine. Throws `state-damaged`. */
export function localSealingClaims(folder: string): SealingClaims & { close(): void } {
  const database = openSqlite(join(folder, FILE), 'the claims of sealers', SCHEMA);
  const claim = database.prepare(`
    INSERT INTO claims (task, holder, until) VALUES (?1, ?2, ?4)
    ON CONFLICT (task) DO UPDATE SET holder = excluded.holder, until = excluded.until
    WHERE holder = excluded.holder OR until <= ?3`);
  const release = database.prepare('DELETE FROM claims WHERE task = ? AND holder = ?');
  return {
    claim: async (task, holder, now, until) =>
      claim.run(task, holder, now.getTime(), until.getTime()).changes === 1,
    release: async (task, holder) => void release.run(task, holder),
    close: () => database.close(),
  };
}
