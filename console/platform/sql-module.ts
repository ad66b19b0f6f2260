/** PostgreSQL's own parser where a run is verified: 1.7 MB, fetched when somebody asks for it, and then kept by the browser. */
import createPgQuery, { type PgQuery } from 'sql-parser.js';
import address from 'sql-parser.wasm';

export default function createModule(): Promise<PgQuery> {
  return createPgQuery({ locateFile: () => new URL(address, import.meta.url).href });
}
