import { isEncodingName } from '#core/protocols/postgres/encoding/names.ts';
import type { Step } from '../step.ts';
import { effectOf } from './sql/effect.ts';
import { runsHidden } from './sql/hidden.ts';
import { isSymbol, isWord, type Token, tokensOf } from './sql/tokens.ts';

/** What a command that ended well has done to client_encoding. */
export type EncodingChange =
  | { readonly kind: 'set' | 'set-local'; readonly encoding: string }
  | { readonly kind: 'reset' | 'commit' | 'rollback' | 'rollback-to' }
  /** It may have, and how cannot be told. */
  | { readonly kind: 'unknown' };

/** Commands that do not run what they hold, or say it of others than this session. */
const HARMLESS = /^(?:SHOW|CREATE|ALTER|COMMENT|GRANT|PREPARE|COPY|EXPLAIN)\b/;
/** Also of UPDATE pg_settings, which sets what it names. */
const NAMES_ENCODING = /client_encoding|\bset\b[^;]*\bnames\b|\bupdate\b[^;]*\bpg_settings\b/i;
const PLAINLY = new Set(['set', 'reset', 'show']);
const OF_TRANSACTIONS: ReadonlyMap<string, EncodingChange> = new Map([
  ['COMMIT', { kind: 'commit' }],
  ['DISCARD ALL', { kind: 'reset' }],
]);

/**
 * By the command's text and tag; `part`: which command of the text it is, from 1. Servers from PostgreSQL 14 on report a new
 * encoding at the end of what was asked at once, and already say what comes before that in it.
 */
export function encodingChange(sql: string, part: number, tag: string): EncodingChange | undefined {
  const known = OF_TRANSACTIONS.get(tag);
  if (known !== undefined) return known;
  if (tag === 'SET') return changeBySet(commandAt(sql, part), sql);
  if (tag === 'RESET') return changeByReset(commandAt(sql, part));
  if (tag === 'ROLLBACK') return changeByRollback(commandAt(sql, part));
  return !HARMLESS.test(tag) && NAMES_ENCODING.test(sql) && namesEncoding(commandAt(sql, part), sql)
    ? { kind: 'unknown' }
    : undefined;
}

/** Also in its strings: they may be code. */
function namesEncoding(tokens: readonly Token[], sql: string): boolean {
  return tokens.length > 0 && NAMES_ENCODING.test(sql.slice(tokens[0]!.start, tokens.at(-1)!.end));
}

/**
 * How a command may have changed the encoding otherwise than by a SET that can be read: `hidden` where it runs code that its text
 * does not show, `seen` where it names the setting, or tells such code an encoding.
 */
export type Unseen = 'no' | 'hidden' | 'seen';

export function unseenChange({ kind, statement, part = 1, runs, values = [], doubt }: Step): Unseen {
  const told = values.map((value) => value?.text ?? '');
  if (kind === 'prepare') return 'no';
  const own = unseenIn(statement?.text, part, told);
  const named = runs === undefined ? 'no' : unseenIn(runs.text, 1, [...told, ...stringsOf(statement!.text)]);
  if (own === 'seen' || named === 'seen') return 'seen';
  return own === 'hidden' || named === 'hidden' || doubt !== undefined ? 'hidden' : 'no';
}

/** Does the step name the setting in another place than a SET: in code that may run later? */
export function mentionsEncoding({ statement, part = 1 }: Step): boolean {
  const sql = statement?.text ?? '';
  if (!NAMES_ENCODING.test(sql)) return false;
  const tokens = commandAt(sql, part);
  return !PLAINLY.has(tokens[0]?.text ?? '') && namesEncoding(tokens, sql);
}

