import type { Shown } from '../step.ts';
import type { CopyRun } from './copy-run.ts';
import type { Described } from './memory.ts';
import type { CopyPiece } from './operations.ts';
import { nothingYet } from './parts.ts';
import type { ReportFields } from './server-messages.ts';
import type { ReplayLimits, ShownColumn, ShownCopy, ShownReport, StepKind } from './step.ts';
import type { Texts } from './texts.ts';
import { type CutValue, showHex, showValue } from './values.ts';

const MAX_NOTICES = 100;

/** Collects what the server says to one statement, within the limits. */
export class Answer {
  readonly texts: Texts;
  readonly #limits: ReplayLimits;
  readonly notices: ShownReport[] = [];
  /** Those that are not in `notices`. */
  noticesLeftOut = 0;
  rowCount = 0;
  /** What the client sent to its COPY. */
  copyRun: CopyRun | undefined;
  copyKind: Extract<StepKind, 'copy-in' | 'copy-out' | 'copy-both'> | undefined;
  #columns: readonly Described[] | undefined;
  readonly #rows: (Shown | null)[][] = [];
  #left: number;
  #noticesLeft: number;
  #copyBinary = false;
  #copyMessages = 0;
  /** The first of its data, and how much there was. */
  #copied: CutValue = nothingYet();

  constructor(columns: readonly Described[] | undefined, limits: ReplayLimits, texts: Texts) {
    this.#columns = columns;
    this.#limits = limits;
    this.texts = texts;
    this.#left = limits.answer;
    this.#noticesLeft = limits.answer;
  }

  describe(columns: readonly Described[]): void {
    this.#columns = columns;
  }

  get described(): readonly Described[] | undefined {
    return this.#columns;
  }

  formatOf(column: number): number | undefined {
    return this.#columns?.[column]?.format;
  }

  row(values: readonly (CutValue | null)[], formatOf: (column: number) => number): void {
    this.rowCount++;
    if (this.#rows.length >= this.#limits.rows || this.#left <= 0) return;
    const shown = values.map((value, column) => this.#show(value, column, formatOf));
    this.#rows.push(shown);
    this.#left -= shown.reduce((sum, value) => sum + 16 + (value?.text.length ?? 0), 0);
  }

  #show(value: CutValue | null, column: number, formatOf: (column: number) => number): Shown | null {
    if (value === null) return null;
    const limit = Math.min(this.#limits.value, Math.max(this.#left, 64));
    const type = this.#columns?.[column]?.type ?? 0;
    return showValue(value, type, formatOf(column), limit, (text, most) => this.texts.shown(text, most));
  }

  beginCopy(kind: 'copy-in' | 'copy-out' | 'copy-both', format: number): void {
    this.copyKind = kind;
    this.#copyBinary = format === 1 || kind === 'copy-both';
    this.texts.stamp([this.#copied]);
  }

  copyData({ bytes, length }: CutValue): void {
    this.#copyMessages++;
    const kept = this.#copied.bytes;
    const room = this.#limits.copy - kept.length;
    const grown = room > 0 ? Buffer.concat([kept, bytes.subarray(0, room)]) : kept;
    this.#copied = { ...this.#copied, bytes: grown, length: this.#copied.length + length };
  }

  /** CopyData of the client. */
  copyPiece({ messages, bytes, sample, run }: CopyPiece): void {
    this.copyRun = run;
    this.copyData({ bytes: sample, length: bytes });
    this.#copyMessages += messages - 1;
  }

  notice(fields: ReportFields): void {
    if (this.notices.length === MAX_NOTICES || this.#noticesLeft <= 0) {
      this.noticesLeftOut++;
      return;
    }
    this.notices.push(this.texts.report(fields));
    for (const { bytes } of fields.values()) this.#noticesLeft -= bytes.length;
  }

  get columns(): ShownColumn[] | undefined {
    return this.#columns?.map((column) => this.texts.column(column));
  }

  get rows(): (Shown | null)[][] {
    return this.#rows;
  }

  /** `encoding`: of data that names its own. */
  copy(encoding: string | undefined): ShownCopy | undefined {
    if (this.copyKind === undefined) return undefined;
    const { bytes, length } = this.#copied;
    return {
      format: this.#copyBinary ? 'binary' : 'text',
      messages: this.#copyMessages,
      bytes: length,
      sample: this.#copyBinary
        ? showHex(bytes, this.#limits.copy, length)
        : this.texts.shown(this.#copied, this.#limits.copy, encoding),
    };
  }
}

/** At most `limit` characters, and a mark where some were left out. */
export function shorten(text: string | undefined, limit: number): string | undefined {
  return text === undefined || text.length <= limit ? text : `${text.slice(0, limit)}…`;
}
