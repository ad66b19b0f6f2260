import { setFlagsFromString } from 'node:v8';
import createPgQuery, { type PgQuery } from 'libpg-query/wasm/libpg-query.js';

/**
 * V8 compiles the parser's largest function, of 100 KB, anew when it has run once or twice: that takes 600 MB and a second and a half of
 * a processor, in every process that reads SQL, for parsing in 9 µs in place of 12. All three are needed, and they count for whatever
 * WebAssembly the process loads; the rest of it, in node, is small.
 */
const FLAGS = ['--no-wasm-dynamic-tiering', '--no-wasm-tier-up', '--liftoff-only'];

/** libpg_query in an instance of its own, with strings for pointers. What it throws by itself is a crash: nobody may use it again. */
export class ParserModule {
  readonly #module: PgQuery;

  private constructor(module: PgQuery) {
    this.#module = module;
  }

  static async create(): Promise<ParserModule> {
    for (const flag of FLAGS) setFlagsFromString(flag);
    return new ParserModule(await createPgQuery());
  }

  /** The parse tree's JSON, or the parser's words about what is wrong with the text. */
  parse(text: string): { readonly json: string } | { readonly error: string } {
    const { _wasm_parse_query_raw: parse, _wasm_free_parse_result: free } = this.#module;
    return this.#with(text, (at) => {
      const result = parse(at);
      const read = this.#result(result);
      free(result);
      return read;
    });
  }

  /** The tokens' JSON. */
  scan(text: string): string {
    const { _wasm_scan: scan, _wasm_free_string: free, UTF8ToString: read } = this.#module;
    return this.#with(text, (at) => {
      const result = scan(at);
      const json = read(result);
      free(result);
      return json;
    });
  }

  /** `PgQueryParseResult`: the tree, what was written to stderr, and the error, which begins with its message. */
  #result(at: number): { readonly json: string } | { readonly error: string } {
    const { getValue, UTF8ToString: read } = this.#module;
    const error = getValue(at + 8, 'i32');
    return error === 0 ? { json: read(getValue(at, 'i32')) } : { error: read(getValue(error, 'i32')) };
  }

  #with<T>(text: string, work: (at: number) => T): T {
    const { _malloc: allocate, _free: free, stringToUTF8, lengthBytesUTF8 } = this.#module;
    const size = lengthBytesUTF8(text) + 1;
    const at = allocate(size);
    stringToUTF8(text, at, size);
    const result = work(at);
    free(at);
    return result;
  }
}
