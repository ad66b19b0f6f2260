/** Commands that a rule can let pass beside those that were approved: known by their tokens, and everything else is unknown. */
import { bareStatement } from '#core/access/statements.ts';
import { type PlainToken, plainTokens } from './plain-words.ts';

/** `undo`: takes back what the open transaction did; closing the connection does the same. */
export type Harmless = 'transactions' | 'settings' | 'undo';

/** Change neither what a text means nor what it does, only whether it is given up and how it is told. */
export const SETTABLE: ReadonlySet<string> = new Set([
  'application_name',
  'client_min_messages',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'lock_timeout',
  'statement_timeout',
  'transaction_timeout',
]);

/** What drivers like to know. */
const SHOWN: ReadonlySet<string> = new Set([
  ...SETTABLE,
  'client_encoding',
  'datestyle',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'extra_float_digits',
  'integer_datetimes',
  'intervalstyle',
  'is_superuser',
  'max_identifier_length',
  'search_path',
  'server_encoding',
  'server_version',
  'server_version_num',
  'session_authorization',
  'standard_conforming_strings',
  'timezone',
  'transaction_deferrable',
  'transaction_isolation',
  'transaction_read_only',
]);

const ENDS = ['commit', 'end', 'rollback', 'abort'];

const MODES = [
  'isolation level serializable',
  'isolation level repeatable read',
  'isolation level read committed',
  'isolation level read uncommitted',
  'read write',
  'read only',
  'deferrable',
  'not deferrable',
].map((mode) => mode.split(' '));

/**
 * What kind of harmless command a text is, alone and whole. Undefined for everything that it does not recognise.
 * https://www.postgresql.org/docs/current/sql-commands.html
 */
export function harmless(text: string): Harmless | undefined {
  const tokens = plainTokens(bareStatement(text));
  if (tokens === undefined || tokens.length === 0) return undefined;
  const rest = new Tokens(tokens);
  if (undoes(rest.anew())) return 'undo';
  if (isTransaction(rest.anew())) return 'transactions';
  return isSetting(rest.anew()) ? 'settings' : undefined;
}

/** Whether a command, alone and of plain words, ends the transaction that is open or goes back in it. */
export function endsTransaction(text: string): boolean {
  const tokens = plainTokens(bareStatement(text)) ?? [];
  return new Tokens(tokens).takes(...ENDS) && tokens.every(({ kind }) => kind === 'word');
}

/** A procedure may commit what it did so far, and fail then. `text`: without comments. */
export function mayCommit({ command: { text } }: { readonly command: { readonly text: string } }): boolean {
  return /^\s*call\b/i.test(text);
}

/** ROLLBACK of the whole transaction, and no new one. */
function undoes(rest: Tokens): boolean {
  return rest.takes('rollback', 'abort') && block(rest) && rest.over;
}

function isTransaction(rest: Tokens): boolean {
  if (rest.takes('begin')) return block(rest) && modes(rest);
  if (rest.takes('start')) return rest.takes('transaction') && modes(rest);
  if (rest.takes('commit', 'end')) return block(rest) && chain(rest);
  if (rest.takes('rollback', 'abort')) return back(rest);
  if (rest.takes('savepoint')) return rest.takesName() && rest.over;
  if (rest.takes('release')) return savepoint(rest);
  return rest.takes('set') && characteristics(rest);
}

function back(rest: Tokens): boolean {
  return block(rest) && (rest.takes('to') ? savepoint(rest) : chain(rest));
}

function savepoint(rest: Tokens): boolean {
  const named = rest.anew();
  if (named.takesName() && named.over) return true;
  return rest.takes('savepoint') && rest.takesName() && rest.over;
}

/** The words that may follow and say nothing. */
function block(rest: Tokens): boolean {
  rest.takes('work', 'transaction');
  return true;
}

function chain(rest: Tokens): boolean {
  if (rest.over) return true;
  if (!rest.takes('and')) return false;
  rest.takes('no');
  return rest.takes('chain') && rest.over;
}

/** SET TRANSACTION, and SET SESSION CHARACTERISTICS AS TRANSACTION; never a snapshot of somebody else's. */
function characteristics(rest: Tokens): boolean {
  const isSession = rest.takes('session');
  if (isSession && !(rest.takes('characteristics') && rest.takes('as'))) return false;
  return rest.takes('transaction') && !rest.over && modes(rest);
}

function modes(rest: Tokens): boolean {
  for (let first = true; !rest.over; first = false) {
    if (!first) rest.takesMark(',');
    if (!MODES.some((mode) => rest.takesAll(mode))) return false;
  }
  return true;
}

function isSetting(rest: Tokens): boolean {
  if (rest.takes('show')) return shows(rest);
  if (rest.takes('reset')) return rest.takesOf(SETTABLE) && rest.over;
  if (!rest.takes('set')) return false;
  rest.takes('session', 'local');
  if (!rest.takesOf(SETTABLE) || !(rest.takes('to') || rest.takesMark('='))) return false;
  rest.takesMark('-');
  return rest.takesValue() && rest.over;
}

function shows(rest: Tokens): boolean {
  const level = rest.anew();
  if (level.takesAll(['transaction', 'isolation', 'level']) && level.over) return true;
  return rest.takesOf(SHOWN) && rest.over;
}

/** Tokens that are taken one after the other. */
class Tokens {
  readonly #tokens: readonly PlainToken[];
  #at: number;

  constructor(tokens: readonly PlainToken[], at = 0) {
    this.#tokens = tokens;
    this.#at = at;
  }

  /** The same tokens from here, to be tried in another way. */
  anew(): Tokens {
    return new Tokens(this.#tokens, this.#at);
  }

  get over(): boolean {
    return this.#at === this.#tokens.length;
  }

  takes(...words: readonly string[]): boolean {
    return this.#take(({ kind, text }) => kind === 'word' && words.includes(text));
  }

  takesOf(words: ReadonlySet<string>): boolean {
    return this.#take(({ kind, text }) => kind === 'word' && words.has(text));
  }

  /** All of these, or none. */
  takesAll(words: readonly string[]): boolean {
    const start = this.#at;
    const all = words.every((word) => this.takes(word));
    if (!all) this.#at = start;
    return all;
  }

  takesMark(mark: string): boolean {
    return this.#take(({ kind, text }) => kind === 'mark' && text === mark);
  }

  takesName(): boolean {
    return this.#take(({ kind }) => kind === 'word' || kind === 'name');
  }

  takesValue(): boolean {
    return this.#take(({ kind }) => kind === 'word' || kind === 'number' || kind === 'text');
  }

  #take(fits: (token: PlainToken) => boolean): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || !fits(token)) return false;
    this.#at += 1;
    return true;
  }
}
