import { isJsonObject } from '#core/json.ts';
import type { Analysis, Analyst, Statement } from './analysis.ts';
import { canonicalForm } from './canonical.ts';
import type { Located } from './constants.ts';
import { type Parsed, type Parser, TOKEN, type Token } from './parser.ts';
import { isComment, SourceText } from './source-text.ts';
import { factsOf } from './statement-facts.ts';
import type { Touches } from './touches.ts';
import { traceOf } from './trace.ts';
import { type Json, numberIn } from './tree.ts';
import { isUnreadable, unreadable } from './unreadable.ts';

/** An analyst in this thread. */
export class LocalAnalyst implements Analyst {
  readonly #parser: Parser;
  readonly #touchesOf: TouchesOf | undefined;

  /** `touchesOf`: for who wants to know, besides, what statements read and write. */
  constructor(parser: Parser, touchesOf?: TouchesOf) {
    this.#parser = parser;
    this.#touchesOf = touchesOf;
  }

  analyse(text: string): Analysis {
    const parsed = this.#parser.parse(text);
    if (isUnreadable(parsed)) return failure(parsed);
    try {
      return analysed(text, parsed, this.#touchesOf);
    } catch (error) {
      if (isUnreadable(error)) return failure(error);
      throw error;
    }
  }
}

function failure({ why, detail }: { readonly why: string; readonly detail: string | undefined }): Analysis {
  return { why, ...(detail !== undefined && { detail }) };
}

type TouchesOf = (statement: Json) => Touches;

function analysed(
  text: string,
  { statements, tokens, isLarge }: Parsed,
  touchesOf: TouchesOf | undefined,
): Analysis {
  const source = new SourceText(text, tokens);
  refuseAmbiguous(source, tokens);
  const comment = tokens.filter(({ type }) => isComment(type)).map((token) => traceOf(source.slice(token)));
  const trace = comment.find((one) => one !== undefined);
  const end = Buffer.byteLength(text);
  return {
    statements: statements.map((raw) => ({ ...statementOf(raw, source, end), ...touched(raw, touchesOf) })),
    ...(trace !== undefined && { trace }),
    ...(isLarge && { isLarge }),
  };
}

/**
 * Numbers that older servers read as a number and a name behind it (0x1F, 1_000), and texts whose tokens the next server may cut
 * in another way.
 */
function refuseAmbiguous(source: SourceText, tokens: readonly Token[]): void {
  for (const token of tokens) {
    if (token.type === TOKEN.unicodeText && /^uescape$/i.test(followed(source, token)))
      throw unreadable('has a text with UESCAPE');
    if ((token.type === TOKEN.integer || token.type === TOKEN.float) && !PLAIN.test(source.slice(token)))
      throw unreadable('has a number that servers of different versions read differently');
  }
}

const PLAIN = /^(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

function followed(source: SourceText, token: Token): string {
  const next = source.after(token);
  return next === undefined ? '' : source.slice(next);
}

function statementOf(raw: Json, source: SourceText, end: number): Statement {
  const { stmt } = raw;
  if (!isJsonObject(stmt)) throw unreadable('does not parse');
  const [start, length] = [numberIn(raw, 'stmt_location'), numberIn(raw, 'stmt_len')];
  const tokens = source.within(start, length === 0 ? end : start + length);
  const { shape, places } = canonicalForm(stmt, source);
  return {
    shape,
    text: written(source, tokens, places, (at) => hole(source, at + 1, places[at]!)),
    places: places.map((place) => place.source),
    parameters: Math.max(0, ...places.flatMap(({ source: of }) => parametersIn(of))),
    ...factsOf(
      stmt,
      written(source, tokens, [], () => ''),
    ),
  };
}

function touched({ stmt }: Json, touchesOf: TouchesOf | undefined): Pick<Statement, 'touches'> {
  return touchesOf === undefined || !isJsonObject(stmt) ? {} : { touches: touchesOf(stmt) };
}

function parametersIn(source: Statement['places'][number]): readonly number[] {
  if ('list' in source) return source.list.flatMap(parametersIn);
  if ('array' in source) return parametersIn(source.array);
  return 'parameter' in source ? [source.parameter] : [];
}

/** The tokens with one space where any space or comment was, and something in place of each place. */
function written(
  source: SourceText,
  tokens: readonly Token[],
  places: readonly Located[],
  replace: (place: number) => string,
): string {
  let text = '';
  let after: number | undefined;
  let next = 0;
  for (const token of tokens) {
    if (next > 0 && token.start < places[next - 1]!.end) continue;
    if (after !== undefined && token.start > after) text += ' ';
    const isPlace = places[next]?.start === token.start;
    text += isPlace ? replace(next) : source.slice(token);
    after = isPlace ? places[next]!.end : token.end;
    if (isPlace) next += 1;
  }
  return text.replace(/;$/, '');
}

function hole(source: SourceText, number: number, { start, type }: Located): string {
  if (type === undefined) return `$${number}`;
  return `CAST($${number} AS ${source.slice({ start, end: type }).trim()})`;
}

/** The text of one statement with something else in place of each of its places; `written` is what stands there. Throws `Unreadable`. */
export function rewrite(
  parser: Parser,
  text: string,
  replace: (place: number, written: string) => string,
): string {
  const parsed = parser.parse(text);
  if (isUnreadable(parsed)) throw parsed;
  const source = new SourceText(text, parsed.tokens);
  const stmt = parsed.statements[0]?.['stmt'];
  if (!isJsonObject(stmt)) throw unreadable('does not parse');
  const { places } = canonicalForm(stmt, source);
  const tokens = source.within(0, Buffer.byteLength(text));
  return written(source, tokens, places, (at) => replace(at, source.slice(places[at]!)));
}
