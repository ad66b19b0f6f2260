import { isJsonObject, parseJson } from '#core/json.ts';
import { once } from '#core/once.ts';
import { COMMAND_MAX_BYTES } from '../../command-parts.ts';
import { beyondCaps } from './caps.ts';
import { ParserModule } from './module.ts';
import { type Json, numberIn } from './tree.ts';
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
  readonly statements: readonly Json[];
  readonly tokens: readonly Token[];
  /** With other literals in it, it could be too large. */
  readonly isLarge: boolean;
}

/** Levels of a parse tree's JSON: an expression of a hundred operators in each other has about 400. */
const DEPTH_MAX = 500;
/** Characters of a tree's JSON: some 3,000 nodes. 8,000 columns have three times as many, and take 0.1 s to go through. */
const TREE_MAX = 256 << 10;
/** Of a tree's JSON, what literals can come to: each of their characters may be escaped. */
const LITERALS_MAX = 6 * COMMAND_MAX_BYTES;
/** One reason, as it depends on the thread's stack which of them comes first. */
const TOO_MUCH = 'is too large or nested too deep to be looked at';
/** Ready for when one crashes: a new one needs a turn of the event loop. */
const SPARE = 2;

/**
 * PostgreSQL's own parser. Whatever a text is, it answers: with a tree, or with why it cannot be looked at. Within the cap of
 * 16 KiB the worst that was found takes 45 ms (`1+1+1…`, which is too deep). What crashes its module ends that module: what a crash has
 * left in its memory would be read by the next text.
 */
export class Parser {
  #ready: ParserModule[];
  #loading = 0;

  private constructor(ready: ParserModule[]) {
    this.#ready = ready;
  }

  static async load(): Promise<Parser> {
    return new Parser(await Promise.all(Array.from({ length: 1 + SPARE }, () => ParserModule.create())));
  }

  /** Without a zero character, which would be its end. */
  parse(text: string): Parsed | Unreadable {
    const beyond = beyondCaps(text);
    if (beyond !== undefined) return unreadable(beyond);
    if (text === '') return { statements: [], tokens: [], isLarge: false };
    const module = this.#ready[0];
    if (module === undefined) return unreadable('cannot be looked at now: the parser begins anew');
    try {
      return read(module, text);
    } catch (error) {
      if (isUnreadable(error)) return error;
      this.#ready.shift();
      this.#refill();
      return unreadable(TOO_MUCH);
    }
  }

  #refill(): void {
    while (this.#ready.length + this.#loading <= SPARE) {
      this.#loading += 1;
      void ParserModule.create().then((module) => {
        this.#loading -= 1;
        this.#ready.push(module);
      });
    }
  }
}

/**
 * The one of this process, for whoever reads recordings: a parser takes 40 MB beside the heap, and to make one for every session took
 * more of a processor, most of it for collecting the last one, than to read the session.
 */
export const loadParser = once(() => Parser.load());

/** Throws `Unreadable`, and anything else for a crash. */
function read(module: ParserModule, text: string): Parsed {
  const parsed = module.parse(text);
  if ('error' in parsed) throw unreadable('does not parse', parsed.error);
  if (parsed.json.length > TREE_MAX) throw unreadable(TOO_MUCH);
  const { stmts } = jsonOf(parsed.json);
  const { tokens } = jsonOf(withoutControls(module.scan(text)));
  const isLarge = parsed.json.length > TREE_MAX - LITERALS_MAX;
  return { statements: objectsOf(stmts), tokens: objectsOf(tokens).map(tokenOf), isLarge };
}

/** The scanner writes those of tokens' texts, which nobody reads, into its JSON as they are. */
function withoutControls(json: string): string {
  return json.replaceAll(/\p{Cc}/gu, ' ');
}

function jsonOf(json: string): Json {
  try {
    const parsed = parseJson(json, DEPTH_MAX);
    return isJsonObject(parsed) ? parsed : {};
  } catch {
    throw unreadable(TOO_MUCH);
  }
}

function objectsOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function tokenOf(node: Json): Token {
  return { start: numberIn(node, 'start'), end: numberIn(node, 'end'), type: numberIn(node, 'tokenType') };
}
