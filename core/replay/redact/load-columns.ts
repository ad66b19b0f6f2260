/** Who knows what columns are, by protocol. Loaded where a target names some: the parser of SQL is not small. */
import type { LeaveColumnsOut } from './rules.ts';

export const LOAD_COLUMNS: ReadonlyMap<string, (columns: readonly string[]) => Promise<LeaveColumnsOut>> =
  new Map([
    ['postgres', async (columns) => (await import('../postgres/redact/columns.ts')).loadColumnRules(columns)],
  ]);
