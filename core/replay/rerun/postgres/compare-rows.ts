/** Rows of two answers, and data of two COPYs. */
import { showValue } from '../../postgres/values.ts';
import { areOwnMoments, areShifted, isTime } from './explain.ts';
import type { Found, Rules } from './found.ts';
import { MARKS_MAX, type Row, type RowsSummary } from './rows.ts';
import type { Answered } from './side.ts';
import { NOW_AND_DATA } from './volatile.ts';

const VALUE_SHOWN = 200;
/** Explained by when they ran, or by what was cut off. */
const INTEGERS: ReadonlySet<number> = new Set([20, 21, 23]);

export function compareRows(recorded: Answered, rerun: Answered, rules: Rules, found: Found): void {
  if (recorded.rows !== undefined && rerun.rows !== undefined)
    compareAll(recorded, rerun, recorded.rows, rerun.rows, rules, found);
  const [was, is] = [recorded.copied, rerun.copied];
  if (was === undefined || is === undefined || areSame(was, is, isOrdered(recorded, rules))) return;
  const at = firstOther(was, is, isOrdered(recorded, rules));
  const because = recorded.meaning.rowsBecause;
  const more = { row: (at?.row ?? MARKS_MAX) + 1, ...(because !== undefined && { because }) };
  if (at === undefined) found.add('copy', beyondText(was), beyondText(is), more);
  else found.add('copy', at.was && lineText(at.was, was.count), at.is && lineText(at.is, is.count), more);
}

function lineText(row: Row, count: number): string {
  return `${Buffer.from(row[0] ?? []).toString('utf8')} (${count} lines)`;
}

function isOrdered({ meaning, step }: Answered, { words }: Rules): boolean {
  return (
    !words.has('order') &&
    (meaning.isOrdered || step.outcome === 'suspended' || (step.tag ?? '').startsWith('FETCH'))
  );
}

function compareAll(
  recorded: Answered,
  rerun: Answered,
  was: RowsSummary,
  is: RowsSummary,
  rules: Rules,
  found: Found,
): void {
  const because = recorded.meaning.rowsBecause;
  const ordered = isOrdered(recorded, rules);
  if (was.count !== is.count)
    found.add('count', rowsText(was.count), rowsText(is.count), because === undefined ? {} : { because });
  if (areSame(was, is, ordered) && !anyLeftOut(recorded)) return;
  const pairs = pairsOf(was, is, ordered);
  const explained = new Map<string, { readonly row: number; readonly cell: Cell }>();
  for (const { row, was: one, is: other } of pairs.pairs) {
    const cells = cellsOf(recorded, rerun, one, other, rules);
    for (const cell of cells)
      if (givesKeys(recorded, cell)) rules.flows.gave(recorded.number, cell.column, cell.was, cell.is);
    const first = cells.find((cell) => cell.because === undefined);
    if (first !== undefined) return addRow(found, row, first, { recorded, rerun, one, other }, because);
    for (const cell of cells) {
      const why = `${cell.because}\0${cell.column}`;
      if (!explained.has(why)) explained.set(why, { row, cell });
    }
  }
  for (const { row, cell } of explained.values())
    found.add('row', cell.was, cell.is, { row: row + 1, column: cell.column, because: cell.because! });
  if (pairs.isWhole || areSame(was, is, ordered)) return;
  addUnpaired(recorded, rerun, firstOther(was, is, ordered, pairs.pairs.length), because, found);
}

/** What was made for a row: later statements send it as it was recorded. */
function givesKeys({ meaning }: Answered, { because }: Cell): boolean {
  return meaning.isInsert || because === 'sequence' || because === 'random';
}

