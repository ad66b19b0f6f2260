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

/** Parts of an expression that say when something counts, and not what it is: data that changed must not be explained by them. */
const CONDITIONS = new Set([
  'whereClause',
  'havingClause',
  'agg_filter',
  'agg_order',
  'sortClause',
  'over',
  'limitCount',
  'limitOffset',
]);
/** Yes or no, and numbers of rows: what is in them is compared, or counted. */
const COMPARED = new Set(['AEXPR_OP_ANY', 'AEXPR_OP_ALL', 'AEXPR_IN', 'AEXPR_LIKE', 'AEXPR_BETWEEN']);
const COMPARES = new Set(['=', '<>', '<', '>', '<=', '>=']);

/** Why an expression is not the same each time. `columns`: of what it reads, those that are not, by name and by `alias.name`. */
export function volatileIn(
  node: unknown,
  columns: ReadonlyMap<string, string>,
  depth = 0,
): string | undefined {
  if (depth > DEPTH_MAX) return undefined;
  if (Array.isArray(node)) return firstOf(node, (item) => volatileIn(item, columns, depth + 1));
  if (!isJsonObject(node)) return undefined;
  const own = byItself(node, columns);
  if (own !== undefined) return own;
  const because = firstOf(partsOf(node), (value) => volatileIn(value, columns, depth + 1));
  return isOfClock(because) && isComparison(node) ? undefined : because;
}

/** Of a column that is a function of the time and of data, such as `coalesce(made, now())`. */
export const NOW_AND_DATA = 'now and data';

function isOfClock(because: string | undefined): boolean {
  return because === 'now' || because === NOW_AND_DATA;
}

/** As `volatileIn`, and whether it is of data, too. */
export function volatileColumn(node: unknown, columns: ReadonlyMap<string, string>): string | undefined {
  const because = volatileIn(node, columns);
  return because === 'now' && readsData(node, columns) ? NOW_AND_DATA : because;
}

/** Whether what counts, and what is found, depends on when it runs, or on chance. */
export function chosenBy(why: 'now' | 'random', node: unknown, isChoice = false, depth = 0): boolean {
  if (depth > DEPTH_MAX) return false;
  if (Array.isArray(node)) return node.some((item) => chosenBy(why, item, isChoice, depth + 1));
  if (!isJsonObject(node)) return false;
  if (isChoice && byItself(node, NONE) === why) return true;
  return Object.entries(node).some(([name, value]) =>
    chosenBy(why, value, isChoice || CONDITIONS.has(name) || isComparison(node), depth + 1),
  );
}

const NONE: ReadonlyMap<string, string> = new Map();

/** Whether an expression reads anything besides what is volatile: then it may also differ because data do. */
function readsData(node: unknown, columns: ReadonlyMap<string, string>, depth = 0): boolean {
  if (depth > DEPTH_MAX) return true;
  if (Array.isArray(node)) return node.some((item) => readsData(item, columns, depth + 1));
  if (!isJsonObject(node)) return false;
  const column = node['ColumnRef'];
  if (isJsonObject(column)) return byItself(node, columns) === undefined;
  return 'RangeVar' in node || Object.values(node).some((value) => readsData(value, columns, depth + 1));
}

function partsOf(node: Readonly<Record<string, unknown>>): unknown[] {
  const call = node['FuncCall'];
  if (isJsonObject(call) && COUNTS.has(lastName(call['funcname']))) return [];
  const when = node['CaseWhen'];
  if (isJsonObject(when)) return [when['result']];
  return Object.entries(node).flatMap(([name, value]) => (CONDITIONS.has(name) ? [] : [value]));
}

const COUNTS = new Set(['count', 'row_number', 'rank', 'dense_rank', 'ntile']);

/** A moment that lies on the other side of another is a finding: as where a WHERE says so. */
function isComparison(node: Readonly<Record<string, unknown>>): boolean {
  const of = node['A_Expr'];
  if (!isJsonObject(of)) return 'BoolExpr' in node || 'NullTest' in node;
  return COMPARED.has(String(of['kind'])) || COMPARES.has(lastName(of['name']));
}

function byItself(
  node: Readonly<Record<string, unknown>>,
  columns: ReadonlyMap<string, string>,
): string | undefined {
  const call = node['FuncCall'];
  if (isJsonObject(call)) return ofCall(lastName(call['funcname']), call['args']);
  const column = node['ColumnRef'];
  if (isJsonObject(column)) {
    const name = lastName(column['fields']);
    const table = Array.isArray(column['fields']) ? lastName(column['fields'].slice(0, -1)) : '';
    return SYSTEM.has(name) ? 'system column' : columns.get(table === '' ? name : `${table}.${name}`);
  }
  const value = node['SQLValueFunction'];
  if (!isJsonObject(value)) return undefined;
  const op = String(value['op']);
  if (/DATE|TIME/.test(op)) return 'now';
  return /USER|ROLE|CATALOG/.test(op) ? 'session' : undefined;
}

/** `age(a, b)` is the same each time, and `age(a)` is not. */
function ofCall(name: string, args: unknown): string | undefined {
  return name === 'age' && Array.isArray(args) && args.length > 1 ? undefined : BY_NAME.get(name);
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
