/** The module beneath libpg-query's own one, of which there is one for a process and no second after a crash. */
declare module 'libpg-query/wasm/libpg-query.js' {
  export interface PgQuery {
    _malloc(size: number): number;
    _free(at: number): void;
    _wasm_parse_query_raw(text: number): number;
    _wasm_free_parse_result(result: number): void;
    _wasm_scan(text: number): number;
    _wasm_free_string(at: number): void;
    lengthBytesUTF8(text: string): number;
    stringToUTF8(text: string, at: number, size: number): void;
    UTF8ToString(at: number): string;
    getValue(at: number, type: 'i32'): number;
  }
  const createPgQuery: () => Promise<PgQuery>;
  export default createPgQuery;
}
