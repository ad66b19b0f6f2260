/** What a statement is besides its shape. */
import { isJsonObject } from '#core/json.ts';
import { harmless } from '../harmless.ts';
import { OWN_NAMES } from '../own-questions.ts';
import type { Statement } from './analysis.ts';
import { type Json, numberIn, textIn } from './tree.ts';

type Facts = Pick<Statement, 'kind' | 'beside' | 'sets' | 'copies' | 'refusal'>;

/** `statement`: the node of a `RawStmt`; `text`: the statement's own, without comments. */
export function factsOf(statement: Json, text: string): Facts {
  const [kind = ''] = Object.keys(statement);
  const node = statement[kind];
  const members = isJsonObject(node) ? node : {};
  return {
    kind,
    ...besides(text),
    ...(kind === 'VariableSetStmt' && setOf(members)),
    ...(kind === 'CopyStmt' && copiesOf(members)),
    ...refusalOf(kind, members),
  };
}

function besides(text: string): Pick<Statement, 'beside'> {
  const found = harmless(text);
  if (found === undefined) return {};
  return { beside: found === 'settings' ? 'settings' : 'transactions' };
}

/** `SET name TO value` and its opposite; not of several values at once, nor RESET ALL. */
function setOf({ kind, name, args }: Json): Pick<Statement, 'sets'> {
  if (typeof name !== 'string') return {};
  const setting = name.toLowerCase();
  if (kind === 'VAR_RESET' || kind === 'VAR_SET_DEFAULT') return { sets: { setting, value: null } };
  if (kind !== 'VAR_SET_VALUE' || !Array.isArray(args)) return {};
  const values = args.map(argument);
  if (!values.every((value) => value !== undefined)) return {};
  return { sets: { setting, value: values.join(', ') } };
}

function argument(node: unknown): string | undefined {
  const constant = isJsonObject(node) ? node['A_Const'] : undefined;
  if (!isJsonObject(constant)) return undefined;
  const { ival, fval, sval } = constant;
  if (isJsonObject(ival)) return String(numberIn(ival, 'ival'));
  if (isJsonObject(fval)) return textIn(fval, 'fval');
  return isJsonObject(sval) ? textIn(sval, 'sval') : undefined;
}

function copiesOf(node: Json): Pick<Statement, 'copies'> {
  if (node['is_program'] === true || node['filename'] !== undefined) return {};
  return { copies: node['is_from'] === true ? 'in' : 'out' };
}

/** Commands that no contract can have, in words that complete "it …". */
const REFUSALS: Readonly<Record<string, string>> = {
  DoStmt: 'is DO, whose effects cannot be told: put the code into a function and call that',
  LoadStmt: 'loads a library into the server',
  TransactionStmt:
    'is about transactions: they pass beside a contract that allows them (allow: [transactions])',
  VariableSetStmt: 'is about a setting: say under sets which may be set, and to what',
  PrepareStmt: 'names a prepared statement: say what it runs',
  ExecuteStmt: 'runs a prepared statement by its name: say what it runs',
  DeallocateStmt: 'is about the names of prepared statements, and not a command of a task',
  DiscardStmt: 'takes back settings and names of the session, and is no command of a task',
};

function refusalOf(kind: string, node: Json): Pick<Statement, 'refusal'> {
  if (textIn(node, 'portalname').startsWith(OWN_NAMES))
    return { refusal: "uses a name of the gateway's own" };
  const refusal = REFUSALS[kind] ?? (kind === 'CopyStmt' ? copyRefusal(node) : innerRefusal(node));
  return refusal === undefined ? {} : { refusal };
}

function copyRefusal(node: Json): string | undefined {
  if (node['is_program'] === true) return 'is COPY of a program, which runs on the server';
  return node['filename'] === undefined
    ? undefined
    : 'is COPY of a file of the server: use FROM STDIN or TO STDOUT';
}

/** EXPLAIN ANALYZE and CREATE TABLE AS run what they have. */
function innerRefusal({ query }: Json): string | undefined {
  if (!isJsonObject(query)) return undefined;
  const [kind = ''] = Object.keys(query);
  const inner = query[kind];
  return REFUSALS[kind] ?? (isJsonObject(inner) ? innerRefusal(inner) : undefined);
}
