import type { Outline } from '../api/sessions.ts';

/** So many columns are drawn. */
export const PARTS = 250;

interface Column {
  readonly steps: number;
  readonly errors: number;
  readonly writes: number;
}

/** A piece that takes long stands everywhere it does. */
export function columnsOf(pieces: Outline['pieces'], until: number): readonly Column[] {
  const columns = Array.from({ length: PARTS }, () => ({ steps: 0, errors: 0, writes: 0 }));
  const partOf = (us: number): number => Math.min(PARTS - 1, Math.floor((us / Math.max(1, until)) * PARTS));
  for (const { steps, errors, writes, from, to } of pieces) {
    const [begin, end] = [partOf(from), partOf(to)];
    const share = end - begin + 1;
    for (let at = begin; at <= end; at += 1) {
      columns[at]!.steps += steps / share;
      columns[at]!.errors += errors / share;
      columns[at]!.writes += writes / share;
    }
  }
  return columns;
}
