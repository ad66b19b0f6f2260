/** The parser that the server has, with where its WebAssembly is; the build finds both in the package. */
declare module 'sql-parser.js' {
  export type { PgQuery } from 'libpg-query/wasm/libpg-query.js';
  import type { PgQuery } from 'libpg-query/wasm/libpg-query.js';
  const createPgQuery: (where: { readonly locateFile: () => string }) => Promise<PgQuery>;
  export default createPgQuery;
}

declare module 'sql-parser.wasm' {
  /** Its address, from that of the script. */
  const address: string;
  export default address;
}
