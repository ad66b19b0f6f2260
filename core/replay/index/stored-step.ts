/** One step as a line of a chunk: what is looked for first, so that most lines need not be parsed. */
import { CustodyError } from '#core/errors.ts';
import { isJsonObject, parseJson } from '#core/json.ts';
import type { StepFacts } from '../facts.ts';
import type { JsonStep, ReadStep } from '../reader.ts';
import { STEP_MAX_CHARACTERS } from './format.ts';

/** A step with its place. */
export interface NumberedStep {
  /** From 1, in the order in which the reader gives them. */
  readonly number: number;
  /** The segment that had been read when it was complete. */
  readonly segment: number;
  readonly read: ReadStep;
  readonly facts: StepFacts;
}

/** What is known of a step without its JSON. */
export interface StepMarks {
  readonly number: number;
  readonly segment: number;
  readonly at: number;
  readonly isError: boolean;
  readonly isWrite: boolean;
  readonly kind: string;
  /** Empty where it has none. */
  readonly outcome: string;
}

/** A step as an index has it. */
export interface StoredStep extends StepMarks {
  /** The segment that had been read when the step before was complete: it is from that one at the earliest, but for pipelined ones. */
  readonly since: number;
  readonly json: JsonStep;
}

export function marksOf({ number, segment, read: { step }, facts }: NumberedStep): StepMarks {
  const { kind, at, outcome = '' } = step;
  const { isError, isWrite } = facts;
  return { number, segment, at, isError, isWrite, kind, outcome };
}

/** `segment at marks kind outcome json`, apart by tabs, which JSON has none of. */
export function stepLine(marks: StepMarks, step: NumberedStep): string {
  const { segment, at, isError, isWrite, kind, outcome } = marks;
  const flags = (isError ? 1 : 0) + (isWrite ? 2 : 0);
  return `${segment}\t${at}\t${flags}\t${kind}\t${outcome}\t${boundedText(step)}\n`;
}

/** The marks of a line without its end; `json` is parsed when it is asked for. Throws `format-invalid`. */
export function readLine(line: string, number: number): StepMarks & { readonly json: () => JsonStep } {
  const parts: string[] = [];
  let from = 0;
  for (let n = 0; n < 5; n += 1) {
    const to = line.indexOf('\t', from);
    if (to === -1) throw broken(number);
    parts.push(line.slice(from, to));
    from = to + 1;
  }
  const [segment, at, flags] = parts.slice(0, 3).map(Number) as [number, number, number];
  if (![segment, at, flags].every(Number.isFinite)) throw broken(number);
  const [kind, outcome] = parts.slice(3) as [string, string];
  const json = (): JsonStep => {
    const value = parseJson(line.slice(from));
    if (isJsonObject(value)) return value;
    throw broken(number);
  };
  return { number, segment, at, isError: (flags & 1) !== 0, isWrite: (flags & 2) !== 0, kind, outcome, json };
}

/** No step of the `page` extent is as long; should one be, what is known of it is told, and where all of it is. */
function boundedText({ read }: NumberedStep): string {
  const text = JSON.stringify(read.toJson());
  if (text.length <= STEP_MAX_CHARACTERS) return text;
  const { kind, at, took, outcome } = read.step;
  const words = `this step is ${text.length} characters long, too long to be shown here: custody play shows it`;
  return JSON.stringify({ kind, at, took, ...(outcome && { outcome }), text: words });
}

function broken(number: number): CustodyError {
  return new CustodyError('format-invalid', `the line of step ${number} is not one of an index`);
}
