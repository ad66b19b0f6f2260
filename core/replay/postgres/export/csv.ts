/** Cells as PostgreSQL's own COPY writes CSV: NULL is what stands for it, unquoted, and a text that looks like it is quoted. */

const NEEDS_QUOTES = /[",\r\n]/;
/** What spreadsheets calculate, or read on from. */
const FORMULA = /^[=+\-@\t\r]/;

export interface CellOptions {
  readonly nullText: string;
  readonly spreadsheet: boolean;
}

export function csvLine(cells: readonly (string | null)[], options: CellOptions): string {
  return `${cells.map((cell) => csvCell(cell, cells.length === 1, options)).join(',')}\n`;
}

function csvCell(value: string | null, isOnly: boolean, { nullText, spreadsheet }: CellOptions): string {
  if (value === null) return nullText;
  const text = spreadsheet && FORMULA.test(value) ? `'${value}` : value;
  // A line of only `\.` would end the data where COPY reads it.
  const isEnd = isOnly && text === '\\.';
  if (!isEnd && text !== nullText && !NEEDS_QUOTES.test(text)) return text;
  return `"${text.replaceAll('"', '""')}"`;
}
