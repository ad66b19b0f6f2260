/** What is taken away of a session besides its steps, by who knows its protocol. */
import type { EndingOf, JsonStep } from '../reader.ts';
import type { ReplayFrame, Shown } from '../step.ts';

export type Frames = AsyncIterable<ReplayFrame>;

/** Takes text as it is made. No more is made before it resolves. */
export type TakeText = (text: string) => Promise<void>;

/** Takes the rows of results one after another: those of the step that is wanted are known for it only when they are over. */
export interface TableSink {
  /** Another result begins; what came before was not wanted. */
  begin(): Promise<void>;
  text: TakeText;
}

/** The same, value by value; `row` is given what lasts no longer than the call. */
export interface RowSink {
  /** Another result begins; what came before was not wanted. */
  begin(): void;
  row(values: readonly (Shown | null)[]): void;
}

export interface TableOptions {
  /** What stands for NULL; an empty text is `""`, so that both are told apart. */
  readonly nullText: string;
  /** Cells that a spreadsheet would take for a formula begin with `'`. */
  readonly spreadsheet: boolean;
}

export interface ScriptTotals {
  readonly steps: number;
  /** Statements that are in the script as comments, as they failed or were never run. */
  readonly commented: number;
  /** Those that are left out as nobody can tell for certain what ran. */
  readonly doubtful: number;
}

export interface SessionExports {
  /** All rows of a step's result, as CSV (RFC 4180, with LF). Resolves with whether there is such a step with a result. */
  readonly table: (frames: Frames, step: number, options: TableOptions, sink: TableSink) => Promise<boolean>;
  /** All rows of a step's result as steps show values. Resolves with the step, undefined where it has no result. */
  readonly rows: (frames: Frames, step: number, sink: RowSink) => Promise<JsonStep | undefined>;
  /** The same as `table` of what a step keeps: `part` where that is not all of it, undefined where it has no result. */
  readonly shownTable: (json: JsonStep, options: TableOptions) => string | undefined;
  /** A script that does again what the session did, with its answers as comments. */
  readonly script: (frames: Frames, ending: EndingOf, take: TakeText) => Promise<ScriptTotals>;
}
