/**
 * npm run bench:table [-- FILE]: the tables of docs/speed.md anew; with the results of another run, which are kept from then on.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { keptOf, withTables } from './docs-table.ts';
import { readResults, writeResults } from './results.ts';

const KEPT = new URL('results/postgres.json', import.meta.url).pathname;
const PAGE = new URL('../../docs/speed.md', import.meta.url).pathname;

const [file] = process.argv.slice(2);
if (file !== undefined) writeResults(KEPT, keptOf(readResults(file)));
writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8'), readResults(KEPT)));
