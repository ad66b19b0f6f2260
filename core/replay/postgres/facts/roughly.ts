/**
 * What the words of a text say that the parser does not take: because it is too long, cut, or of a server that knows more. Rather a
 * name too many than one that is missing.
 */
import { isHarmlessCall } from '#core/protocols/postgres/shapes/harmless-calls.ts';
import type { Touches } from '#core/protocols/postgres/shapes/touches.ts';
import { isSymbol, isWord, type Token, tokensOf } from '../sql/tokens.ts';

/** A relation's name may follow. */
const BEFORE_NAMES = new Set([
  'from',
  'join',
  'into',
  'update',
  'table',
  'using',
  'copy',
  'truncate',
  'lock',
]);
/** They may stand between. */
const BETWEEN = new Set(['only', 'table', 'lateral', 'if', 'exists', 'not']);
const WRITTEN_AFTER = new Set(['into', 'update', 'truncate', 'table']);
const READS = new Set(['select', 'values', 'with', 'show', 'table']);
const WRITES = new Set(['insert', 'update', 'delete', 'merge', 'into', 'truncate', 'copy', 'call', 'do']);
/** Before a parenthesis they call nothing. */
const NO_CALLS = new Set(
  `all and any array as between by case distinct else except exists filter from group having in intersect is join lateral
  limit like not null offset on or order over partition row select set some then union using values when where within
  with char varchar numeric decimal timestamp time interval bit float`.split(/\s+/),
);
/** What else may stand where a name could. */
const NO_NAMES = new Set('stdin stdout program select set values where with skip nowait'.split(' '));
const COLUMNS_FOLLOW = ['into', 'copy', 'table', 'on', 'view'];
const TOKENS_MAX = 200_000;

/** Of each command of a text. */
export function roughly(text: string): readonly Touches[] {
  // Letters beyond ASCII as bytes, one character each.
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const commands: Token[][] = [[]];
  let left = TOKENS_MAX;
  for (const token of tokensOf(bytes, true)) {
    if ((left -= 1) < 0) break;
    if (isSymbol(token, ';')) commands.push([]);
    else commands.at(-1)!.push(token);
  }
  return commands.filter((tokens) => tokens.length > 0).map((tokens) => new Rough(tokens).touches());
}

class Rough {
  readonly #tokens: readonly Token[];
  readonly #read = new Set<string>();
  readonly #written = new Set<string>();
  readonly #calls = new Set<string>();

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  touches(): Touches {
    const first = this.#tokens[0];
    const verb = first?.kind === 'word' ? first.text : '';
    const common = this.#common();
    this.#tokens.forEach((token, at) => this.#look(token, at, verb));
    for (const name of common) this.#read.delete(name);
    const isRead =
      READS.has(verb) && !this.#tokens.some(({ kind, text }) => kind === 'word' && WRITES.has(text));
    const [read, written, calls] = [this.#read, this.#written, this.#calls].map((names) =>
      [...names].toSorted(),
    );
    const writes = !isRead || calls!.length > 0;
    const lasts = calls!.length > 0 || verb === 'call' || verb === 'do' || verb === '';
    return { read: read!, written: written!, calls: calls!, files: [], writes, lasts, makes: false };
  }

  /** Names of WITH: they are no relations. */
  #common(): readonly string[] {
    return this.#tokens.flatMap((token, at) =>
      isName(token) && isWord(this.#tokens[at + 1], 'as') && isSymbol(this.#tokens[at + 2], '(')
        ? [decoded(token.text)]
        : [],
    );
  }

  #look(token: Token, at: number, verb: string): void {
    if (isSymbol(this.#tokens[at + 1], '(')) this.#call(token, at);
    if (token.kind !== 'word' || !BEFORE_NAMES.has(token.text)) return;
    const before = this.#tokens[at - 1];
    // FOR UPDATE, DO UPDATE, and what is within extract(… from …) names none.
    if (token.text === 'update' && (isWord(before, 'for') || isWord(before, 'do'))) return;
    const isWritten =
      WRITTEN_AFTER.has(token.text) ||
      isWord(before, 'delete') ||
      (token.text === 'copy' && this.#isFrom(at));
    this.#names(at + 1, isWritten && !(verb === 'table' && at === 0));
  }

  /** COPY name [(columns)] FROM. */
  #isFrom(at: number): boolean {
    const next = this.#tokens
      .slice(at)
      .find(({ kind, text }) => kind === 'word' && (text === 'from' || text === 'to'));
    return next?.text === 'from';
  }

  /** A name, and those that follow it behind commas, with an alias or without. */
  #names(from: number, isWritten: boolean): void {
    let at = from;
    while (this.#tokens[at]?.kind === 'word' && BETWEEN.has(this.#tokens[at]!.text)) at += 1;
    for (;;) {
      const end = this.#name(at, isWritten);
      if (end === undefined) return;
      at = end;
      if (isWord(this.#tokens[at], 'as')) at += 1;
      if (isName(this.#tokens[at]) && isSymbol(this.#tokens[at + 1], ',')) at += 1;
      if (!isSymbol(this.#tokens[at], ',')) return;
      at += 1;
    }
  }

  /** Where the name ends; undefined where none stands. */
  #name(at: number, isWritten: boolean): number | undefined {
    const [one, dot, other] = [this.#tokens[at], this.#tokens[at + 1], this.#tokens[at + 2]];
    if (!isName(one) || (one.kind === 'word' && NO_NAMES.has(one.text))) return undefined;
    const isTwo = isSymbol(dot, '.') && isName(other);
    const name = isTwo ? `${one.text}.${other.text}` : one.text;
    const end = at + (isTwo ? 3 : 1);
    // A function in FROM.
    if (isSymbol(this.#tokens[end], '(') && !isWritten) return undefined;
    (isWritten ? this.#written : this.#read).add(decoded(name));
    return end;
  }

  #call(token: Token, at: number): void {
    if (!isName(token) || (token.kind === 'word' && NO_CALLS.has(token.text))) return;
    const schema = isSymbol(this.#tokens[at - 1], '.') ? this.#tokens[at - 2] : undefined;
    const before = this.#tokens[schema === undefined ? at - 1 : at - 3];
    // INSERT INTO name (columns).
    if (COLUMNS_FOLLOW.some((word) => isWord(before, word))) return;
    const isOwn = schema === undefined || schema.text === 'pg_catalog';
    if (isOwn && isHarmlessCall(token.text) === true) return;
    this.#calls.add(decoded(schema === undefined ? token.text : `${schema.text}.${token.text}`));
  }
}

function isName(token: Token | undefined): token is Token {
  return token?.kind === 'word' || token?.kind === 'name';
}

function decoded(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