/** Of rows that were not looked at pair by pair: the first that is another, or that it is among those which have no mark. */
function addUnpaired(
  recorded: Answered,
  rerun: Answered,
  at: Other | undefined,
  because: string | undefined,
  found: Found,
): void {
  const [was, is] = [recorded.rows!, rerun.rows!];
  const more = because === undefined ? {} : { because };
  if (at !== undefined)
    found.add('row', at.was && rowText(recorded, at.was), at.is && rowText(rerun, at.is), {
      row: at.row + 1,
      ...more,
    });
  else if (was.count === is.count && was.beyond !== is.beyond)
    found.add('row', beyondText(was), beyondText(is), { row: MARKS_MAX + 1, ...more });
}

/** It is known that they differ there, and not where. */
function beyondText({ count }: RowsSummary): string {
  return `rows ${MARKS_MAX + 1} to ${count}, one or more of which differ`;
}

function anyLeftOut({ step, meaning }: Answered): boolean {
  return (step.columns ?? [{ name: '' }]).some(({ name }, at) => meaning.because(at, name) !== undefined);
}

function rowsText(count: number): string {
  return count === 1 ? '1 row' : `${count} rows`;
}

function areSame(was: RowsSummary, is: RowsSummary, ordered: boolean): boolean {
  return was.count === is.count && (was.ordered === is.ordered || (!ordered && was.sum === is.sum));
}

interface Pair {
  readonly row: number;
  readonly was: Row;
  readonly is: Row;
}

/** Rows that stand for each other. Whole: all rows are among them. */
function pairsOf(was: RowsSummary, is: RowsSummary, ordered: boolean): { pairs: Pair[]; isWhole: boolean } {
  const isKept = was.kept.length === was.count && is.kept.length === is.count && was.count === is.count;
  const length = Math.min(was.kept.length, is.kept.length);
  if (ordered || was.ordered === is.ordered || !isKept) {
    const inOrder = ordered || was.ordered === is.ordered;
    const pairs = inOrder
      ? Array.from({ length }, (_, row) => ({ row, was: was.kept[row]!, is: is.kept[row]! }))
      : [];
    return { pairs, isWhole: isKept };
  }
  // Equal ones first; of the rest the first with the first.
  const left = new Map<number, number[]>();
  for (const [at, mark] of is.marks.entries()) {
    const there = left.get(mark);
    if (there === undefined) left.set(mark, [at]);
    else there.push(at);
  }
  // Taken from the end.
  for (const rows of left.values()) rows.reverse();
  const matched: Pair[] = [];
  const alone: number[] = [];
  for (const [row, mark] of was.marks.entries()) {
    const other = left.get(mark)?.pop();
    if (other === undefined) alone.push(row);
    else matched.push({ row, was: was.kept[row]!, is: is.kept[other]! });
  }
  const others = [...left.values()].flat().toSorted((one, other) => one - other);
  const rest = alone.map((row, at) => ({ row, was: was.kept[row]!, is: is.kept[others[at]!]! }));
  return { pairs: [...matched, ...rest].toSorted((one, other) => one.row - other.row), isWhole: true };
}

interface Cell {
  readonly column: string;
  readonly was: string;
  readonly is: string;
  readonly because: string | undefined;
}

function cellsOf(recorded: Answered, rerun: Answered, was: Row, is: Row, rules: Rules): Cell[] {
  const cells: Cell[] = [];
  for (let at = 0; at < Math.max(was.length, is.length); at++) {
    const [one, other] = [was[at] ?? null, is[at] ?? null];
    if (one === null ? other === null : other !== null && Buffer.compare(one, other) === 0) continue;
    const { name: column = `column ${at + 1}` } = recorded.step.columns?.[at] ?? {};
    const because = becauseOf(recorded, at, column, one, other, rules);
    cells.push({ column, was: valueText(recorded, at, one), is: valueText(rerun, at, other), because });
  }
  return cells;
}

