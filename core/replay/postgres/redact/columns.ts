/** Leaves values of columns out of steps: results, COPY data, bind values, constants, and what the server says of them. */
import { loadParser, type Parser } from '#core/protocols/postgres/shapes/parser.ts';
import type { JsonStep } from '../../reader.ts';
import type { LeaveColumnsOut } from '../../redact/rules.ts';
import { changeAll } from '../../redact/texts.ts';
import type { Shown } from '../../step.ts';
import { postgresStepOf } from '../shape.ts';
import type { ShownReport, Step } from '../step.ts';
import { columnMark, type NamedColumn, named, namedColumns, saidIn } from './column-names.ts';
import { hiddenOutputs, type Outputs } from './outputs.ts';
import { type Place, type Sight, Sights } from './sight.ts';

export async function loadColumnRules(written: readonly string[]): Promise<LeaveColumnsOut> {
  const rules = new ColumnRules(await loadParser(), namedColumns(written));
  return (json) => rules.leaveOut(json);
}

/** What is known of what a step did. */
interface Known {
  readonly sight: Sight | undefined;
  /** Of the statement that a name in it stands for. */
  readonly runs: Sight | undefined;
  /** Nobody can tell what it did: its values may be any column's. */
  readonly isUnknown: boolean;
}

/** Steps that do something at the server by a statement. */
const ASKS = new Set([
  'query',
  'prepare',
  'execute',
  'function-call',
  'copy-in',
  'copy-out',
  'copy-both',
  'unmatched',
]);

class ColumnRules {
  readonly #sights: Sights;
  readonly #columns: readonly NamedColumn[];

  constructor(parser: Parser, columns: readonly NamedColumn[]) {
    this.#sights = new Sights(parser, columns);
    this.#columns = columns;
  }

