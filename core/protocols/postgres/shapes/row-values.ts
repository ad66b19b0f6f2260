import type { Described } from '#core/replay/postgres/memory.ts';
import type { Texts } from '#core/replay/postgres/texts.ts';
import { showValue } from '#core/replay/postgres/values.ts';
import type { LiteralKind } from '#core/tasks/seen.ts';
import type { TakeRow } from '#core/tasks/shapes.ts';
import type { TakeWireRow } from './execution-tap.ts';

/** OIDs of types, as every server has them; of all others a value is its text. */
const KINDS: ReadonlyMap<number, LiteralKind> = new Map([
  [16, 'boolean'],
  [20, 'integer'],
  [21, 'integer'],
  [23, 'integer'],
  [700, 'number'],
  [701, 'number'],
  [1700, 'number'],
]);

/** Gives the values of rows as contracts compare them. `limit`: bytes of one value that are looked at. */
export function rowReader(
  take: TakeRow,
  columns: readonly Described[],
  texts: Texts,
  limit: number,
): TakeWireRow {
  const types = columns.map(({ type }) => type);
  const kinds = types.map((type) => KINDS.get(type) ?? 'text');
  return (values, formatOf) => {
    let isWhole = true;
    const row = values.map((value, at) => {
      if (value === null) return null;
      const shown = showValue(value, types[at] ?? 0, formatOf(at), limit, (text, most) =>
        texts.shownNow(text, most),
      );
      if (shown.cut) isWhole = false;
      return { kind: kinds[at] ?? 'text', text: shown.text };
    });
    take(row, isWhole);
  };
}
