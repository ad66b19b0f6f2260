import { isJsonObject } from '#core/json.ts';
import type { SeenLiteral } from '#core/tasks/seen.ts';
import type { Source } from './analysis.ts';
import { TOKEN, type Token } from './parser.ts';
import type { SourceText } from './source-text.ts';
import { type Json, numberIn, textIn } from './tree.ts';
import { unreadable } from './unreadable.ts';

/** A place with the bytes of the text that it has. */
export interface Located {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
  /** Of `DATE '…'`: where its literal begins, and the type before it ends. */
  readonly type?: number;
}

/** `$n`, where the text has it. */
export function parameterOf(node: Json, text: SourceText): Located {
  const start = numberIn(node, 'location');
  const parameter = numberIn(node, 'number');
  const token = text.at(start);
  // `?` is libpg_query's own, and no server's.
  if (token === undefined || parameter < 1 || text.slice(token)[0] !== '$')
    throw unreadable('has a parameter without a number');
  return { source: { parameter }, start, end: token.end };
}

/** A constant that the text has as a literal; undefined for what the grammar made one (`extract(year from …)`), and bit strings. */
export function constantOf(node: Json, text: SourceText): Located | undefined {
  const literal = literalOf(node);
  const start = numberIn(node, 'location');
  const token = text.at(start);
  if (literal === undefined || token === undefined) return undefined;
  const last = lastToken(literal, token, text);
  if (last === undefined) return undefined;
  const negated = last !== token;
  const at = text.unit(last.start);
  return { source: { literal, at, ...(negated && { negated }) }, start, end: last.end };
}

/** The literal's token, for a number the one behind its minus. */
function lastToken({ kind, text: value }: SeenLiteral, token: Token, text: SourceText): Token | undefined {
  const written = text.slice(token);
  if (kind === 'text') return /^(?:[eEnN]?'|[uU]&'|\$)/.test(written) ? token : undefined;
  if (kind === 'boolean' || kind === 'any')
    return written.toLowerCase() === String(value) ? token : undefined;
  if (isNumber(token.type)) return token;
  const next = text.after(token);
  if (written !== '-' || next === undefined || !isNumber(next.type))
    throw unreadable('has a number behind more than one minus');
  return next;
}

function isNumber(type: number): boolean {
  return type === TOKEN.integer || type === TOKEN.float;
}

function literalOf(node: Json): SeenLiteral | undefined {
  if (node['isnull'] === true) return { kind: 'any', text: null };
  const { ival, fval, sval, boolval } = node;
  if (isJsonObject(ival)) return { kind: 'integer', text: String(numberIn(ival, 'ival')) };
  if (isJsonObject(fval)) return numberOf(textIn(fval, 'fval'));
  if (isJsonObject(sval)) return { kind: 'text', text: textIn(sval, 'sval') };
  if (isJsonObject(boolval)) return { kind: 'boolean', text: String(boolval['boolval'] === true) };
  return undefined;
}

const INT8_MAX = (1n << 63n) - 1n;

/** What the lexer took as no int4: bigint or numeric by its size, as `make_const` of the server has it. */
export function numberOf(text: string): SeenLiteral {
  const isBigint = /^-?\d{1,19}$/.test(text) && magnitude(text) <= INT8_MAX;
  return isBigint ? { kind: 'integer', text: String(BigInt(text)) } : { kind: 'number', text };
}

function magnitude(text: string): bigint {
  const value = BigInt(text);
  return value < 0n ? -value : value;
}