  leaveOut(json: JsonStep): JsonStep {
    const step = postgresStepOf(json);
    const known = this.#known(step);
    const changes = defined({
      statement: step.statement && this.#statement(step.statement, known.sight, known.runs),
      runs: step.runs && this.#statement(step.runs, known.runs, undefined),
      values: step.values && this.#values(step.values, known),
      rows: step.rows && this.#rows(step, known),
      copy: step.copy && this.#copy(step.copy, known),
      error: step.error && this.#report(step.error, known),
      notices:
        step.notices &&
        same(
          step.notices,
          step.notices.map((notice) => this.#report(notice, known)),
        ),
      notification: step.notification && this.#notification(step.notification),
      note: step.note && (changeAll(step.note, this.#said) as Step['note']),
      login: step.login && changeAll(json['login'], this.#said),
      text: step.text === undefined ? undefined : this.#said(step.text),
    });
    const isChanged = Object.entries(changes).some(([key, value]) => value !== json[key]);
    return isChanged ? { ...json, ...changes } : json;
  }

  #known(step: Step): Known {
    const { kind, statement, runs, doubt } = step;
    const sight = statement && this.#sights.of(statement);
    const ran = runs && this.#sights.of(runs);
    const isLost = sight?.runsOther === true && ran === undefined;
    const isUnknown = ASKS.has(kind) && (statement === undefined || doubt !== undefined || isLost);
    return { sight, runs: ran, isUnknown };
  }

  #statement(shown: Shown, sight: Sight | undefined, runs: Sight | undefined): Shown {
    if (sight === undefined) return shown;
    const given = runs === undefined ? this.#columns[0] : this.#given(runs);
    const hides = sight.runsOther ? given : undefined;
    if (sight.hidden === 'all' || hides !== undefined)
      return replacedBy(shown, columnMark(sight.column ?? hides ?? this.#columns[0]!));
    if (sight.hidden.length === 0) return shown;
    return replacedBy(
      shown,
      withMarks(shown.text, sight.hidden, columnMark(sight.column ?? this.#columns[0]!)),
    );
  }

  #values(values: NonNullable<Step['values']>, { sight, runs, isUnknown }: Known): Step['values'] {
    const told = runs ?? sight;
    const hidden = (at: number): NamedColumn | undefined => {
      if (isUnknown || told === undefined) return this.#columns[0];
      // What EXECUTE gives are the other's parameters, in its own order.
      if (runs !== undefined) return this.#given(runs);
      const isHidden = told.parameters === 'all' || told.parameters.has(at + 1);
      return isHidden ? (told.column ?? this.#columns[0]) : undefined;
    };
    return same(
      values,
      values.map((value, at) => hiddenValue(value, hidden(at))),
    );
  }

  /** The column into which what EXECUTE gives may go. */
  #given({ parameters, column }: Sight): NamedColumn | undefined {
    const isGiven = parameters === 'all' || parameters.size > 0;
    return isGiven ? (column ?? this.#columns[0]) : undefined;
  }

  #rows(step: Step, known: Known): Step['rows'] {
    const hidden = this.#hiddenColumns(step, known);
    return same(
      step.rows!,
      step.rows!.map((row) =>
        same(
          row,
          row.map((value, at) => hiddenValue(value, hidden(at))),
        ),
      ),
    );
  }

  #hiddenColumns(step: Step, known: Known): (at: number) => NamedColumn | undefined {
    const { columns } = step;
    const told = known.runs ?? known.sight;
    const count = columns?.length ?? Math.max(...step.rows!.map((row) => row.length));
    const byPlace = hiddenOutputs(this.#outputsOf(step, known), count, this.#columns[0]!);
    return (at) => byPlace[at] ?? (columns?.[at] && named(told?.reached ?? this.#columns, columns[at].name));
  }

  #outputsOf({ part = 1 }: Step, { sight, runs, isUnknown }: Known): Outputs {
    if (isUnknown) return { kind: 'all' };
    if (runs !== undefined) return oneOf(runs.outputs, 1);
    return sight === undefined ? { kind: 'all' } : oneOf(sight.outputs, part);
  }

  #copy(copy: NonNullable<Step['copy']>, { sight, isUnknown }: Known): Step['copy'] {
    const column =
      isUnknown || sight === undefined || sight.copy ? (sight?.column ?? this.#columns[0]!) : undefined;
    return column === undefined ? copy : { ...copy, sample: replacedBy(copy.sample, columnMark(column)) };
  }

  /** Where the statement has to do with the column, what the server says may repeat a value. */
  #report(report: ShownReport, { sight, runs, isUnknown }: Known): ShownReport {
    const column = sight?.column ?? runs?.column ?? (isUnknown ? this.#columns[0] : undefined);
    const field = (text: string): string => {
      const said = saidIn(this.#columns, text) ?? (ROW.test(text) ? this.#columns[0] : undefined);
      const found = column ?? said;
      return found === undefined ? text : columnMark(found);
    };
    const { detail, hint, where, message, sqlstate } = report;
    const changes = defined({
      message: TELLS_NO_VALUE.test(sqlstate) ? message : field(message),
      detail: detail === undefined ? undefined : field(detail),
      hint: hint === undefined ? undefined : field(hint),
      where: where === undefined ? undefined : field(where),
    });
    return same(report, { ...report, ...changes } as ShownReport);
  }

  #notification(notification: NonNullable<Step['notification']>): Step['notification'] {
    const column = saidIn(this.#columns, notification.payload.text);
    if (column === undefined) return notification;
    return { ...notification, payload: replacedBy(notification.payload, columnMark(column)) };
  }

  readonly #said = (text: string): string => {
    const column = saidIn(this.#columns, text);
    return column === undefined ? text : columnMark(column);
  };
}

/** `Failing row contains (…)`: it says no column's name, and all values. */
const ROW = /row contains/i;

/**
 * Classes of errors whose message names things and repeats no value: of connections, constraints, transactions, roles, what is not
 * there, and of what an operator does.
 */
const TELLS_NO_VALUE = /^(?:08|23|25|28|40|53|55|57|42501|42P01|42703|00)/;

/** Of a text with several commands, the one that was answered; any of them where the answer's place is not known. */
function oneOf(outputs: readonly Outputs[], part: number): Outputs {
  const own = outputs[part - 1];
  if (own !== undefined) return own;
  return outputs.length === 0 ? { kind: 'by-name' } : { kind: 'all' };
}

function hiddenValue(value: Shown | null, column: NamedColumn | undefined): Shown | null {
  return column === undefined || value === null ? value : replacedBy(value, columnMark(column));
}

function replacedBy({ bytes, cut }: Shown, text: string): Shown {
  return { text, bytes, cut };
}

/** In a statement a mark is a text constant, or a comment, so that it is still a statement. */
function withMarks(text: string, places: readonly Place[], mark: string): string {
  const bytes = Buffer.from(text);
  let [left, last] = ['', 0];
  for (const { start, end, isComment } of places) {
    left += bytes.toString('utf8', last, start) + (isComment ? `/* ${mark} */` : `'${mark}'`);
    last = end;
  }
  return left + bytes.toString('utf8', last);
}

/** The one that was, where nothing in it is another. */
function same<T extends object>(was: T, is: T): T {
  const [before, after] = [Object.entries(was), Object.entries(is)];
  const isSame =
    before.length === after.length &&
    after.every(([key, value], at) => before[at]![0] === key && before[at]![1] === value);
  return isSame ? was : is;
}

function defined<T extends object>(all: T): Partial<T> {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Partial<T>;
}
