import type { Shown } from '../step.ts';
import { displayWidth, escapeTerminal, fitWidth, UNDECODED } from '../text.ts';
import type { ShownColumn } from './step.ts';

export interface TableOptions {
  /** Columns of the terminal: no line is wider. */
  readonly width: number;
  /** How NULL is shown; psql's default is nothing. */
  readonly nullText?: string;
}

/** Rows as a step has them. */
export interface TableRows {
  readonly columns?: readonly ShownColumn[];
  readonly rows?: readonly (readonly (Shown | null)[])[];
  readonly rowCount?: number;
}

const NARROWEST = 4;
const SEPARATOR = ' | ';
/** Types whose values psql puts to the right: numbers, oid, xid, money. */
const RIGHT = new Set([20, 21, 23, 26, 28, 29, 700, 701, 790, 1700]);

interface Column {
  readonly title: string;
  readonly cells: readonly string[];
  readonly right: boolean;
  readonly width: number;
}

/**
 * Rows as psql's aligned output shows them, in lines that fit the terminal and are safe for it: too wide values are
 * cut with `…`, columns that have no room are counted in the last line.
 */
export function formatTable(rows: TableRows, options: TableOptions): string {
  const wanted = columnsOf(rows, options.nullText ?? '');
  const shown = fitColumns(wanted, options.width);
  const header = shown.map(({ title, width }) => centred(fitWidth(title, width), width)).join(SEPARATOR);
  const rule = shown.map(({ width }) => '-'.repeat(width)).join('-+-');
  const body = (rows.rows ?? []).map((_, at) => shown.map((column) => cellText(column, at)).join(SEPARATOR));
  const table = shown.length === 0 ? [] : [` ${header}`, `-${rule}-`, ...body.map((line) => ` ${line}`)];
  const footer = fitWidth(footerOf(rows, wanted.length - shown.length), options.width);
  return [...table.map((line) => fitWidth(line.trimEnd(), options.width)), footer].join('\n');
}

function columnsOf({ columns, rows = [] }: TableRows, nullText: string): Column[] {
  const count = rows.reduce((most, row) => Math.max(most, row.length), columns?.length ?? 0);
  return Array.from({ length: count }, (_, at) => {
    const { name = `?${at + 1}?`, undecoded } = columns?.[at] ?? {};
    const title = escapeTerminal(name) + (undecoded ? UNDECODED : '');
    const cells = rows.map((row) => shownCell(row[at], nullText));
    const width = cells.reduce((most, cell) => Math.max(most, displayWidth(cell)), displayWidth(title));
    return { title, cells, right: RIGHT.has(columns?.[at]?.type ?? 0), width: Math.max(width, 1) };
  });
}

function shownCell(value: Shown | null | undefined, nullText: string): string {
  if (value === undefined) return '…';
  if (value === null) return nullText;
  const cut = value.cut ? `… (${value.bytes} bytes)` : '';
  return escapeTerminal(value.text) + cut + (value.undecoded ? UNDECODED : '');
}

/** As many of the columns as there is room for, the widest made narrower first. */
function fitColumns(columns: readonly Column[], width: number): Column[] {
  const most = Math.max(1, Math.floor((width + 1) / (NARROWEST + SEPARATOR.length)));
  const shown = columns.slice(0, most);
  const room = Math.max(shown.length, width - 2 - SEPARATOR.length * (shown.length - 1));
  const limit = widestThatFits(
    shown.map((column) => column.width),
    room,
  );
  return shown.map((column) => ({ ...column, width: Math.min(column.width, limit) }));
}

/** The greatest width such that all columns, cut to it, fit into `room`. */
function widestThatFits(widths: readonly number[], room: number): number {
  let left = room;
  const ascending = widths.toSorted((a, b) => a - b);
  for (const [at, width] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - at));
    if (width > share) return Math.max(1, share);
    left -= width;
  }
  return room;
}

function cellText({ cells, right, width }: Column, at: number): string {
  const text = fitWidth(cells[at]!, width);
  const padding = ' '.repeat(width - displayWidth(text));
  return right ? padding + text : text + padding;
}

function centred(text: string, width: number): string {
  const free = width - displayWidth(text);
  const before = Math.floor(free / 2);
  return ' '.repeat(before) + text + ' '.repeat(free - before);
}

function footerOf({ rows = [], rowCount = rows.length }: TableRows, hidden: number): string {
  const facts = [`${rowCount} ${rowCount === 1 ? 'row' : 'rows'}`];
  if (rows.length < rowCount) facts.push(`the first ${rows.length} are shown`);
  if (hidden > 0) facts.push(`${hidden} more ${hidden === 1 ? 'column' : 'columns'}`);
  return `(${facts.join(', ')})`;
}
