/** What a statement reads, writes and calls, by its parse tree. */
import { isJsonObject } from '#core/json.ts';
import { isHarmlessCall } from './harmless-calls.ts';
import { type Json, textIn } from './tree.ts';

/** Plain data: it is remembered with a statement's skeleton, and depends on no literal. */
export interface Touches {
  /** With their schema, where the statement has it. Folded by the parser. */
  readonly read: readonly string[];
  readonly written: readonly string[];
  /** Functions and procedures that the server does not bring itself. */
  readonly calls: readonly string[];
  /** Files of the server that COPY names. */
  readonly files: readonly { readonly path: string; readonly how: 'read' | 'written' }[];
  /** It changes something, or calls what may. Triggers, views, operators and casts are not known from a text, and not looked for. */
  readonly writes: boolean;
  /** It may leave something behind even where it fails. */
  readonly lasts: boolean;
  /** The rows that a tag of SELECT or COPY counts are written. */
  readonly makes: boolean;
}

/** `statement`: the node of a `RawStmt`, such as `{ SelectStmt: … }`. */
export function touchesOf(statement: Json): Touches {
  const walk = new Walk();
  walk.statement(statement, 'runs', NONE);
  const sorted = (names: ReadonlySet<string>): string[] => [...names].toSorted();
  const { read, written, calls } = walk;
  return {
    ...{ read: sorted(read), written: sorted(written), calls: sorted(calls), files: walk.files },
    ...{ writes: walk.writes, lasts: walk.lasts, makes: walk.makes },
  };
}

/** `kept`: the statement keeps the query, or shows how it would run; nothing of it is written. */
type Mode = 'runs' | 'kept';
type Scope = ReadonlySet<string>;

const NONE: Scope = new Set();
const QUERIES = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);
/** They change nothing at the target that stays when the session is over. */
const HARMLESS = new Set(
  `SelectStmt DeclareCursorStmt FetchStmt ClosePortalStmt VariableShowStmt VariableSetStmt TransactionStmt DeallocateStmt
  PrepareStmt ExecuteStmt ListenStmt UnlistenStmt NotifyStmt LockStmt DiscardStmt CheckPointStmt ConstraintsSetStmt
  ExplainStmt CopyStmt RawStmt PLAssignStmt ReturnStmt`.split(/\s+/),
);
/** What they did before they failed may stay: they commit on their way, or run what nobody sees. */
const LASTS = new Set([
  'CallStmt',
  'DoStmt',
  'VacuumStmt',
  'LoadStmt',
  'ReindexStmt',
  'ClusterStmt',
  'CreatedbStmt',
]);
/** Members of a statement's node that are what it changes. */
const TARGETS = ['relation', 'relations', 'view', 'sequence', 'rels', 'sequences'];
/** Here `relation` is only looked at. */
const ONLY_LOOK = new Set(['LockStmt', 'SelectStmt', 'CopyStmt', 'CreateStatsStmt']);
const RELATIONS = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_INDEX',
  'OBJECT_SEQUENCE',
  'OBJECT_FOREIGN_TABLE',
]);
/** Their names have that of a relation before them. */
const OF_RELATIONS = new Set([
  'OBJECT_TRIGGER',
  'OBJECT_POLICY',
  'OBJECT_RULE',
  'OBJECT_COLUMN',
  'OBJECT_TABCONSTRAINT',
]);

class Walk {
  readonly read = new Set<string>();
  readonly written = new Set<string>();
  readonly calls = new Set<string>();
  readonly files: { path: string; how: 'read' | 'written' }[] = [];
  writes = false;
  lasts = false;
  makes = false;

  statement(statement: Json, mode: Mode, scope: Scope): void {
    for (const [kind, node] of Object.entries(statement))
      if (isJsonObject(node)) this.#command(kind, node, mode, scope);
  }

