/** Whether a line of the emulator still is what it was, without a look at each of its cells. */
import type { Line } from './inside.ts';

const NUMBERS_A_CELL = 3;
/** Of a cell's first number: its characters are several, which lie elsewhere and change there. */
const IS_JOINED = 1 << 21;

/** A copy of a line's cells, as numbers. */
export function cellsOf(line: Line): Uint32Array {
  return line['_data'].slice();
}

/** False as well where it cannot be told. */
export function isSame(cells: Uint32Array, line: Line): boolean {
  const now = line['_data'];
  if (cells.length !== now.length) return false;
  for (let at = 0; at < now.length; at += 1) {
    if (cells[at] !== now[at]) return false;
    if (at % NUMBERS_A_CELL === 0 && (now[at]! & IS_JOINED) !== 0) return false;
  }
  return true;
}
