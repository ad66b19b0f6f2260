/** What a statement itself says of its answer: whether rows have an order, and which columns are not the same each time. */
import { isJsonObject } from '#core/json.ts';
import type { Parser } from '#core/protocols/postgres/shapes/parser.ts';
import { type Json, textIn } from '#core/protocols/postgres/shapes/tree.ts';
import { chosenBy, volatileColumn } from './volatile.ts';

export interface Meaning {
  readonly isOrdered: boolean;
  /** Why a column is not the same each time; undefined where nothing explains it. */
  because(index: number, name: string): string | undefined;
  /** Why the number of rows is not either. */
  readonly rowsBecause?: string | undefined;
  /** Columns that an INSERT returns. */
  readonly isInsert: boolean;
  /** What is found or written depends on when it runs: `WHERE made > now() - …`. */
  readonly isChosenByClock?: boolean | undefined;
}

export const NOT_UNDERSTOOD: Meaning = { isOrdered: false, isInsert: false, because: () => undefined };

const KNOWN_MAX = 500;

/** Keeps what it knows of the last texts. */
export class Meanings {
  readonly #parser: Parser;
  readonly #known = new Map<string, readonly Meaning[]>();

  constructor(parser: Parser) {
    this.#parser = parser;
  }

  /** Of the command that comes at this place in a text, from 0. */
  of(text: string, part: number): Meaning {
    return this.#all(text)[part] ?? NOT_UNDERSTOOD;
  }

  #all(text: string): readonly Meaning[] {
    const there = this.#known.get(text);
    if (there !== undefined) return there;
    const made = ofCall(text) ?? this.#parsed(text);
    if (this.#known.size >= KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(text, made);
    return made;
  }

  #parsed(text: string): readonly Meaning[] {
    const parsed = text.includes('\0') ? undefined : this.#parser.parse(text);
    return parsed !== undefined && 'statements' in parsed ? parsed.statements.map(meaningOf) : [];
  }
}

/** Functions that are called by their numbers (pg_proc), without a text. */
const CALLS: ReadonlyMap<string, string> = new Map([
  ['function 89', 'server'], // version
  ['function 274', 'now'], // timeofday
  ['function 1299', 'now'],
  ['function 1574', 'sequence'], // nextval
  ['function 1575', 'sequence'], // currval
  ['function 1598', 'random'],
  ['function 2026', 'session'], // pg_backend_pid
  ['function 2648', 'now'], // statement_timestamp
  ['function 2649', 'now'], // clock_timestamp
]);

function ofCall(text: string): readonly Meaning[] | undefined {
  const because = CALLS.get(text);
  return because === undefined ? undefined : [{ ...NOT_UNDERSTOOD, because: () => because }];
}

function meaningOf(raw: Json): Meaning {
  const node = isJsonObject(raw['stmt']) ? raw['stmt'] : {};
  const meaning = ofStatement(node);
  return chosenBy('now', node) ? { ...meaning, isChosenByClock: true } : meaning;
}

function ofStatement(node: Json): Meaning {
  const [kind = ''] = Object.keys(node);
  const members = objectIn(node, kind);
  switch (kind) {
    case 'SelectStmt':
      return ofSelect(members);
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt':
      return ofWrite(kind, members);
    case 'ExplainStmt':
      return ofExplain(members);
    case 'CopyStmt':
      return ofCopy(members);
    case 'VariableShowStmt':
      return ofShow(members);
    case 'FetchStmt':
      return { ...NOT_UNDERSTOOD, isOrdered: true };
    default:
      return NOT_UNDERSTOOD;
  }
}

function ofSelect(select: Json): Meaning {
  const columns = columnsOf(select, new Map());
  const sorts = listIn(select, 'sortClause');
  const isShuffled = chosenBy('random', sorts, true);
  const isSet = ![undefined, 'SETOP_NONE'].includes(select['op'] as string | undefined);
  const isOrdered = sorts.length > 0 ? !isShuffled : !isSet && listIn(select, 'fromClause').length === 0;
  const isDrawn =
    (isShuffled && 'limitCount' in select) ||
    chosenBy('random', select['whereClause'], true) ||
    isSample(select);
  return {
    isOrdered,
    isInsert: false,
    because: (index, name) => (columns.hasStar ? columns.byName.get(name) : columns.byIndex[index]),
    rowsBecause: looksAtServer(select) ? 'server' : isDrawn ? 'random' : undefined,
  };
}

/** TABLESAMPLE without a seed. */
function isSample(select: Json): boolean {
  return listIn(select, 'fromClause').some((item) => {
    const sample = objectIn(item, 'RangeTableSample');
    return 'method' in sample && !('repeatable' in sample);
  });
}

interface Columns {
  readonly byIndex: readonly (string | undefined)[];
  readonly byName: ReadonlyMap<string, string>;
  /** Places are not known. */
  readonly hasStar: boolean;
}