  #command(kind: string, node: Json, mode: Mode, scope: Scope): void {
    if (mode === 'runs' && LASTS.has(kind)) this.lasts = true;
    if (mode === 'runs' && !HARMLESS.has(kind)) this.writes = true;
    switch (kind) {
      case 'ExplainStmt':
        return this.#inner(node, mode === 'runs' && analyzes(node) ? 'runs' : 'kept', scope);
      case 'PrepareStmt':
        return;
      case 'CopyStmt':
        return this.#copy(node, mode, scope);
      case 'ViewStmt':
      case 'RuleStmt':
      case 'CreateFunctionStmt':
        this.#targets(node, mode);
        return this.#rest(kind, node, 'kept', scope);
      case 'CreateForeignTableStmt':
        return this.statement({ CreateStmt: node['base'] ?? node['baseStmt'] }, mode, scope);
      case 'CreateTableAsStmt':
        this.makes = mode === 'runs';
        return this.#rest(kind, node, node['into'] === undefined ? 'kept' : mode, scope);
      case 'TransactionStmt':
        if (textIn(node, 'kind').endsWith('_PREPARED')) this.writes = true;
        return;
      default:
        return this.#plain(kind, node, mode, scope);
    }
  }

  #plain(kind: string, node: Json, mode: Mode, scope: Scope): void {
    this.#objects(node);
    if (!ONLY_LOOK.has(kind)) this.#targets(node, mode);
    if (kind === 'RenameStmt') this.#renamed(node);
    if (kind === 'IndexStmt' && textIn(node, 'idxname') !== '') this.written.add(textIn(node, 'idxname'));
    this.#rest(kind, node, mode, scope);
  }

  #inner({ query }: Json, mode: Mode, scope: Scope): void {
    if (isJsonObject(query)) this.statement(query, mode, scope);
  }

  #copy(node: Json, mode: Mode, scope: Scope): void {
    const isFrom = node['is_from'] === true;
    if (isFrom || node['filename'] !== undefined) this.writes ||= mode === 'runs';
    this.makes ||= isFrom;
    if (node['is_program'] === true) this.lasts = true;
    else if (node['filename'] !== undefined)
      this.files.push({ path: textIn(node, 'filename'), how: isFrom ? 'read' : 'written' });
    if (isRelation(node['relation'])) (isFrom ? this.written : this.read).add(nameOf(node['relation']));
    this.#inner(node, mode, scope);
    if (node['whereClause'] !== undefined) this.#any(node['whereClause'], mode, scope);
  }

  /** The relations that a statement is about. */
  #targets(node: Json, mode: Mode): void {
    const into = mode === 'runs' ? this.written : this.read;
    for (const member of TARGETS) for (const one of relationsIn(node[member])) into.add(nameOf(one));
  }

  /** Of DROP, COMMENT, GRANT and the like: names in lists. */
  #objects(node: Json): void {
    const kind = textIn(node, 'removeType') || textIn(node, 'objtype') || textIn(node, 'objectType');
    const isOf = OF_RELATIONS.has(kind);
    if (!isOf && !RELATIONS.has(kind)) return;
    for (const object of [node['objects'], node['object']].flat()) {
      if (!isJsonObject(object)) continue;
      const words = wordsOf(object);
      const name = isOf ? words.slice(0, -1) : words;
      if (name.length > 0) this.written.add(name.slice(-2).join('.'));
      if (isJsonObject(object['RangeVar'])) this.written.add(nameOf(object['RangeVar']));
    }
  }

  #renamed(node: Json): void {
    const { relation } = node;
    if (!RELATIONS.has(textIn(node, 'renameType')) || !isRelation(relation)) return;
    this.written.add(nameOf({ ...relation, relname: node['newname'] }));
  }

  /** The members that are not what it changes: whatever they name is read. */
  #rest(kind: string, node: Json, mode: Mode, scope: Scope): void {
    const inner = this.#with(node, mode, scope);
    const isTarget = (name: string): boolean => !ONLY_LOOK.has(kind) && TARGETS.includes(name);
    for (const [name, member] of Object.entries(node))
      if (!isTarget(name) && name !== 'withClause' && name !== 'objects' && name !== 'object')
        this.#member(name, member, mode, inner);
  }

  #member(name: string, member: unknown, mode: Mode, scope: Scope): void {
    // FOR UPDATE OF names what stands in FROM already, by its alias perhaps.
    if (name === 'lockingClause') return;
    if ((name === 'intoClause' || name === 'into') && isJsonObject(member) && isRelation(member['rel'])) {
      if (mode === 'runs') [this.writes, this.makes] = [true, true];
      (mode === 'runs' ? this.written : this.read).add(nameOf(member['rel']));
      return;
    }
    // ATTACH PARTITION changes both.
    if (name === 'PartitionCmd' && isJsonObject(member) && isRelation(member['name']))
      this.written.add(nameOf(member['name']));
    else if (QUERIES.has(name) && isJsonObject(member)) this.#command(name, member, mode, scope);
    else this.#any(member, mode, scope);
  }

  #any(value: unknown, mode: Mode, scope: Scope): void {
    if (Array.isArray(value)) for (const one of value) this.#any(one, mode, scope);
    if (!isJsonObject(value)) return;
    if (isRelation(value)) return this.#readFrom(value, scope);
    if (Array.isArray(value['funcname'])) this.#called(value['funcname'], mode);
    const inner = this.#with(value, mode, scope);
    for (const [name, member] of Object.entries(value))
      if (name !== 'withClause') this.#member(name, member, mode, inner);
  }

  #readFrom(relation: Json, scope: Scope): void {
    const isCommon = relation['schemaname'] === undefined && scope.has(textIn(relation, 'relname'));
    if (!isCommon) this.read.add(nameOf(relation));
  }

  /** WITH: each query knows those before it, of WITH RECURSIVE all of them; what has the clause knows all. */
  #with(node: Json, mode: Mode, scope: Scope): Scope {
    const { withClause } = node;
    if (!isJsonObject(withClause) || !Array.isArray(withClause['ctes'])) return scope;
    const tables = withClause['ctes'].map((one: unknown) =>
      isJsonObject(one) && isJsonObject(one['CommonTableExpr']) ? one['CommonTableExpr'] : {},
    );
    const all = new Set([...scope, ...tables.map((table) => textIn(table, 'ctename'))]);
    const known = new Set(scope);
    for (const table of tables) {
      if (isJsonObject(table['ctequery']))
        this.statement(table['ctequery'], mode, withClause['recursive'] === true ? all : new Set(known));
      known.add(textIn(table, 'ctename'));
    }
    return all;
  }

  #called(parts: readonly unknown[], mode: Mode): void {
    const words = parts.flatMap((part) =>
      isJsonObject(part) && isJsonObject(part['String']) ? [textIn(part['String'], 'sval')] : [],
    );
    const name = words.slice(-2).join('.');
    const own = words.length === 1 || words[0] === 'pg_catalog' ? words.at(-1)! : undefined;
    const call = own === undefined ? 'unknown' : isHarmlessCall(own);
    if (call === 'unknown') this.calls.add(name);
    if (call === true || mode !== 'runs') return;
    this.writes = true;
    // A function may reach beyond the transaction, and a sequence is never set back.
    this.lasts = true;
  }
}

