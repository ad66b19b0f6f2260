/** The module beneath libpg-query's own one, of which there is one for a process and no second after a crash. */
declare module 'libpg-query/wasm/libpg-query.js' {
  export interface PgQuery {
    readonly _malloc: (size: number) => number;
    readonly _free: (at: number) => void;
    readonly _wasm_parse_query_raw: (text: number) => number;
    readonly _wasm_free_parse_result: (result: number) => void;
    readonly _wasm_scan: (text: number) => number;
    readonly _wasm_free_string: (at: number) => void;
    readonly lengthBytesUTF8: (text: string) => number;
    readonly stringToUTF8: (text: string, at: number, size: number) => void;
    readonly UTF8ToString: (at: number) => string;
    readonly getValue: (at: number, type: 'i32') => number;
  }
  const createPgQuery: () => Promise<PgQuery>;
  export default createPgQuery;
}