function becauseOf(
  { meaning, step, columnFormat }: Answered,
  at: number,
  name: string,
  was: Uint8Array | null,
  is: Uint8Array | null,
  { columns, words, moments }: Rules,
): string | undefined {
  const type = step.columns?.[at]?.type ?? 0;
  const byItself = meaning.because(at, name);
  if (byItself !== undefined && byItself !== NOW_AND_DATA) return byItself;
  if (columns.has(name.toLowerCase())) return 'ignored';
  if (words.has('now') && isTime(type)) return 'now';
  if (words.has('sequence') && meaning.isInsert && INTEGERS.has(type) && /(?:^|_)id$/i.test(name))
    return 'sequence';
  if (was === null || is === null) return undefined;
  if (byItself === NOW_AND_DATA && areShifted(type, was, is, columnFormat?.(at) ?? 0, moments)) return 'now';
  return areOwnMoments(type, was, is, columnFormat?.(at) ?? 0, moments) ? 'now' : undefined;
}

interface Both {
  readonly recorded: Answered;
  readonly rerun: Answered;
  readonly one: Row;
  readonly other: Row;
}

function addRow(
  found: Found,
  row: number,
  { column }: Cell,
  { recorded, rerun, one, other }: Both,
  because: string | undefined,
): void {
  found.add('row', rowText(recorded, one), rowText(rerun, other), {
    row: row + 1,
    column,
    ...(because !== undefined && { because }),
    ...(recorded.meaning.isInsert && INTEGERS.has(typeOf(recorded, column)) && { perhaps: KEY_GIVEN }),
  });
}

const KEY_GIVEN =
  'where a sequence gave it, the sandbox is not as the data was before the session: --at session, or --ignore sequence';

function typeOf({ step }: Answered, column: string): number {
  return step.columns?.find(({ name }) => name === column)?.type ?? 0;
}

interface Other {
  readonly row: number;
  readonly was: Row | undefined;
  readonly is: Row | undefined;
}

/** The first row, from this one on, that the other side does not have there, or at all. */
function firstOther(was: RowsSummary, is: RowsSummary, ordered: boolean, from = 0): Other | undefined {
  const at = (row: number): Other => ({ row, was: was.kept[row], is: is.kept[row] });
  const longest = Math.max(was.marks.length, is.marks.length);
  if (ordered) {
    for (let row = from; row < longest; row++) if (was.marks[row] !== is.marks[row]) return at(row);
    return undefined;
  }
  const missing = firstMissing(was, is);
  const more = firstMissing(is, was);
  if (missing === undefined && more === undefined) return undefined;
  return {
    row: missing ?? more!,
    was: missing === undefined ? undefined : was.kept[missing],
    is: more === undefined ? undefined : is.kept[more],
  };
}

/** Of `these`, the first that is not among `those`, as often as it is here. */
function firstMissing(these: RowsSummary, those: RowsSummary): number | undefined {
  const there = new Map<number, number>();
  for (const mark of those.marks) there.set(mark, (there.get(mark) ?? 0) + 1);
  for (const [row, mark] of these.marks.entries()) {
    const left = there.get(mark) ?? 0;
    if (left === 0) return row;
    there.set(mark, left - 1);
  }
  return undefined;
}

function rowText(answered: Answered, row: Row): string {
  return row
    .map((value, at) => `${answered.step.columns?.[at]?.name ?? at + 1}=${valueText(answered, at, value)}`)
    .join(', ');
}

function valueText({ step, texts, columnFormat }: Answered, at: number, bytes: Uint8Array | null): string {
  if (bytes === null) return 'NULL';
  const type = step.columns?.[at]?.type ?? 0;
  const value = { bytes, length: bytes.length };
  const { text } = showValue(value, type, columnFormat?.(at) ?? 0, VALUE_SHOWN, (of, most) =>
    texts === undefined
      ? {
          text: Buffer.from(of.bytes.subarray(0, most)).toString('utf8'),
          bytes: of.length,
          cut: of.length > most,
        }
      : texts.shownNow(of, most),
  );
  return text;
}
