import type { ReplayLimits, Shown, Step } from '../step.ts';
import type { Answer } from './answer.ts';
import type { Statement } from './execution.ts';
import { showText, showValue } from './values.ts';

const BINARY = 1;

/** A statement and its answer as a step; how it ended is for the caller to add. */
export function statementStep(
  statement: Statement & { readonly since: number; readonly parts: number },
  answer: Answer,
  at: number,
  bytes: { readonly client: number; readonly server: number },
  limits: ReplayLimits,
): Step {
  const { portal, text } = statement;
  const values = shownValues(statement, limits);
  const { columns, copy, notices } = answer;
  return {
    kind: answer.copyKind ?? statement.kind,
    at: statement.since,
    took: at - statement.since,
    ...(text !== undefined && { statement: showText(text.bytes, limits.text, text.length) }),
    ...(portal?.prepared !== undefined && { name: portal.prepared.name }),
    ...(statement.kind === 'query' && { part: statement.parts + 1 }),
    ...(values.length > 0 && { values }),
    ...(columns !== undefined && { columns }),
    ...((columns !== undefined || answer.rowCount > 0) && { rows: answer.rows, rowCount: answer.rowCount }),
    ...(copy !== undefined && { copy }),
    ...(notices.length > 0 && { notices }),
    bytes,
  };
}

/** Bind values by the types of the statement's parameters; arguments of a function call have none. */
function shownValues({ portal, values }: Statement, limits: ReplayLimits): (Shown | null)[] {
  const types = portal?.prepared?.types ?? [];
  const formats = portal === undefined ? [BINARY] : portal.formats;
  return (portal?.values ?? values ?? []).map((value, at) =>
    value === null ? null : showValue(value, types[at] ?? 0, formatAt(formats, at), limits.value),
  );
}

/** The format of a column of a row: as the portal was described or bound, or as the query's columns came. */
export function columnFormat(statement: Statement, answer: Answer, column: number): number {
  const { portal } = statement;
  const described = portal === undefined ? answer.formatOf(column) : portal.columns?.[column]?.format;
  return described ?? formatAt(portal?.resultFormats ?? [], column);
}

/** Formats as the protocol has them: none is text, one is for all, or one each. */
function formatAt(formats: readonly number[], at: number): number {
  return (formats.length === 1 ? formats[0] : formats[at]) ?? 0;
}
