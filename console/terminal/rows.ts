/** A screen as rows of runs of one look. A row that stays as it was is the same object: who shows it need do nothing. */
import type { IBufferCell, IBufferLine, Terminal } from '@xterm/headless';
import { cellText } from './cell-text.ts';
import { cellsOf, isSame } from './cells.ts';
import { cursorOf, linesOf } from './keyframe.ts';

/** A run of characters of one look. */
export interface Run {
  readonly text: string;
  /** Columns it takes. */
  readonly width: number;
  readonly front: Color;
  readonly back: Color;
  readonly looks: number;
}

/** Below 256 of the palette, from `RGB` on its own; `DEFAULT`: what the screen has. */
export type Color = number;
export const DEFAULT: Color = -1;
export const RGB = 0x1000000;

export const BOLD = 1;
export const DIM = 2;
export const ITALIC = 4;
export const UNDERLINE = 8;
export const STRIKE = 16;
export const INVERSE = 32;
/** The program asked that it be not seen. */
export const CONCEALED = 64;
export const CURSOR = 128;
/** In a box of its width, as fonts have these characters of any width. */
export const BOXED = 256;
/** Characters that cannot be seen stand in it. */
export const UNSEEN = 512;

export interface Row {
  readonly key: string;
  readonly runs: readonly Run[];
}

/** Fonts for terminals have these as wide as any other of theirs. */
const PLAIN = /^[\u0020-\u024f\u2500-\u259f]*$/;

interface Read {
  readonly row: Row;
  readonly cells: Uint32Array;
  /** The column of the cursor, where it is in this row. */
  readonly cursor: number | undefined;
}

export class RowReader {
  #last: readonly Read[] = [];

  read(terminal: Terminal): readonly Row[] {
    const lines = linesOf(terminal);
    const cursor = cursorOf(terminal);
    const nullCell = terminal.buffer.active.getNullCell();
    this.#last = lines.map((line, at) => {
      const column = cursor?.row === at ? cursor.column : undefined;
      const before = this.#last[at];
      if (before !== undefined && before.cursor === column && isSame(before.cells, line)) return before;
      const row = rowOf(terminal, at, nullCell, column);
      const isOther = before?.row.key !== row.key;
      return { row: isOther ? row : before.row, cells: cellsOf(line), cursor: column };
    });
    return this.#last.map(({ row }) => row);
  }
}

function rowOf(terminal: Terminal, at: number, cell: IBufferCell, cursor: number | undefined): Row {
  const { active } = terminal.buffer;
  const runs = runsOf(active.getLine(active.viewportY + at), terminal.cols, cell, cursor);
  return { runs, key: runs.map(keyOf).join('\u0000') };
}

function keyOf({ text, front, back, looks, width }: Run): string {
  return `${front} ${back} ${looks} ${width} ${text}`;
}

function runsOf(
  line: IBufferLine | undefined,
  columns: number,
  cell: IBufferCell,
  cursor: number | undefined,
): readonly Run[] {
  const runs: Run[] = [];
  for (let column = 0; column < columns; column += 1) {
    if (line?.getCell(column, cell) === undefined || cell.getWidth() === 0) continue;
    add(runs, runOf(cell, column === cursor));
  }
  return withoutBlankEnd(runs);
}

function runOf(cell: IBufferCell, isCursor: boolean): Run {
  const { text, isWhole } = cellText(cell.getChars());
  const width = cell.getWidth();
  const isBoxed = width !== 1 || !PLAIN.test(text);
  const looks =
    looksOf(cell) | (isCursor ? CURSOR : 0) | (isBoxed ? BOXED : 0) | (isWhole ? 0 : UNSEEN | BOXED);
  return { text, width, front: frontOf(cell), back: backOf(cell), looks };
}

function add(runs: Run[], run: Run): void {
  const last = runs.at(-1);
  const joins =
    last !== undefined &&
    last.looks === run.looks &&
    last.front === run.front &&
    last.back === run.back &&
    (run.looks & (BOXED | CURSOR)) === 0;
  if (joins) runs[runs.length - 1] = { ...last, text: last.text + run.text, width: last.width + run.width };
  else runs.push(run);
}

function withoutBlankEnd(runs: Run[]): readonly Run[] {
  const last = runs.at(-1);
  if (last === undefined || last.back !== DEFAULT || last.looks !== 0) return runs;
  const text = last.text.trimEnd();
  if (text === '') runs.pop();
  else runs[runs.length - 1] = { ...last, text, width: text.length };
  return runs;
}

function frontOf(cell: IBufferCell): Color {
  if (cell.isFgDefault()) return DEFAULT;
  return cell.isFgRGB() ? RGB + cell.getFgColor() : cell.getFgColor();
}

function backOf(cell: IBufferCell): Color {
  if (cell.isBgDefault()) return DEFAULT;
  return cell.isBgRGB() ? RGB + cell.getBgColor() : cell.getBgColor();
}

function looksOf(cell: IBufferCell): number {
  return (
    (cell.isBold() && BOLD) |
    (cell.isDim() && DIM) |
    (cell.isItalic() && ITALIC) |
    (cell.isUnderline() && UNDERLINE) |
    (cell.isStrikethrough() && STRIKE) |
    (cell.isInverse() && INVERSE) |
    (cell.isInvisible() && CONCEALED)
  );
}

/** As text, to be kept. */
export function textOf(rows: readonly Row[]): string {
  const lines = rows.map(({ runs }) =>
    runs
      .map(({ text }) => text)
      .join('')
      .trimEnd(),
  );
  return `${lines.join('\n').trimEnd()}\n`;
}
