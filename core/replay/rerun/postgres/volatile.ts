/** Functions whose values are of the moment or of the server, and nothing that a sandbox could have the same. */
import { isJsonObject } from '#core/json.ts';

const DEPTH_MAX = 100;

const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  now: ['now', 'clock_timestamp', 'statement_timestamp', 'transaction_timestamp', 'timeofday', 'age'],
  sequence: ['nextval', 'currval', 'lastval'],
  random: [
    'random',
    'random_normal',
    'gen_random_uuid',
    'uuid_generate_v4',
    'uuid_generate_v1',
    'uuidv4',
    'uuidv7',
    'gen_random_bytes',
    'gen_salt',
  ],
  transaction: [
    'txid_current',
    'txid_current_if_assigned',
    'txid_current_snapshot',
    'pg_current_xact_id',
    'pg_current_xact_id_if_assigned',
    'pg_current_snapshot',
    'pg_export_snapshot',
    'pg_current_wal_lsn',
    'pg_current_wal_insert_lsn',
    'pg_last_wal_replay_lsn',
  ],
  session: [
    'pg_backend_pid',
    'inet_client_addr',
    'inet_client_port',
    'inet_server_addr',
    'inet_server_port',
    'current_database',
    'getpgusername',
  ],
  server: [
    'version',
    'pg_postmaster_start_time',
    'pg_conf_load_time',
    'pg_relation_size',
    'pg_total_relation_size',
    'pg_table_size',
    'pg_indexes_size',
    'pg_database_size',
    'pg_relation_filepath',
    'pg_is_in_recovery',
  ],
};

const BY_NAME: ReadonlyMap<string, string> = new Map(
  Object.entries(FUNCTIONS).flatMap(([because, names]) => names.map((name) => [name, because] as const)),
);
/** Columns that every table has. */
const SYSTEM = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']);

/** Why an expression is not the same each time. `columns`: of what it reads, those that are not. */
export function volatileIn(
  node: unknown,
  columns: ReadonlyMap<string, string>,
  depth = 0,
): string | undefined {
  if (depth > DEPTH_MAX) return undefined;
  if (Array.isArray(node)) return firstOf(node, (item) => volatileIn(item, columns, depth + 1));
  if (!isJsonObject(node)) return undefined;
  return (
    byItself(node, columns) ?? firstOf(Object.values(node), (value) => volatileIn(value, columns, depth + 1))
  );
}

function byItself(
  node: Readonly<Record<string, unknown>>,
  columns: ReadonlyMap<string, string>,
): string | undefined {
  const call = node['FuncCall'];
  if (isJsonObject(call)) return BY_NAME.get(lastName(call['funcname']));
  const column = node['ColumnRef'];
  if (isJsonObject(column)) {
    const name = lastName(column['fields']);
    return SYSTEM.has(name) ? 'system column' : columns.get(name);
  }
  const value = node['SQLValueFunction'];
  if (!isJsonObject(value)) return undefined;
  const op = String(value['op']);
  if (/DATE|TIME/.test(op)) return 'now';
  return /USER|ROLE|CATALOG/.test(op) ? 'session' : undefined;
}

function lastName(names: unknown): string {
  const last: unknown = Array.isArray(names) ? names.at(-1) : undefined;
  const text = isJsonObject(last) && isJsonObject(last['String']) ? last['String']['sval'] : undefined;
  return typeof text === 'string' ? text.toLowerCase() : '';
}

function firstOf<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
