import { BUILT_IN } from './built-in.ts';
import type { Effect } from './effect.ts';
import { isSymbol, isWord, type Token } from './tokens.ts';

/** Commands whose functions run when they do. DECLARE runs nothing yet, nor does PREPARE; FETCH and EXECUTE run what they name. */
const CALLING = new Set(
  'select with values table insert update delete merge explain copy execute refresh'.split(' '),
);
/** Words that come before a parenthesis and call nothing. */
const NO_CALLS = new Set(
  `all analyze and any array as asc between bigint bit by bpchar char character check columns conflict copy cube dec decimal
  default delete desc distinct else escape except exclude execute exists explain filter float for foreign from full group
  having ilike in include inner insert int integer intersect into is isnull join key lateral left like limit
  materialized merge nchar not notnull null nulls numeric of offset on only or order over partition precision primary
  range recursive references repeatable returning right rollup row rows select set sets similar some symmetric table
  tablesample temp temporary then time timestamp timestamptz timetz to union unique unlogged update using values
  varbit varchar varying when where window with within without`.split(/\s+/),
);

/**
 * Whether a command may run SQL that its text does not show: it is DO or CALL, or calls a function that is not one of
 * PostgreSQL's own. Such code can give and take away names, so that what a name stands for is not certain afterwards. What
 * triggers, rules, operators, casts and views run cannot be told from the text of the command, and is not looked for: any
 * command may have them, and a mark at every step would say nothing.
 */
export function runsHidden(tokens: readonly Token[], effect: Effect | undefined): boolean {
  const [first] = tokens;
  if (isWord(first, 'do') || isWord(first, 'call')) return true;
  if (effect?.kind === 'prepare' || effect?.kind === 'declare') return false;
  if (isWord(first, 'create')) return tokens.some((_, at) => at > bodyOf(tokens) && isCall(tokens, at));
  const calls = isSymbol(first, '(') || (first?.kind === 'word' && CALLING.has(first.text));
  return calls && tokens.some((_, at) => isCall(tokens, at));
}

/** Where the query of a CREATE TABLE AS or CREATE MATERIALIZED VIEW begins; at the end, where there is none. */
function bodyOf(tokens: readonly Token[]): number {
  const makesTable = tokens.slice(1, 4).some((one) => isWord(one, 'table') || isWord(one, 'materialized'));
  const as = tokens.findIndex((one) => isWord(one, 'as'));
  return makesTable && as !== -1 ? as : tokens.length;
}

/** Does a parenthesis follow, and is what stands before it the name of a function? */
function isCall(tokens: readonly Token[], at: number): boolean {
  if (!isSymbol(tokens[at + 1], '(')) return false;
  const { kind, text } = tokens[at]!;
  if (kind !== 'word' && kind !== 'name') return false;
  const schema = isSymbol(tokens[at - 1], '.') ? tokens[at - 2]?.text : undefined;
  if (BUILT_IN.has(text) && (schema === undefined || schema === 'pg_catalog')) return false;
  if (schema === undefined && kind === 'word' && NO_CALLS.has(text)) return false;
  return !isOtherName(tokens, schema === undefined ? at : startOfName(tokens, at));
}

/** A table whose columns follow, an alias with columns, the name of a common table expression or of an EXECUTE. */
function isOtherName(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1];
  if (isSymbol(before, ')')) return true;
  if (
    before?.kind === 'word' &&
    ['into', 'as', 'recursive', 'execute', 'table', 'copy'].includes(before.text)
  )
    return true;
  if (isWord(before, 'with')) return true;
  return isWord(tokens[afterParentheses(tokens, at)], 'as') && isSymbol(before, ',');
}

function startOfName(tokens: readonly Token[], at: number): number {
  let start = at;
  while (isSymbol(tokens[start - 1], '.')) start -= 2;
  return start;
}

function afterParentheses(tokens: readonly Token[], from: number): number {
  let depth = 0;
  for (let at = from + 1; at < tokens.length; at++) {
    if (isSymbol(tokens[at], '(')) depth++;
    if (isSymbol(tokens[at], ')') && --depth === 0) return at + 1;
  }
  return tokens.length;
}
