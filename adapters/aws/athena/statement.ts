/** What of a search Athena decides: it gives what may be a hit, and never leaves one out; `matches` judges each row again. */
import { canonicalEmail } from '#core/identity/email.ts';
import { dayOf } from '#core/ocsf/part-writer.ts';
import { accountText } from '#core/ocsf/searched-line.ts';
import { timeOfId } from '#core/recording/session-id.ts';
import type { Place, Scope } from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';
import { wordsOf } from '#core/search/words.ts';

/** A statement with `?` for each of its values: nothing that was asked for stands in its text. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly string[];
}

export interface Asked {
  readonly query: SearchQuery;
  readonly scopes: readonly Scope[];
  readonly after?: Place | undefined;
  /** Rows at most. */
  readonly rows: number;
}

const DAY_MS = 86_400_000;
/** Of a query that says no beginning: partitions are what a query costs. */
export const SEARCHED_DAYS = 30;
/** How long before a step its session may have begun. */
const SESSION_DAYS = 31;

/** Of sessions that began on these days, both included, something can be found. */
export function daysOf(
  { session, since, until }: SearchQuery,
  now: Date,
): readonly [from: string, to: string] {
  if (session !== undefined) return [dayOf(timeOfId(session)), dayOf(timeOfId(session))];
  const to = Math.min(until ?? now.getTime(), now.getTime());
  const from = since === undefined ? to - SEARCHED_DAYS * DAY_MS : since - SESSION_DAYS * DAY_MS;
  return [dayOf(Math.max(0, from)), dayOf(to)];
}

/** When the first of those days begins; undefined where one session alone is looked at. */
export function searchedSince(query: SearchQuery, now: Date): number | undefined {
  return query.session === undefined ? Date.parse(daysOf(query, now)[0]) : undefined;
}

/** `database`: of the stack, and in quotes. Rows come newest session first, each session's steps ascending. */
export function searchStatement(
  database: string,
  { query, scopes, after, rows }: Asked,
  now: Date,
): Statement {
  const terms = [
    between(daysOf(query, now)),
    anyOf(scopes.map(scopeTerm)),
    ...sessionTerms(query),
    ...stepTerms(query),
    ...(after === undefined ? [] : [behind(after)]),
  ];
  return {
    sql: `SELECT session, step, at, rules, about, facts FROM "${database}"."steps" WHERE ${terms
      .map(({ sql }) => sql)
      .join(' AND ')} ORDER BY session DESC, step ASC LIMIT ${rows}`,
    values: terms.flatMap(({ values }) => values),
  };
}

const term = (sql: string, ...values: readonly string[]): Statement => ({ sql, values });

function between([from, to]: readonly [string, string]): Statement {
  return term('day BETWEEN ? AND ?', from, to);
}

function behind({ session, step }: Place): Statement {
  const day = dayOf(timeOfId(session));
  if (step === undefined) return term('day <= ? AND session < ?', day, session);
  return term(
    'day <= ? AND (session < ? OR (session = ? AND step > CAST(? AS bigint)))',
    ...[day, session, session, String(step)],
  );
}

/** Nobody without a scope finds anything. */
function anyOf(terms: readonly Statement[]): Statement {
  if (terms.length === 0) return term('FALSE');
  return term(`(${terms.map(({ sql }) => sql).join(' OR ')})`, ...terms.flatMap(({ values }) => values));
}

function allOf(terms: readonly Statement[]): Statement {
  if (terms.length === 0) return term('TRUE');
  return term(`(${terms.map(({ sql }) => sql).join(' AND ')})`, ...terms.flatMap(({ values }) => values));
}

function scopeTerm({ target, subject, person, approver }: Scope): Statement {
  return allOf([
    ...is('target', target),
    ...is('issuer', subject?.issuer),
    ...is('subject', subject?.subject),
    ...(person === undefined ? [] : [named(person)]),
    ...(approver === undefined ? [] : [term('contains(approved_by, ?)', accountText(approver))]),
  ]);
}

function is(column: string, wanted: string | undefined): Statement[] {
  return wanted === undefined ? [] : [term(`${column} = ?`, wanted)];
}

/** The column of addresses has them as they are compared. */
function named(person: string): Statement {
  return term('(subject = ? OR email = ? OR contains(actors, ?))', person, canonicalEmail(person), person);
}

function sessionTerms(query: SearchQuery): Statement[] {
  const { session, person, target, protocol, workflow, run, task, outcome, device } = query;
  return [
    ...is('session', session),
    ...is('target', target),
    ...is('protocol', protocol),
    ...is('workflow', workflow),
    ...is('run', run),
    ...is('task', task),
    ...is('outcome', outcome),
    ...(device === undefined ? [] : [term('(device = ? OR device_name = ?)', device, device)]),
    ...(person === undefined ? [] : [named(person)]),
  ];
}

function stepTerms(query: SearchQuery): Statement[] {
  const { phrases = [], command, shape, relation, value, file, code, errorsOnly, writesOnly } = query;
  const words = [...phrases, ...(command === undefined ? [] : [command])].flatMap(wordsOf);
  return [
    ...[...new Set(words)].map((word) => term('strpos(words, ?) > 0', beginning(` ${word} `))),
    ...[shape, value, file].flatMap((text) =>
      text === undefined ? [] : [term('strpos(facts, ?) > 0', beginning(inJson(text)))],
    ),
    ...[relation && bareName(relation.name), code].flatMap((text) => withoutCase(text)),
    ...(errorsOnly === true ? [term('is_error')] : []),
    ...(writesOnly === true ? [term('is_write')] : []),
  ];
}

function bareName(name: string): string {
  return name.slice(name.indexOf('.') + 1);
}

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x20-\x7e]*$/;

/** Letter case is one thing here and another in the engine, but for ASCII: of other texts it decides nothing. */
function withoutCase(text: string | undefined): Statement[] {
  if (text === undefined || !ASCII.test(text)) return [];
  return [term('strpos(lower(facts), ?) > 0', beginning(inJson(text.toLowerCase())))];
}

/**
 * Of a parameter, 1,024 characters with its quotes, of which each may be doubled.
 * https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
 */
const PARAMETER_MAX = 500;

/** What has all of a text has its beginning; `matches` looks at the rest. */
function beginning(text: string): string {
  return text.length <= PARAMETER_MAX ? text : text.slice(0, PARAMETER_MAX).replace(/[\ud800-\udbff]$/, '');
}

/** As the text stands within a string of JSON. */
function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
