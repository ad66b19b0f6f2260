import { isJsonObject } from '#core/json.ts';
import { type Json, numberIn, textIn } from '#core/protocols/postgres/shapes/tree.ts';
import { type NamedColumn, named } from './column-names.ts';
import { isStar, type Mentions } from './mentions.ts';

/** Expressions: what stands in one together with a column belongs to that column. */
const EXPRESSIONS = new Set([
  'A_Expr',
  'A_ArrayExpr',
  'A_Indirection',
  'CaseExpr',
  'CoalesceExpr',
  'FuncCall',
  'MinMaxExpr',
  'NullTest',
  'BooleanTest',
  'ResTarget',
  'RowExpr',
  'SortBy',
  'SubLink',
  'TypeCast',
  'XmlExpr',
  'XmlSerialize',
]);

/** Statements of which it is known what stands where; of any other, all constants belong to what it mentions. */
const KNOWN = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'PrepareStmt',
  'DeclareCursorStmt',
  'CreateTableAsStmt',
  'CopyStmt',
]);

type Belongs = NamedColumn | 'open' | undefined;

/** Constants and parameters of a text that go into a column which is left out, or are compared with it. */
export class HiddenConstants {
  /** Where constants stand: bytes in the text. */
  readonly locations = new Set<number>();
  readonly parameters = new Set<number>();
  /** Whose they are. */
  column: NamedColumn | undefined;
  readonly #mentions: Mentions;
  readonly #columns: readonly NamedColumn[];

  constructor(mentions: Mentions, columns: readonly NamedColumn[]) {
    this.#mentions = mentions;
    this.#columns = columns;
  }

  /** True where not only places that are known belong to it: all literals of the text do then. */
  take({ stmt }: Json): boolean {
    const kind = isJsonObject(stmt) ? Object.keys(stmt)[0] : undefined;
    const column = this.#mentions.in(stmt, this.#columns);
    const isDoubtful = kind === undefined || !KNOWN.has(kind) || this.#mentions.renames;
    if (column === undefined || !isDoubtful) {
      this.#walk(stmt, 'open');
      return false;
    }
    this.#walk(stmt, column);
    return true;
  }

  #walk(node: unknown, belongs: Belongs): void {
    if (belongs === undefined) return;
    if (Array.isArray(node)) for (const one of node) this.#walk(one, belongs);
    else if (isJsonObject(node))
      for (const [key, value] of Object.entries(node)) this.#enter(key, value, belongs);
  }

  #enter(key: string, value: unknown, belongs: Belongs): void {
    if (key === 'A_Const' || key === 'ParamRef') this.#hide(key, value, belongs);
    else if (key === 'InsertStmt' && isJsonObject(value)) this.#insert(value, belongs);
    else if (belongs === 'open' && EXPRESSIONS.has(key))
      this.#walk(value, this.#mentions.in({ [key]: value }, this.#columns));
    else this.#walk(value, belongs);
  }

  #hide(key: 'A_Const' | 'ParamRef', node: unknown, belongs: Belongs): void {
    if (belongs === 'open' || belongs === undefined || !isJsonObject(node) || node['isnull'] === true) return;
    this.column ??= belongs;
    if (key === 'ParamRef') this.parameters.add(numberIn(node, 'number'));
    else this.locations.add(numberIn(node, 'location'));
  }

  /** A value belongs to the column at its place in the list; without a list, it may be any. */
  #insert({ cols, selectStmt, ...rest }: Json, belongs: Belongs): void {
    this.#walk(rest, belongs);
    const source = isJsonObject(selectStmt) ? selectStmt['SelectStmt'] : undefined;
    if (belongs !== 'open' || !isJsonObject(source)) return this.#walk(selectStmt, belongs);
    const into = Array.isArray(cols) ? cols.map((one) => this.#columnOf(one)) : undefined;
    if (into === undefined) return this.#walk(selectStmt, this.#columns[0] ?? 'open');
    const { valuesLists, targetList, ...others } = source;
    this.#walk(others, 'open');
    for (const row of Array.isArray(valuesLists) ? valuesLists : []) this.#row(itemsOf(row), into);
    const wanted = Array.isArray(targetList) ? targetList : [];
    if (wanted.some((one) => isJsonObject(one) && isStar(one['ResTarget'])))
      this.#walk(wanted, into.find((one) => one !== undefined) ?? 'open');
    else this.#row(wanted, into);
  }

  #row(values: readonly unknown[], into: readonly (NamedColumn | undefined)[]): void {
    for (const [at, value] of values.entries()) this.#walk([value], into[at] ?? 'open');
  }

  #columnOf(target: unknown): NamedColumn | undefined {
    const of = isJsonObject(target) ? target['ResTarget'] : undefined;
    return isJsonObject(of) ? named(this.#columns, textIn(of, 'name')) : undefined;
  }
}

function itemsOf(row: unknown): readonly unknown[] {
  const list = isJsonObject(row) ? row['List'] : undefined;
  return isJsonObject(list) && Array.isArray(list['items']) ? list['items'] : [];
}
