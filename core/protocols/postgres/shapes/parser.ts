import createPgQuery, { type PgQuery } from 'libpg-query/wasm/libpg-query.js';
import { isJsonObject, parseJson } from '#core/json.ts';
import { COMMAND_MAX_BYTES } from '../../command-parts.ts';
import { isUnreadable, type Unreadable, unreadable } from './unreadable.ts';

/** A token of a text: its bytes in UTF-8, and its number in PostgreSQL's grammar (names for some: `TOKEN`). */
export interface Token {
  readonly start: number;
  readonly end: number;
  readonly type: number;
}

/** Tokens' numbers in the grammar of the parser's version, the ones that are looked at. */
export const TOKEN = {
  float: 260,
  unicodeText: 262,
  integer: 266,
  parameter: 267,
  lineComment: 275,
  comment: 276,
} as const;

export interface Parsed {
  /** The parse tree's statements (`RawStmt`), as libpg_query writes them. */
  readonly statements: readonly Readonly<Record<string, unknown>>[];
  readonly tokens: readonly Token[];
}

/** Levels of a parse tree's JSON: an expression of a hundred operators in each other has about 400. */
const DEPTH_MAX = 500;
/** Characters of a tree's JSON: some 3,000 nodes. 8,000 columns have three times as many, and take 0.1 s to go through. */
const TREE_MAX = 256 << 10;
/** Nested comments cost the parser their square: 8,000 of them 0.24 s. */
const COMMENTS_MAX = 100;
/** Ready for when one crashes: a new one needs a turn of the event loop. */
const SPARE = 2;

/**
 * PostgreSQL's own parser. Whatever a text is, it answers: with a tree, or with why it cannot be looked at. Within the cap of
 * 16 KiB the worst that was found takes 45 ms (`1+1+1…`, which is too deep). What crashes its module ends that module: what a crash has
 * left in its memory would be read by the next text.
 */
export class Parser {
  #ready: PgQuery[];
  #loading = 0;

  private constructor(ready: PgQuery[]) {
    this.#ready = ready;
  }

  static async load(): Promise<Parser> {
    return new Parser(await Promise.all(Array.from({ length: 1 + SPARE }, createPgQuery)));
  }

  /** Without a zero character, which would be its end. */
  parse(text: string): Parsed | Unreadable {
    const beyond = beyondCaps(text);
    if (beyond !== undefined) return unreadable(beyond);
    if (text === '') return { statements: [], tokens: [] };
    const module = this.#ready[0];
    if (module === undefined) return unreadable('cannot be looked at now: the parser begins anew');
    try {
      return read(module, text);
    } catch (error) {
      if (isUnreadable(error)) return error;
      this.#ready.shift();
      this.#refill();
      return unreadable('is nested too deep to be looked at');
    }
  }

  #refill(): void {
    while (this.#ready.length + this.#loading <= SPARE) {
      this.#loading += 1;
      void createPgQuery().then((module) => {
        this.#loading -= 1;
        this.#ready.push(module);
      });
    }
  }
}

function beyondCaps(text: string): string | undefined {
  if (text.length > COMMAND_MAX_BYTES || Buffer.byteLength(text) > COMMAND_MAX_BYTES)
    return `is longer than ${COMMAND_MAX_BYTES >> 10} KiB`;
  if (text.includes('\0') || !text.isWellFormed() || text.includes('\ufffd')) return 'is not text';
  let comments = 0;
  for (let at = text.indexOf('/*'); at >= 0; at = text.indexOf('/*', at + 2))
    if ((comments += 1) > COMMENTS_MAX) return 'has too many comments';
  return undefined;
}

/** Throws `Unreadable`, and anything else for a crash. */
function read(module: PgQuery, text: string): Parsed {
  const size = module.lengthBytesUTF8(text) + 1;
  const at = module._malloc(size);
  module.stringToUTF8(text, at, size);
  const tree = treeOf(module, at);
  const tokens = tokensOf(module, at);
  module._free(at);
  return { statements: tree, tokens };
}

/** `PgQueryParseResult` of libpg_query: the tree, what it wrote to stderr, and the error. */
function treeOf(module: PgQuery, text: number): Parsed['statements'] {
  const result = module._wasm_parse_query_raw(text);
  const [tree, error] = [module.getValue(result, 'i32'), module.getValue(result + 8, 'i32')];
  const failed = error !== 0;
  const json = failed ? '' : module.UTF8ToString(tree);
  const message = failed ? module.UTF8ToString(module.getValue(error, 'i32')) : '';
  module._wasm_free_parse_result(result);
  if (failed) {
    module._free(text);
    throw unreadable('does not parse', message);
  }
  if (json.length > TREE_MAX) throw unreadable('is too large to be looked at');
  const parsed = jsonOf(json);
  return Array.isArray(parsed['stmts']) ? parsed['stmts'].filter(isJsonObject) : [];
}

function jsonOf(json: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = parseJson(json, DEPTH_MAX);
  } catch {
    throw unreadable('is nested too deep to be looked at');
  }
  if (!isJsonObject(parsed)) throw unreadable('does not parse');
  return parsed;
}

function tokensOf(module: PgQuery, text: number): readonly Token[] {
  const result = module._wasm_scan(text);
  const json = module.UTF8ToString(result);
  module._wasm_free_string(result);
  const { tokens } = jsonOf(json);
  if (!Array.isArray(tokens)) throw unreadable('does not parse');
  return tokens.filter(isJsonObject).map(({ start, end, tokenType }) => ({
    start: Number(start),
    end: Number(end),
    type: Number(tokenType),
  }));
}
