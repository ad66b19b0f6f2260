/** What of a statement has to do with the columns that are left out, by PostgreSQL's own parser. In doubt: all of it. */
import { isJsonObject } from '#core/json.ts';
import type { Parser, Token } from '#core/protocols/postgres/shapes/parser.ts';
import type { Json } from '#core/protocols/postgres/shapes/tree.ts';
import { isUnreadable } from '#core/protocols/postgres/shapes/unreadable.ts';
import type { Shown } from '../../step.ts';
import { type NamedColumn, reachable, saidIn } from './column-names.ts';
import { copiedColumn } from './copy-columns.ts';
import { HiddenConstants } from './hidden-constants.ts';
import { first, Mentions } from './mentions.ts';
import { type Outputs, outputsOf } from './outputs.ts';

/** Bytes of the text in UTF-8. */
export interface Place {
  readonly start: number;
  readonly end: number;
  readonly isComment: boolean;
}

export interface Sight {
  /** The column that the statement has to do with; undefined: with none, as far as its text can tell. */
  readonly column: NamedColumn | undefined;
  /** Those that the relations of the statement may have. */
  readonly reached: readonly NamedColumn[];
  /** Parts of the text that are left out. */
  readonly hidden: 'all' | readonly Place[];
  /** Numbers of parameters whose values are left out. */
  readonly parameters: 'all' | ReadonlySet<number>;
  /** What each command of the text gives. */
  readonly outputs: readonly Outputs[];
  /** The data of a COPY is left out. */
  readonly copy: boolean;
  /** EXECUTE, FETCH: what it is depends on another statement. */
  readonly runsOther: boolean;
}

/** Of a statement that has nothing to do with any. */
const INNOCENT = { hidden: [], parameters: new Set<number>(), outputs: [], copy: false, runsOther: false };

export class Sights {
  readonly #parser: Parser;
  readonly #columns: readonly NamedColumn[];
  /** The newest: a session says the same statements again and again. */
  readonly #known = new Map<string, Sight>();

  constructor(parser: Parser, columns: readonly NamedColumn[]) {
    this.#parser = parser;
    this.#columns = columns;
  }

  of({ text, cut, undecoded }: Shown): Sight {
    // What is not here may say the name.
    if (cut) return this.#doubtful(this.#columns[0]!);
    if (undecoded === true) return this.#blind(text);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const sight = this.#look(text);
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    if (text.length <= KNOWN_LENGTH_MAX) this.#known.set(text, sight);
    return sight;
  }

  #look(text: string): Sight {
    const parsed = this.#parser.parse(text);
    return isUnreadable(parsed) ? this.#blind(text) : this.#seen(text, parsed.statements, parsed.tokens);
  }

  /** A text that cannot be looked at: what it says somewhere counts, and what may be any column's. */
  #blind(text: string): Sight {
    const mayBeAny = /\b(?:insert|copy|merge|execute)\b|U&/i.test(text);
    const column = saidIn(this.#columns, text) ?? (mayBeAny ? this.#columns[0] : undefined);
    if (column !== undefined) return this.#doubtful(column);
    return { ...INNOCENT, column, reached: this.#columns };
  }

  #doubtful(column: NamedColumn): Sight {
    const all = { hidden: 'all', parameters: 'all', outputs: [{ kind: 'all', column }] } as const;
    return { ...all, column, reached: this.#columns, copy: true, runsOther: false };
  }

  #seen(text: string, statements: readonly Json[], tokens: readonly Token[]): Sight {
    const mentions = new Mentions(statements);
    const reached = reachable(this.#columns, mentions.relations);
    const constants = new HiddenConstants(mentions, reached);
    const isDoubtful = statements.map((statement) => constants.take(statement)).includes(true);
    const copied = first(statements, (statement) => copiedColumn(statement, mentions, reached));
    return {
      column: constants.column ?? copied ?? mentions.in(statements, reached),
      reached,
      hidden: places(text, isDoubtful ? 'all' : constants.locations, tokens, reached),
      parameters: isDoubtful ? 'all' : constants.parameters,
      outputs: statements.map((statement) => outputsOf(statement, mentions, reached)),
      copy: copied !== undefined,
      runsOther: statements.some(runsOther),
    };
  }
}

const KNOWN_MAX = 500;
const KNOWN_LENGTH_MAX = 4096;

function runsOther({ stmt }: Json): boolean {
  return isJsonObject(stmt) && ('ExecuteStmt' in stmt || 'FetchStmt' in stmt);
}

/** Numbers in the grammar of what a constant, a sign and a comment are. */
const LITERALS = new Set([260, 261, 262, 263, 264, 266]);
const SIGNS = new Set([43, 45]);
const COMMENTS = new Set([275, 276]);

/** Where these constants stand, with their sign, and the same ones elsewhere; and comments that say the column's name. */
function places(
  text: string,
  locations: 'all' | ReadonlySet<number>,
  tokens: readonly Token[],
  columns: readonly NamedColumn[],
): Place[] {
  const bytes = Buffer.from(text);
  const said = ({ start, end }: Token): string => bytes.toString('utf8', start, end);
  const isNamed = ({ start, type }: Token): boolean =>
    locations === 'all' ? LITERALS.has(type) : locations.has(start);
  const hidden = new Set(tokens.filter(isNamed).map(said));
  return tokens.flatMap((token, at): Place[] => {
    const { start, end, type } = token;
    if (COMMENTS.has(type))
      return saidIn(columns, said(token)) === undefined ? [] : [{ start, end, isComment: true }];
    if (!isNamed(token) && !(LITERALS.has(type) && hidden.has(said(token)))) return [];
    const next = tokens[SIGNS.has(type) ? at + 2 : at + 1];
    return [{ start, end: trimmedEnd(bytes, start, next?.start ?? bytes.length), isComment: false }];
  });
}

/** The scanner tells a constant's end short where it goes on in the next line. */
function trimmedEnd(bytes: Buffer, start: number, end: number): number {
  let at = end;
  while (at > start + 1 && BLANKS.includes(bytes[at - 1]!)) at -= 1;
  return at;
}

const BLANKS: readonly number[] = [0x20, 9, 10, 11, 12, 13];
