import { isSymbol, isWord, type Token } from './tokens.ts';

/** A piece of the SQL text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * What a command does to the names that it shares with the protocol, or to the transaction that portals live in. Names are
 * as written (`scannable`), folded and without quotes. https://www.postgresql.org/docs/current/sql-commands.html
 */
export type Effect =
  | { readonly kind: 'prepare'; readonly name: string; readonly body: Span }
  | { readonly kind: 'deallocate'; readonly name: string | undefined }
  | { readonly kind: 'execute'; readonly name: string }
  | { readonly kind: 'declare'; readonly name: string; readonly hold: boolean; readonly body: Span }
  | { readonly kind: 'fetch'; readonly name: string }
  | { readonly kind: 'close'; readonly name: string | undefined }
  | { readonly kind: 'discard' }
  | { readonly kind: 'savepoint' | 'release' | 'rollback-to'; readonly name: string }
  /** COMMIT, ROLLBACK, PREPARE TRANSACTION: the command's tag says which it was. */
  | { readonly kind: 'end' };

export function effectOf(tokens: readonly Token[]): Effect | undefined {
  const [first] = tokens;
  if (first?.kind !== 'word') return undefined;
  switch (first.text) {
    case 'prepare':
      return prepared(tokens);
    case 'deallocate':
      return { kind: 'deallocate', name: deallocated(tokens) };
    case 'discard':
      return isWord(tokens[1], 'all') ? { kind: 'discard' } : undefined;
    case 'execute':
      return named('execute', tokens[1]);
    case 'explain':
    case 'create':
      return executedInside(tokens);
    default:
      return portalOrTransaction(first.text, tokens);
  }
}

function portalOrTransaction(verb: string, tokens: readonly Token[]): Effect | undefined {
  switch (verb) {
    case 'declare':
      return declared(tokens);
    case 'fetch':
    case 'move':
      return named('fetch', tokens.at(-1));
    case 'close':
      return { kind: 'close', name: isWord(tokens[1], 'all') ? undefined : tokens[1]?.text };
    case 'savepoint':
    case 'release':
      return named(verb, tokens.at(-1));
    case 'rollback':
    case 'abort':
      return tokens.slice(1, 3).some((token) => isWord(token, 'to'))
        ? named('rollback-to', tokens.at(-1))
        : { kind: 'end' };
    case 'commit':
    case 'end':
      return { kind: 'end' };
    default:
      return undefined;
  }
}

function named<Kind extends 'execute' | 'fetch' | 'savepoint' | 'release' | 'rollback-to'>(
  kind: Kind,
  token: Token | undefined,
): { readonly kind: Kind; readonly name: string } | undefined {
  return token === undefined ? undefined : { kind, name: token.text };
}

/** PREPARE name [(types)] AS command; PREPARE TRANSACTION 'id'. */
function prepared(tokens: readonly Token[]): Effect | undefined {
  if (isWord(tokens[1], 'transaction') && tokens[2]?.kind === 'string') return { kind: 'end' };
  const as = outside(tokens, 2, (token) => isWord(token, 'as'));
  const body = spanFrom(tokens, as + 1);
  if (tokens[1] === undefined || as === -1 || body === undefined) return undefined;
  return { kind: 'prepare', name: tokens[1].text, body };
}

/** DEALLOCATE [PREPARE] { name | ALL }; `prepare` may be the name. */
function deallocated(tokens: readonly Token[]): string | undefined {
  const token = isWord(tokens[1], 'prepare') && tokens.length > 2 ? tokens[2] : tokens[1];
  return isWord(token, 'all') ? undefined : token?.text;
}

/** DECLARE name … CURSOR [WITH HOLD | WITHOUT HOLD] FOR query. */
function declared(tokens: readonly Token[]): Effect | undefined {
  const found = outside(tokens, 2, (token) => isWord(token, 'for'));
  const body = spanFrom(tokens, found + 1);
  if (tokens[1] === undefined || found === -1 || body === undefined) return undefined;
  const hold = isWord(tokens[found - 1], 'hold') && isWord(tokens[found - 2], 'with');
  return { kind: 'declare', name: tokens[1].text, hold, body };
}

/** EXPLAIN … EXECUTE name, CREATE TABLE … AS EXECUTE name. */
function executedInside(tokens: readonly Token[]): Effect | undefined {
  const explains = isWord(tokens[0], 'explain');
  const options = new Set(['explain', 'analyze', 'verbose']);
  const found = outside(tokens, 1, (token, before) => {
    if (!isWord(token, 'execute')) return false;
    return isWord(before, 'as') || (explains && (isSymbol(before, ')') || options.has(before.text)));
  });
  return found === -1 ? undefined : named('execute', tokens[found + 1]);
}

/** Where the first token outside of parentheses is that `is` what is looked for; -1 when there is none. */
function outside(
  tokens: readonly Token[],
  from: number,
  is: (token: Token, before: Token) => boolean,
): number {
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (isSymbol(token, '(')) depth++;
    else if (isSymbol(token, ')')) depth--;
    else if (depth === 0 && is(token, tokens[at - 1]!)) return at;
  }
  return -1;
}

function spanFrom(tokens: readonly Token[], at: number): Span | undefined {
  const [first, last] = [tokens[at], tokens.at(-1)];
  return first === undefined || last === undefined ? undefined : { start: first.start, end: last.end };
}