const NO_COLUMNS: Columns = { byIndex: [], byName: new Map(), hasStar: false };
const DEPTH_MAX = 20;

/** `above`: names of columns that are volatile further out. */
function columnsOf(select: Json, above: ReadonlyMap<string, string>, depth = 0): Columns {
  if (depth > DEPTH_MAX) return NO_COLUMNS;
  const below = namesBelow(select, above, depth);
  const within = new Map([...above, ...below]);
  const sides = [objectIn(select, 'larg'), objectIn(select, 'rarg')].filter(
    (side) => Object.keys(side).length > 0,
  );
  if (sides.length === 2) return eitherOf(sides.map((side) => columnsOf(side, within, depth + 1)));
  const lists = listIn(select, 'valuesLists').map((list) => listIn(objectIn(list, 'List'), 'items'));
  if (lists.length > 0)
    return eitherOf(
      lists.map((items) =>
        targets(
          items.map((val) => ({ ResTarget: { val } })),
          within,
          below,
        ),
      ),
    );
  return targets(listIn(select, 'targetList'), within, below);
}

/** Columns of what a SELECT reads that are not the same each time: of subqueries in FROM, and of the CTEs that are named there. */
function namesBelow(
  select: Json,
  above: ReadonlyMap<string, string>,
  depth: number,
): ReadonlyMap<string, string> {
  const ctes = new Map<string, ReadonlyMap<string, string>>();
  for (const cte of listIn(objectIn(select, 'withClause'), 'ctes')) {
    const { ctename, ...more } = objectIn(cte, 'CommonTableExpr');
    const query = objectIn(more, 'ctequery');
    const names = ofQuery(query, new Map([...above, ...named(ctes)]), depth + 1, aliasesOf(more));
    if (typeof ctename === 'string') ctes.set(ctename, names);
  }
  const outer = new Map([...above, ...named(ctes)]);
  const found = new Map<string, string>();
  for (const { alias, names } of sourcesIn(listIn(select, 'fromClause'), outer, depth))
    for (const [name, because] of names) {
      if (name.includes('.')) continue;
      found.set(name, because);
      found.set(`${alias}.${name}`, because);
    }
  // What is further in may use a CTE that is defined out here.
  return new Map([...named(ctes), ...found]);
}

/** Columns of CTEs by `name.column`. */
function named(ctes: ReadonlyMap<string, ReadonlyMap<string, string>>): [string, string][] {
  return [...ctes].flatMap(([cte, names]) =>
    [...names].flatMap(([name, because]) =>
      name.includes('.') ? [] : [[`${cte}.${name}`, because] as [string, string]],
    ),
  );
}

function ofQuery(
  query: Json,
  above: ReadonlyMap<string, string>,
  depth: number,
  aliases: readonly string[] = [],
): ReadonlyMap<string, string> {
  const { byName, byIndex } = columnsOf(objectIn(query, 'SelectStmt'), above, depth);
  if (aliases.length === 0) return byName;
  return new Map(
    aliases.flatMap((name, at) => (byIndex[at] === undefined ? [] : [[name, byIndex[at]] as const])),
  );
}

interface Source {
  readonly alias: string;
  readonly names: ReadonlyMap<string, string>;
}

function sourcesIn(from: readonly Json[], above: ReadonlyMap<string, string>, depth: number): Source[] {
  return from.flatMap((item) => {
    const join = objectIn(item, 'JoinExpr');
    if (Object.keys(join).length > 0)
      return sourcesIn([objectIn(join, 'larg'), objectIn(join, 'rarg')], above, depth);
    const subselect = objectIn(item, 'RangeSubselect');
    const alias = textIn(objectIn(subselect, 'alias'), 'aliasname');
    const names = ofQuery(
      objectIn(subselect, 'subquery'),
      above,
      depth + 1,
      aliasesOf(objectIn(subselect, 'alias')),
    );
    if (names.size > 0) return [{ alias, names }];
    const table = objectIn(item, 'RangeVar');
    const relname = textIn(table, 'relname');
    const called = textIn(objectIn(table, 'alias'), 'aliasname') || relname;
    const known = prefixed(above, relname);
    return known.size === 0 ? [] : [{ alias: called, names: known }];
  });
}

/** Of a CTE, which is named in what is above. */
function prefixed(above: ReadonlyMap<string, string>, name: string): ReadonlyMap<string, string> {
  const prefix = `${name}.`;
  return new Map(
    [...above].flatMap(([key, because]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), because] as const] : [],
    ),
  );
}

/** `AS x (a, b)`. */
function aliasesOf(node: Json): string[] {
  return [...listIn(node, 'colnames'), ...listIn(node, 'aliascolnames')].map((name) =>
    textIn(objectIn(name, 'String'), 'sval'),
  );
}

