import { isEncodingName } from '#core/protocols/postgres/encoding/names.ts';
import { effectOf } from './sql/effect.ts';
import { runsHidden } from './sql/hidden.ts';
import { isSymbol, isWord, type Token, tokensOf } from './sql/tokens.ts';
import type { Step } from './step.ts';

/** What a command that ended well has done to client_encoding. */
export type EncodingChange =
  | { readonly kind: 'set' | 'set-local'; readonly encoding: string }
  | { readonly kind: 'reset' | 'commit' | 'rollback' | 'rollback-to' }
  /** It may have, and how cannot be told. */
  | { readonly kind: 'unknown' };

/** Commands that do not run what they hold, or say it of others than this session. */
const HARMLESS = /^(?:SHOW|CREATE|ALTER|COMMENT|GRANT|PREPARE|COPY|EXPLAIN)\b/;
/** Also of UPDATE pg_settings, which sets what it names. */
const NAMES_ENCODING = /client_encoding|\bset\b[^;]{0,60}\bnames\b|\bupdate\b[^;]{0,60}\bpg_settings\b/i;
const PLAINLY = new Set(['set', 'reset', 'show']);
const OF_TRANSACTIONS: ReadonlyMap<string, EncodingChange> = new Map([
  ['COMMIT', { kind: 'commit' }],
  ['DISCARD ALL', { kind: 'reset' }],
]);

/**
 * By the command's text and tag; `part`: which command of the text it is, from 1. Servers from PostgreSQL 14 on report a new
 * encoding at the end of what was asked at once, and already say what comes before that in it.
 */
export function encodingChange(
  sql: string,
  part: number,
  tag: string,
  commands = new Commands(),
): EncodingChange | undefined {
  const known = OF_TRANSACTIONS.get(tag);
  if (known !== undefined) return known;
  if (tag === 'SET') return changeBySet(commands.at(sql, part), sql);
  if (tag === 'RESET') return changeByReset(commands.at(sql, part));
  if (tag === 'ROLLBACK') return changeByRollback(commands.at(sql, part));
  return !HARMLESS.test(tag) && NAMES_ENCODING.test(sql) && namesEncoding(commands.at(sql, part), sql)
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

export function unseenChange(step: Step, commands = new Commands()): Unseen {
  const { kind, statement, part = 1, runs, values = [], doubt } = step;
  if (kind === 'prepare') return 'no';
  const sql = statement?.text ?? '';
  const own = commands.at(sql, part);
  const told = [...values.map((value) => value?.text ?? ''), ...literals(own, sql)];
  const found = [
    statement === undefined ? ofUnknown(told) : unseenIn(own, sql, told),
    runs === undefined ? 'no' : unseenIn(new Commands().at(runs.text, 1), runs.text, told),
  ];
  if (found.includes('seen')) return 'seen';
  return doubt !== undefined || found.includes('hidden') ? 'hidden' : 'no';
}

/** Does the step name the setting in another place than a SET: in code that may run later? */
export function mentionsEncoding({ statement, part = 1 }: Step, commands = new Commands()): boolean {
  const sql = statement?.text ?? '';
  if (!NAMES_ENCODING.test(sql)) return false;
  const tokens = commands.at(sql, part);
  return !PLAINLY.has(tokens[0]?.text ?? '') && namesEncoding(tokens, sql);
}

function ofUnknown(told: readonly string[]): Unseen {
  return told.some(isEncodingName) ? 'seen' : 'hidden';
}

/** `told`: values and strings that the code may be given. */
function unseenIn(tokens: readonly Token[], sql: string, told: readonly string[]): Unseen {
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
  const tokens = new Commands().at(sql, part);
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

/** The commands of the text that was looked at last: one that holds thousands is taken apart once. */
export class Commands {
  #sql = '';
  #commands: readonly (readonly Token[])[] = [];

  /** The tokens of one of them, from 1; none where there is none. */
  at(sql: string, part: number): readonly Token[] {
    if (sql !== this.#sql) {
      this.#sql = sql;
      this.#commands = commandsIn(sql);
    }
    return this.#commands[part - 1] ?? [];
  }
}

function commandsIn(sql: string): Token[][] {
  const commands: Token[][] = [[]];
  for (const token of tokensOf(sql, true)) {
    if (!isSymbol(token, ';')) commands.at(-1)!.push(token);
    else if (commands.at(-1)!.length > 0) commands.push([]);
  }
  return commands;
}
