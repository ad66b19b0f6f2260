import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { CustodyError } from '#core/errors.ts';
import { type Device, type DeviceStep, deviceState, registered } from '#core/identity/devices/device.ts';
import type {
  Challenge,
  DeviceOutbox,
  DevicePage,
  DeviceQuery,
  DeviceStore,
  UntoldDevice,
} from '#core/identity/devices/store.ts';
import { canonicalEmail } from '#core/identity/email.ts';
import { parseJson } from '#core/json.ts';
import { inTransaction, openSqlite } from './sqlite.ts';

const FILE = 'devices.sqlite';
const PAGE_MAX = 1_000;
const CHALLENGE_KEPT_MS = 3_600_000;
/** `steps`: how many there are, `told`: how much the ledger was told, of `steps` + 1. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS devices (
    id TEXT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL, email TEXT, state TEXT NOT NULL,
    device TEXT NOT NULL, steps INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS by_owner ON devices (issuer, subject, id);
  CREATE INDEX IF NOT EXISTS by_email ON devices (email, id) WHERE email IS NOT NULL;
  CREATE INDEX IF NOT EXISTS by_state ON devices (state, id);
  CREATE INDEX IF NOT EXISTS untold ON devices (id) WHERE told <= steps;
  CREATE TABLE IF NOT EXISTS challenges (
    hash TEXT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;`;

export type LocalDevices = DeviceStore & DeviceOutbox & { close(): void };

/** Devices in SQLite: API and gateway are processes of one machine. Durable when a call returns. Throws `state-damaged`. */
export function localDevices(folder: string): LocalDevices {
  const database = openSqlite(join(folder, FILE), 'the devices', SCHEMA);
  return {
    of: async (key) => {
      const found = rowOf(database, key);
      return found === undefined ? undefined : registered(found.device, found.told);
    },
    revoked: async (keys) => revoked(database, keys),
    challenge: async (challenge) => issue(database, challenge),
    create: async (device, now, atMost) =>
      inTransaction(database, () => create(database, device, now, atMost)),
    append: async (id, after, step) => append(database, id, after, step),
    get: async (id) => get(database, id),
    list: async (query) => list(database, query),
    untold: async (limit, id) => untold(database, limit, id),
    told: async (id, count) => told(database, id, count),
    close: () => database.close(),
  };
}

/** What nobody signed for an hour goes with the next one. */
function issue(database: DatabaseSync, { hash, account, expiresAt }: Challenge): void {
  database.prepare('DELETE FROM challenges WHERE expires < ?').run(expiresAt.getTime() - CHALLENGE_KEPT_MS);
  database
    .prepare('INSERT OR REPLACE INTO challenges (hash, issuer, subject, expires) VALUES (?, ?, ?, ?)')
    .run(hash, account.issuer, account.subject, expiresAt.getTime());
}

function create(
  database: DatabaseSync,
  device: Device,
  now: Date,
  atMost: number,
): Awaited<ReturnType<DeviceStore['create']>> {
  const { id, challenge, owner } = device;
  const { issuer, subject } = owner;
  const email = owner.email === undefined ? null : canonicalEmail(owner.email);
  if (rowOf(database, id) !== undefined) return 'exists';
  const held = database
    .prepare("SELECT count(*) AS held FROM devices WHERE issuer = ? AND subject = ? AND state <> 'revoked'")
    .get(issuer, subject)!['held'] as number;
  if (held >= atMost) return 'too-many';
  const { changes } = database
    .prepare('DELETE FROM challenges WHERE hash = ? AND issuer = ? AND subject = ? AND expires > ?')
    .run(challenge, issuer, subject, now.getTime());
  if (changes !== 1) return 'no-challenge';
  database
    .prepare(
      'INSERT INTO devices (id, issuer, subject, email, state, device, steps) VALUES (?, ?, ?, ?, ?, ?, 0)',
    )
    .run(id, issuer, subject, email, deviceState(device), JSON.stringify(device));
  return 'created';
}

/** The number of steps is the version: SQLite makes the comparison and the change one. */
function append(database: DatabaseSync, id: string, after: number, step: DeviceStep): void {
  const device = get(database, id);
  const changed = { ...device, steps: [...device.steps, step] };
  const { changes } = database
    .prepare('UPDATE devices SET device = ?, state = ?, steps = ? WHERE id = ? AND steps = ?')
    .run(JSON.stringify(changed), deviceState(changed), changed.steps.length, id, after);
  if (device.steps.length === after && changes === 1) return;
  throw new CustodyError('conflict', 'somebody else changed the device', { hint: 'look at it again' });
}

function get(database: DatabaseSync, id: string): Device {
  const found = rowOf(database, id);
  if (found !== undefined) return found.device;
  throw new CustodyError('not-found', 'no such device', { hint: 'see yours: custody devices' });
}

function rowOf(database: DatabaseSync, id: string): UntoldDevice | undefined {
  const row = database.prepare('SELECT device, told FROM devices WHERE id = ?').get(id);
  return row === undefined ? undefined : untoldIn(row);
}

function revoked(database: DatabaseSync, keys: readonly string[]): Set<string> {
  const sql = "SELECT id FROM devices WHERE state = 'revoked' AND id IN (SELECT value FROM json_each(?))";
  return new Set(
    database
      .prepare(sql)
      .all(JSON.stringify(keys))
      .map(({ id }) => id as string),
  );
}

function list(database: DatabaseSync, query: DeviceQuery): DevicePage {
  const limit = Math.max(1, Math.min(PAGE_MAX, Math.trunc(query.limit)));
  const [where, values] = filterOf(query);
  const rows = database
    .prepare(`SELECT device FROM devices WHERE ${where} AND id > ? ORDER BY id LIMIT ${limit + 1}`)
    .all(...values, query.cursor ?? '');
  const devices = rows.slice(0, limit).map(({ device }) => parse(device));
  return rows.length > limit ? { devices, next: devices.at(-1)!.id } : { devices };
}

function filterOf(query: DeviceQuery): readonly [where: string, values: readonly string[]] {
  if ('owner' in query) return ['issuer = ? AND subject = ?', [query.owner.issuer, query.owner.subject]];
  if ('email' in query) return ['email = ?', [query.email]];
  return ['state = ?', [query.state]];
}

function untold(database: DatabaseSync, limit: number, id: string | undefined): UntoldDevice[] {
  const one = id === undefined ? '' : 'AND id = ?';
  return database
    .prepare(
      `SELECT device, told FROM devices WHERE told <= steps ${one} ORDER BY id LIMIT ${Math.trunc(limit)}`,
    )
    .all(...(id === undefined ? [] : [id]))
    .map(untoldIn);
}

function told(database: DatabaseSync, id: string, count: number): void {
  database.prepare('UPDATE devices SET told = ? WHERE id = ? AND told < ?').run(count, id, count);
}

function untoldIn(row: Readonly<Record<string, unknown>>): UntoldDevice {
  return { device: parse(row['device']), told: row['told'] as number };
}

function parse(json: unknown): Device {
  return parseJson(json as string) as Device;
}
