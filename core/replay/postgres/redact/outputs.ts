import { isJsonObject } from '#core/json.ts';
import type { Json } from '#core/protocols/postgres/shapes/tree.ts';
import type { NamedColumn } from './column-names.ts';
import { isStar, type Mentions } from './mentions.ts';

/** Which columns of what a command gives are left out, besides those with the very name. */
export type Outputs =
  | { readonly kind: 'by-name' }
  | { readonly kind: 'all'; readonly column?: NamedColumn }
  /** Of what is wanted one by one: undefined for one that is shown. `stars`: where all columns of a relation are wanted. */
  | { readonly kind: 'listed'; readonly wanted: readonly Wanted[] };

export type Wanted = 'star' | NamedColumn | undefined;

const BY_NAME: Outputs = { kind: 'by-name' };

export function outputsOf({ stmt }: Json, mentions: Mentions, columns: readonly NamedColumn[]): Outputs {
  const column = mentions.in(stmt, columns);
  if (column === undefined) return BY_NAME;
  const wanted = mentions.renames ? undefined : wantedOf(stmt);
  if (wanted === undefined) return { kind: 'all', column };
  return {
    kind: 'listed',
    wanted: wanted.map((one) => {
      const target = isJsonObject(one) ? one['ResTarget'] : undefined;
      return isStar(target) ? 'star' : mentions.in(one, columns);
    }),
  };
}

/** The columns that a statement gives, as it lists them; undefined where that is not known. */
function wantedOf(stmt: unknown): readonly unknown[] | undefined {
  if (!isJsonObject(stmt)) return undefined;
  const { SelectStmt: select, PrepareStmt: prepare, DeclareCursorStmt: cursor } = stmt;
  if (isJsonObject(select)) return listIn(select, 'targetList');
  for (const outer of [prepare, cursor]) if (isJsonObject(outer)) return wantedOf(outer['query']);
  for (const kind of ['InsertStmt', 'UpdateStmt', 'DeleteStmt']) {
    const changing = stmt[kind];
    if (!isJsonObject(changing)) continue;
    const returning = changing['returningClause'] ?? changing['returningList'];
    return isJsonObject(returning) ? listIn(returning, 'exprs') : [];
  }
  return undefined;
}

function listIn(node: Json, name: string): readonly unknown[] | undefined {
  const list = node[name];
  return Array.isArray(list) ? list : undefined;
}

/** For each of `count` columns that came: whose it is, where it is left out. */
export function hiddenOutputs(
  outputs: Outputs,
  count: number,
  doubt: NamedColumn,
): readonly (NamedColumn | undefined)[] {
  const none = Array.from({ length: count }, () => undefined);
  if (outputs.kind === 'by-name') return none;
  if (outputs.kind === 'all') return none.map(() => outputs.column ?? doubt);
  const { wanted } = outputs;
  const star = wanted.indexOf('star');
  if (star < 0) return none.map((_one, at) => (at < wanted.length ? shownOr(wanted[at]) : doubt));
  const last = wanted.lastIndexOf('star');
  const after = wanted.slice(last + 1);
  // Between two stars nobody can count.
  const between = wanted.slice(star, last).find((one) => one !== 'star' && one !== undefined);
  return none.map((_one, at) => {
    if (at < star) return shownOr(wanted[at]);
    const fromEnd = at - (count - after.length);
    return fromEnd >= 0 ? shownOr(after[fromEnd]) : shownOr(between);
  });
}

function shownOr(one: Wanted): NamedColumn | undefined {
  return one === 'star' ? undefined : one;
}
