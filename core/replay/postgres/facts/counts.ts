import type { Step } from '../step.ts';

const WROTE = /^(?:INSERT \d+|UPDATE|DELETE|MERGE) (\d+)$/;
const COUNTED = /^(?:COPY|SELECT) (\d+)$/;

/** Rows that came back, and that were written, as the server counted them. `makes`: those of COPY and SELECT, too. */
export function countsOf(
  { kind, tag = '', rowCount = 0 }: Step,
  makes: boolean,
): { readonly out: number; readonly written: number } {
  const wrote = WROTE.exec(tag)?.[1];
  if (wrote !== undefined) return { out: rowCount, written: Number(wrote) };
  const counted = Number(COUNTED.exec(tag)?.[1] ?? 0);
  if (makes || kind === 'copy-in') return { out: rowCount, written: counted };
  return { out: kind === 'copy-out' ? counted : rowCount, written: 0 };
}
