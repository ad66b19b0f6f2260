/** What the workloads read and write. */
import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { client, sql } from './clients.ts';
import type { Stage } from './stage.ts';

const COPY_ROWS = 6_000_000;
const NARROW_ROWS = 10_000_000;
const COPIED_ROWS = 1_500_000;

export interface CopyFile {
  readonly path: string;
  readonly bytes: number;
}

/** Fills the tables, and resolves with a file of rows to copy in. `scale` shrinks them for a quick run. */
export async function fillTables({ direct, database }: Stage, scale: number): Promise<CopyFile> {
  const wide = Math.round(COPY_ROWS * scale);
  await client('pgbench', ['-i', '-q', '-s', '10', database], direct);
  await sql(direct, database, [
    // Like rows of a shop: names that repeat, numbers that count, one random key in each.
    `CREATE TABLE wide AS SELECT g AS id, 'customer-' || (g % 5000) AS customer, md5(g::text) AS key,
       (ARRAY['open', 'paid', 'shipped', 'returned'])[1 + g % 4] AS status,
       timestamptz '2026-01-01' + g * interval '1.7 s' AS created, (g * 7919 % 977) * 1.25 AS amount,
       format('%s, %s street %s, floor %s, ring at %s; leave with %s if nobody opens, phone +41 79 %s',
         (ARRAY['Lisbon', 'Zagreb', 'Turin', 'Izmir', 'Dakar', 'Osaka', 'Bern'])[1 + g % 7],
         (ARRAY['Elm', 'Oak', 'Mill', 'Station', 'Harbour'])[1 + g * 31 % 5], g * 37 % 211, g % 9,
         (ARRAY['Silva', 'Novak', 'Rossi', 'Yilmaz', 'Diallo', 'Kovac'])[1 + g * 17 % 6],
         (ARRAY['the neighbour', 'the shop below', 'nobody'])[1 + g % 3], g * 104729 % 9999991) AS note
       FROM generate_series(1, ${wide}::bigint) g`,
    'CREATE TABLE copied (LIKE wide)',
    `CREATE TABLE narrow AS SELECT lpad((g % 1000000)::text, 11, '0') AS v FROM generate_series(1, ${Math.round(NARROW_ROWS * scale)}) g`,
    'VACUUM ANALYZE',
    'CHECKPOINT',
  ]);
  const path = join(mkdtempSync(join(tmpdir(), 'custody-bench-copy-')), 'rows.tsv');
  const copy = `\\copy (select * from wide limit ${COPIED_ROWS}) to '${path}'`;
  await client('psql', ['-qc', copy, database], direct);
  return { path, bytes: statSync(path).size };
}
