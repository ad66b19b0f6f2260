import { isJsonObject } from '#core/json.ts';
import type { Json } from '#core/protocols/postgres/shapes/tree.ts';
import { type NamedColumn, saidIn } from './column-names.ts';

/** By these a value gets another name, or another place: what it is called further out nobody can tell. */
const RENAMES = [
  'RangeSubselect',
  'CommonTableExpr',
  'RangeFunction',
  'RangeTableFunc',
  'JsonTable',
  'MultiAssignRef',
  'MergeStmt',
];

/** Names of relations are no names of columns. */
const OF_RELATIONS = new Set(['relname', 'schemaname', 'catalogname']);

/** Where a text's parse tree says the name of a column that is left out, or means all columns of a relation at once. */
export class Mentions {
  /** Relations of all its statements, folded; undefined where it calls functions, which may read any. */
  readonly relations: ReadonlySet<string> | undefined;
  /** Values may go by another name in it: whatever it says of the column makes all of it doubtful. */
  readonly renames: boolean;
  readonly #starRenames: boolean;
  /** Names that stand for a whole row. */
  readonly #rows = new Set<string>();

  constructor(statements: readonly Json[]) {
    const relations = new Set<string>();
    const marks = { renames: false, lists: false, functions: false };
    each(statements, (node) => {
      const { relname, aliasname, op } = node;
      if (typeof relname === 'string') relations.add(relname.toLowerCase());
      for (const name of [relname, aliasname])
        if (typeof name === 'string') this.#rows.add(name.toLowerCase());
      marks.lists ||= 'colnames' in node || 'aliascolnames' in node;
      marks.lists ||= typeof op === 'string' && op.startsWith('SETOP_') && op !== 'SETOP_NONE';
      marks.renames ||= RENAMES.some((name) => name in node);
      marks.functions ||= 'FuncCall' in node || 'CallStmt' in node || 'DoStmt' in node;
    });
    this.renames = marks.renames || marks.lists;
    this.#starRenames = marks.lists;
    this.relations = marks.functions ? undefined : relations;
  }

  /** The column that a part of the tree has to do with. */
  in(
    node: unknown,
    columns: readonly NamedColumn[],
    starsCount = this.#starRenames,
  ): NamedColumn | undefined {
    if (columns.length === 0) return undefined;
    if (typeof node === 'string') return saidIn(columns, node);
    if (Array.isArray(node)) return first(node, (one) => this.in(one, columns, starsCount));
    if (!isJsonObject(node)) return undefined;
    return first(Object.entries(node), ([key, value]) => {
      if (OF_RELATIONS.has(key)) return undefined;
      if (key === 'ColumnRef') return this.#inReference(value, columns);
      if (key === 'ResTarget') return this.#inTarget(value, columns, starsCount);
      return this.in(value, columns, starsCount || isCompared(key, value));
    });
  }

  /** `*` where columns are wanted is no mention: each comes by its own name. */
  #inTarget(node: unknown, columns: readonly NamedColumn[], starsCount: boolean): NamedColumn | undefined {
    if (!starsCount && isStar(node)) return undefined;
    return first(Object.values(isJsonObject(node) ? node : {}), (one) => this.in(one, columns, starsCount));
  }

  #inReference(node: unknown, columns: readonly NamedColumn[]): NamedColumn | undefined {
    const names = fieldsOf(node);
    if (names.includes('*')) return columns[0];
    // The name of a relation by itself is a whole row of it.
    if (names.length === 1 && this.#rows.has(names[0]!.toLowerCase())) return columns[0];
    return first(names, (name) => saidIn(columns, name));
  }
}

/** `x IN (SELECT * …)`: what is wanted there is compared with what stands outside. */
function isCompared(key: string, node: unknown): boolean {
  return key === 'SubLink' && isJsonObject(node) && node['subLinkType'] !== 'EXISTS_SUBLINK';
}

/** Of a ResTarget's content: it wants all columns. */
export function isStar(target: unknown): boolean {
  if (!isJsonObject(target) || !isJsonObject(target['val'])) return false;
  return fieldsOf(target['val']['ColumnRef']).includes('*');
}

/** Names of a reference to a column; `*` for all. */
function fieldsOf(reference: unknown): readonly string[] {
  const fields = isJsonObject(reference) ? reference['fields'] : undefined;
  return (Array.isArray(fields) ? fields : []).map(nameIn);
}

/** Of a `String` node; `*` of one that is none. */
export function nameIn(node: unknown): string {
  const text = isJsonObject(node) ? node['String'] : undefined;
  if (!isJsonObject(text)) return '*';
  return typeof text['sval'] === 'string' ? text['sval'] : '';
}

export function first<T, R>(all: readonly T[], find: (one: T) => R | undefined): R | undefined {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Every object of a tree, from the outside in. Its depth is bounded by the parser. */
export function each(node: unknown, visit: (node: Json) => void): void {
  if (Array.isArray(node)) for (const one of node) each(one, visit);
  else if (isJsonObject(node)) {
    visit(node);
    for (const one of Object.values(node)) each(one, visit);
  }
}