function eitherOf(sides: readonly Columns[]): Columns {
  const longest = Math.max(0, ...sides.map(({ byIndex }) => byIndex.length));
  return {
    byIndex: Array.from({ length: longest }, (_, at) =>
      sides.map(({ byIndex }) => byIndex[at]).find(Boolean),
    ),
    byName: new Map(sides.toReversed().flatMap(({ byName }) => [...byName])),
    hasStar: sides.some(({ hasStar }) => hasStar),
  };
}

/** `below`: what a star stands for. */
function targets(
  list: readonly Json[],
  within: ReadonlyMap<string, string>,
  below: ReadonlyMap<string, string>,
): Columns {
  const byName = new Map<string, string>();
  const byIndex: (string | undefined)[] = [];
  let hasStar = false;
  for (const target of list.map((item) => objectIn(item, 'ResTarget'))) {
    const val = target['val'];
    if (isStar(val)) {
      hasStar = true;
      for (const [name, because] of below) byName.set(name, because);
      continue;
    }
    const because = volatileColumn(val, within);
    byIndex.push(because);
    const name = typeof target['name'] === 'string' ? target['name'] : nameOf(val);
    if (because !== undefined && name !== undefined) byName.set(name, because);
  }
  return { byIndex, byName, hasStar };
}

/** As the server names a column that has no name. */
function nameOf(val: unknown): string | undefined {
  if (!isJsonObject(val)) return undefined;
  const fields = listIn(objectIn(val, 'ColumnRef'), 'fields');
  const called = listIn(objectIn(val, 'FuncCall'), 'funcname');
  const last = (fields.length > 0 ? fields : called).at(-1);
  const text = last && objectIn(last, 'String')['sval'];
  if (typeof text === 'string') return text;
  const op = objectIn(val, 'SQLValueFunction')['op'];
  if (typeof op === 'string')
    return op
      .replace(/^SVFOP_/, '')
      .replace(/_N$/, '')
      .toLowerCase();
  const cast = objectIn(val, 'TypeCast')['arg'];
  return cast === undefined ? undefined : nameOf(cast);
}

function isStar(val: unknown): boolean {
  return isJsonObject(val) && listIn(objectIn(val, 'ColumnRef'), 'fields').some((field) => 'A_Star' in field);
}

function ofWrite(kind: string, node: Json): Meaning {
  const clause = objectIn(node, 'returningClause');
  const returned = [...listIn(node, 'returningList'), ...listIn(clause, 'exprs')];
  const written = writtenVolatile(node);
  const columns = targets(returned, written, written);
  return {
    ...NOT_UNDERSTOOD,
    isInsert: kind === 'InsertStmt',
    because: (index, name) => (columns.hasStar ? columns.byName.get(name) : columns.byIndex[index]),
  };
}

/** Columns that are written a value that is not the same each time. */
function writtenVolatile(node: Json): ReadonlyMap<string, string> {
  const select = objectIn(objectIn(node, 'selectStmt'), 'SelectStmt');
  const { byIndex } = columnsOf(select, new Map());
  const inserted = listIn(node, 'cols').map(
    (col, at) => [objectIn(col, 'ResTarget')['name'], byIndex[at]] as const,
  );
  const updated = listIn(node, 'targetList').map((item) => {
    const target = objectIn(item, 'ResTarget');
    return [target['name'], volatileColumn(target['val'], new Map())] as const;
  });
  const found = [...inserted, ...updated];
  return new Map(
    found.flatMap(([name, because]) =>
      typeof name === 'string' && because ? [[name, because] as const] : [],
    ),
  );
}

function ofExplain(node: Json): Meaning {
  const isRun = listIn(node, 'options').some(
    (option) => objectIn(option, 'DefElem')['defname'] === 'analyze',
  );
  if (!isRun) return { ...NOT_UNDERSTOOD, isOrdered: true };
  return { isOrdered: true, isInsert: false, because: () => 'explain', rowsBecause: 'explain' };
}

function ofCopy(node: Json): Meaning {
  const query = objectIn(objectIn(node, 'query'), 'SelectStmt');
  return Object.keys(query).length === 0 ? NOT_UNDERSTOOD : ofSelect(query);
}

const SERVER_SETTINGS = new Set([
  'server_version',
  'server_version_num',
  'port',
  'data_directory',
  'config_file',
  'hba_file',
  'system_identifier',
]);

function ofShow(node: Json): Meaning {
  const isServers = SERVER_SETTINGS.has(String(node['name']));
  return { ...NOT_UNDERSTOOD, isOrdered: true, because: () => (isServers ? 'server' : undefined) };
}

/** Statistics and locks, which are the server's own. */
function looksAtServer(select: Json): boolean {
  return listIn(select, 'fromClause').some((item) =>
    /^pg_(stat|locks|prepared|replication|backend)/.test(String(objectIn(item, 'RangeVar')['relname'])),
  );
}

export function objectIn(node: Json, name: string): Json {
  const value = node[name];
  return isJsonObject(value) ? value : {};
}

export function listIn(node: Json, name: string): readonly Json[] {
  const value = node[name];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
