import type { DatabaseSync } from 'node:sqlite';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { cannotOpen, isDamage, openShared } from '#adapters/local/sqlite.ts';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';

const COLUMNS = 'model, id, payload, uid, user_code, grant_id, expires_at';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS state (
    model TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, uid TEXT, user_code TEXT, grant_id TEXT,
    expires_at INTEGER, PRIMARY KEY (model, id)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS by_grant ON state (grant_id);`;

/** Logins and refresh tokens of the demo identity provider, kept so that a restart logs nobody out. */
export interface OidcState {
  /** What oidc-provider calls an adapter, for one of its models. */
  readonly adapter: (model: string) => Adapter;
  close(): void;
}

/**
 * Opens or makes the file; what has expired is dropped. `now` is in milliseconds.
 * Throws `state-damaged` when it is not such a file, and `store-unavailable` when it cannot be had.
 */
export function openOidcState(file: string, now: () => number): OidcState {
  const database = openDatabase(file, now());
  return { adapter: (model) => adapterOf(database, model, now), close: () => database.close() };
}

function openDatabase(file: string, now: number): DatabaseSync {
  try {
    return openShared(file, 'durable', (database) => {
      database.exec(SCHEMA);
      database.prepare('DELETE FROM state WHERE expires_at <= ?').run(now);
    });
  } catch (cause) {
    if (!isDamage(cause)) throw cannotOpen("the demo identity provider's state", file, cause);
    throw new CustodyError('state-damaged', `the demo identity provider's state ${file} is damaged`, {
      hint: 'remove it and start again: everybody logs in once more',
      cause,
    });
  }
}

/** https://github.com/panva/node-oidc-provider/blob/main/example/my_adapter.js says what each method must do. */
function adapterOf(database: DatabaseSync, model: string, now: () => number): Adapter {
  const find = (column: 'id' | 'uid' | 'user_code', value: string): AdapterPayload | undefined => {
    const row = database
      .prepare(
        `SELECT payload FROM state WHERE model = ? AND ${column} = ? AND coalesce(expires_at > ?, true)`,
      )
      .get(model, value, now());
    return row === undefined ? undefined : (parseJson(String(row['payload'])) as AdapterPayload);
  };
  return {
    find: async (id) => find('id', id),
    findByUid: async (uid) => find('uid', uid),
    findByUserCode: async (userCode) => find('user_code', userCode),
    upsert: async (id, payload, seconds) => {
      const { uid = null, userCode = null, grantId = null } = payload;
      const expiresAt = seconds === undefined ? null : now() + seconds * 1000;
      database
        .prepare(`INSERT OR REPLACE INTO state (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`)
        .run(model, id, JSON.stringify(payload), uid, userCode, grantId, expiresAt);
    },
    consume: async (id) => {
      database
        .prepare("UPDATE state SET payload = json_set(payload, '$.consumed', ?) WHERE model = ? AND id = ?")
        .run(Math.floor(now() / 1000), model, id);
    },
    destroy: async (id) => {
      database.prepare('DELETE FROM state WHERE model = ? AND id = ?').run(model, id);
    },
    revokeByGrantId: async (grantId) => {
      database.prepare('DELETE FROM state WHERE grant_id = ?').run(grantId);
    },
  };
}
