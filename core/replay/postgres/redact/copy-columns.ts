import { isJsonObject } from '#core/json.ts';
import type { Json } from '#core/protocols/postgres/shapes/tree.ts';
import { type NamedColumn, named } from './column-names.ts';
import { type Mentions, nameIn } from './mentions.ts';

/** The column that a COPY's data has, or may have: it names the column, or no columns at all, or is of a query that does. */
export function copiedColumn(
  { stmt }: Json,
  mentions: Mentions,
  columns: readonly NamedColumn[],
): NamedColumn | undefined {
  const copy = isJsonObject(stmt) ? stmt['CopyStmt'] : undefined;
  if (!isJsonObject(copy)) return undefined;
  const { query, attlist } = copy;
  if (query !== undefined) return mentions.in(query, columns, true);
  if (!Array.isArray(attlist)) return columns[0];
  return attlist.map((one) => named(columns, nameIn(one))).find((one) => one !== undefined);
}