function analyzes({ options }: Json): boolean {
  return [options].flat().some((one) => {
    const option = isJsonObject(one) && isJsonObject(one['DefElem']) ? one['DefElem'] : {};
    if (textIn(option, 'defname') !== 'analyze') return false;
    const argument = JSON.stringify(option['arg'] ?? null);
    return !/"(?:sval|fval)":"(?:off|false|0)"|"ival":\{\}|"boolval":\{\}/i.test(argument);
  });
}

function isRelation(value: unknown): value is Json {
  return isJsonObject(value) && typeof value['relname'] === 'string';
}

/** In a member that is one or a list of them, wrapped or not. */
function relationsIn(member: unknown): readonly Json[] {
  return [member].flat().flatMap((one) => {
    if (!isJsonObject(one)) return [];
    if (isRelation(one)) return [one];
    if (isRelation(one['RangeVar'])) return [one['RangeVar']];
    const vacuumed = one['VacuumRelation'];
    return isJsonObject(vacuumed) && isRelation(vacuumed['relation']) ? [vacuumed['relation']] : [];
  });
}

function nameOf(relation: Json): string {
  const schema = textIn(relation, 'schemaname');
  return schema === '' ? textIn(relation, 'relname') : `${schema}.${textIn(relation, 'relname')}`;
}

function wordsOf({ List: list }: Json): readonly string[] {
  if (!isJsonObject(list) || !Array.isArray(list['items'])) return [];
  return list['items'].flatMap((item: unknown) =>
    isJsonObject(item) && isJsonObject(item['String']) ? [textIn(item['String'], 'sval')] : [],
  );
}
