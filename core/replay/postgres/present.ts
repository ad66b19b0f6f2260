import type { Shown } from '../step.ts';
import type { Answer } from './answer.ts';
import { copyEncoding } from './encoding-commands.ts';
import type { Portal } from './memory.ts';
import type { ReplayLimits, Step } from './step.ts';
import type { Texts } from './texts.ts';
import { type CutValue, showValue } from './values.ts';

/** What of a statement its steps show. */
interface Statement {
  readonly kind: 'query' | 'execute' | 'function-call' | 'unmatched';
  readonly text: CutValue | undefined;
  readonly portal: Portal | undefined;
  /** Arguments of a function call, their formats, and that of its result. */
  readonly values: readonly (CutValue | null)[] | undefined;
  readonly formats?: readonly number[] | undefined;
  readonly resultFormats?: readonly number[] | undefined;
}

/** A statement and its answer as a step; how it ended is for the caller to add. */
export function statementStep(
  statement: Statement & { readonly since: number; readonly parts: number },
  answer: Answer,
  at: number,
  bytes: { readonly client: number; readonly server: number },
  limits: ReplayLimits,
): Step {
  const { portal, text } = statement;
  const { columns, notices, noticesLeftOut, texts } = answer;
  const values = shownValues(statement, limits, texts);
  const shown = text === undefined ? undefined : texts.shown(text, limits.text);
  const part = statement.kind === 'query' ? statement.parts + 1 : 1;
  const isCopy = answer.copyKind !== undefined;
  const copy = answer.copy(isCopy && shown ? copyEncoding(shown.text, part) : undefined);
  return {
    kind: answer.copyKind ?? statement.kind,
    at: statement.since,
    took: at - statement.since,
    ...(shown !== undefined && { statement: shown }),
    ...(portal?.prepared !== undefined && { name: portal.prepared.name }),
    ...(statement.kind === 'query' && { part }),
    ...(values.length > 0 && { values }),
    ...(columns !== undefined && { columns }),
    ...((columns !== undefined || answer.rowCount > 0) && { rows: answer.rows, rowCount: answer.rowCount }),
    ...(copy !== undefined && { copy }),
    ...(notices.length > 0 && { notices }),
    ...(noticesLeftOut > 0 && { noticesLeftOut }),
    bytes,
  };
}

/** Bind values by the types of the statement's parameters; arguments of a function call have none. */
export function shownValues(
  { portal, values, formats }: Statement,
  limits: ReplayLimits,
  texts: Texts,
): (Shown | null)[] {
  const types = portal?.prepared?.types ?? [];
  return (portal?.values ?? values ?? []).map((value, at) => {
    if (value === null) return null;
    const format = formatAt(portal?.formats ?? formats ?? [], at);
    return showValue(value, types[at] ?? 0, format, limits.value, (text, most) => texts.shown(text, most));
  });
}

/** The format of a column of a row: as the portal was described or bound, or as the query's columns came. */
export function columnFormat(statement: Statement, answer: Answer, column: number): number {
  const { portal } = statement;
  const described = portal === undefined ? answer.formatOf(column) : portal.columns?.[column]?.format;
  return described ?? formatAt(portal?.resultFormats ?? statement.resultFormats ?? [], column);
}

/** Formats as the protocol has them: none is text, one is for all, or one each. */
export function formatAt(formats: readonly number[], at: number): number {
  return (formats.length === 1 ? formats[0] : formats[at]) ?? 0;
}
