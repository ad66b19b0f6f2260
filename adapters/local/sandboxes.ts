import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import type { SandboxStore } from '#core/sandboxes/ports.ts';
import type { Sandbox } from '#core/sandboxes/sandbox.ts';
import { openSqlite } from './sqlite.ts';

const FILE = 'sandboxes.sqlite';
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sandboxes (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, gone INTEGER NOT NULL, sandbox TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS present ON sandboxes (id) WHERE gone = 0;`;

export type LocalSandboxes = SandboxStore & { close(): void };

/** Sandboxes in SQLite: API and gateway are processes of one machine. Durable when a call returns. Throws `state-damaged`. */
export function localSandboxes(folder: string): LocalSandboxes {
  const database = openSqlite(join(folder, FILE), 'the sandboxes', SCHEMA);
  const insert = database.prepare(
    'INSERT INTO sandboxes (id, version, gone, sandbox) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const update = database.prepare(
    'UPDATE sandboxes SET version = ?, gone = ?, sandbox = ? WHERE id = ? AND version = ?',
  );
  const one = database.prepare('SELECT sandbox FROM sandboxes WHERE id = ?');
  const all = database.prepare('SELECT sandbox FROM sandboxes WHERE gone = 0 ORDER BY id');
  return {
    create: async (sandbox) => {
      const { id, version, gone } = sandbox;
      const { changes } = insert.run(id, version, gone ? 1 : 0, JSON.stringify(sandbox));
      if (changes !== 1) throw new CustodyError('already-exists', 'there is such a sandbox already');
    },
    change: async (sandbox) => {
      const { id, version, gone } = sandbox;
      const { changes } = update.run(version, gone ? 1 : 0, JSON.stringify(sandbox), id, version - 1);
      if (changes !== 1) throw new CustodyError('conflict', 'somebody else changed the sandbox');
    },
    get: async (id) => {
      const row = one.get(id);
      if (row === undefined) throw new CustodyError('not-found', 'no such sandbox');
      return parseJson(row['sandbox'] as string) as Sandbox;
    },
    present: async () => all.all().map(({ sandbox }) => parseJson(sandbox as string) as Sandbox),
    close: () => database.close(),
  };
}