function unseenIn(sql: string | undefined, part: number, told: readonly string[]): Unseen {
  if (sql === undefined) return told.some(isEncodingName) ? 'seen' : 'hidden';
  const tokens = commandAt(sql, part);
  const effect = effectOf(tokens);
  if (effect?.kind === 'prepare' || effect?.kind === 'declare') return 'no';
  if (setsConfig(tokens, sql)) return 'seen';
  if (!runsHidden(tokens, effect)) return 'no';
  const isTold = [...told, ...literals(tokens, sql)].some(isEncodingName);
  return isTold || namesEncoding(tokens, sql) ? 'seen' : 'hidden';
}

/** A call of set_config, but for another setting that stands there plainly. */
function setsConfig(tokens: readonly Token[], sql: string): boolean {
  return tokens.some((token, at) => {
    if (!isNamed(token, 'set_config')) return false;
    const [setting, comma] = [tokens[at + 2], tokens[at + 3]];
    const isPlain = setting?.kind === 'string' && isSymbol(comma, ',');
    const name = isPlain ? valueOf(setting, sql) : undefined;
    return name === undefined || name.toLowerCase() === 'client_encoding';
  });
}

function stringsOf(sql: string): string[] {
  return literals([...tokensOf(sql, true)], sql);
}

function literals(tokens: readonly Token[], sql: string): string[] {
  return tokens.filter(({ kind }) => kind === 'string').map((token) => valueOf(token, sql) ?? '');
}

/** SET [SESSION | LOCAL] { client_encoding { TO | = } | NAMES } { value | DEFAULT }. */
function changeBySet(tokens: readonly Token[], sql: string): EncodingChange | undefined {
  const local = isWord(tokens[1], 'local');
  const at = local || isWord(tokens[1], 'session') ? 2 : 1;
  const isSetting = isNamed(tokens[at], 'client_encoding');
  if (!isSetting && !isWord(tokens[at], 'names')) return undefined;
  const value = tokens[isSetting ? at + 2 : at + 1];
  if (value === undefined || isWord(value, 'default')) return local ? { kind: 'unknown' } : { kind: 'reset' };
  const encoding = valueOf(value, sql);
  return encoding === undefined ? { kind: 'unknown' } : { kind: local ? 'set-local' : 'set', encoding };
}

function changeByReset(tokens: readonly Token[]): EncodingChange | undefined {
  return isWord(tokens[1], 'all') || isNamed(tokens[1], 'client_encoding') ? { kind: 'reset' } : undefined;
}

function changeByRollback(tokens: readonly Token[]): EncodingChange {
  return { kind: tokens.some((token) => isWord(token, 'to')) ? 'rollback-to' : 'rollback' };
}

/**
 * The encoding that a COPY names for its data, in place of the session's; `unknown` where it names one and how cannot be told.
 * https://www.postgresql.org/docs/current/sql-copy.html
 */
export function copyEncoding(sql: string, part: number): string | undefined {
  const tokens = commandAt(sql, part);
  const at = tokens.findLastIndex((token) => isNamed(token, 'encoding'));
  const value = tokens[isSymbol(tokens[at + 1], '=') ? at + 2 : at + 1];
  if (at === -1 || value === undefined || value.kind === 'symbol') return undefined;
  return valueOf(value, sql) ?? 'unknown';
}

function isNamed(token: Token | undefined, name: string): boolean {
  return token !== undefined && (token.kind === 'word' || token.kind === 'name') && token.text === name;
}

function valueOf({ kind, text, start, end }: Token, sql: string): string | undefined {
  if (kind !== 'string') return kind === 'symbol' ? undefined : text;
  return /^'([^'\\]*)'$/.exec(sql.slice(start, end))?.[1];
}

/** The tokens of one command of `sql`. */
function commandAt(sql: string, part: number): Token[] {
  let command: Token[] = [];
  let before = 1;
  for (const token of tokensOf(sql, true)) {
    if (!isSymbol(token, ';')) command.push(token);
    else if (command.length > 0) {
      if (before === part) return command;
      command = [];
      before++;
    }
  }
  return before === part ? command : [];
}
