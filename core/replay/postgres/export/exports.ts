import type { SessionExports } from '../../export/exports.ts';
import { readRows } from './rows.ts';
import { writeScript } from './script.ts';
import { shownTable } from './shown-table.ts';
import { writeTable } from './table.ts';

export const postgresExports: SessionExports = {
  table: writeTable,
  rows: readRows,
  shownTable,
  script: writeScript,
};
