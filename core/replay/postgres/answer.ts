import type { ReportFields } from '#core/protocols/postgres/backend.ts';
import type { ReplayLimits, Shown, ShownColumn, ShownCopy, ShownReport, StepKind } from '../step.ts';
import type { Described } from './memory.ts';
import type { CopyPiece } from './operations.ts';
import { type CutValue, showHex, showText, showValue } from './values.ts';

const MAX_NOTICES = 100;

/** Collects what the server says to one statement, within the limits. */
export class Answer {
  readonly #limits: ReplayLimits;
  readonly notices: ShownReport[] = [];
  rowCount = 0;
  copyKind: Extract<StepKind, 'copy-in' | 'copy-out' | 'copy-both'> | undefined;
  #columns: readonly Described[] | undefined;
  readonly #rows: (Shown | null)[][] = [];
  #left: number;
  #copyBinary = false;
  #copyMessages = 0;
  #copyBytes = 0;
  #copySample: Uint8Array = new Uint8Array(0);

  constructor(columns: readonly Described[] | undefined, limits: ReplayLimits) {
    this.#columns = columns;
    this.#limits = limits;
    this.#left = limits.answer;
  }

  describe(columns: readonly Described[]): void {
    this.#columns = columns;
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
    return showValue(value, this.#columns?.[column]?.type ?? 0, formatOf(column), limit);
  }

  beginCopy(kind: 'copy-in' | 'copy-out' | 'copy-both', format: number): void {
    this.copyKind = kind;
    this.#copyBinary = format === 1 || kind === 'copy-both';
  }

  copyData({ bytes, length }: CutValue): void {
    this.#copyMessages++;
    this.#copyBytes += length;
    const room = this.#limits.copy - this.#copySample.length;
    if (room > 0) this.#copySample = Buffer.concat([this.#copySample, bytes.subarray(0, room)]);
  }

  /** CopyData of the client. */
  copyPiece({ messages, bytes, sample }: CopyPiece): void {
    this.copyData({ bytes: sample, length: bytes });
    this.#copyMessages += messages - 1;
  }

  notice(fields: ReportFields): void {
    if (this.notices.length < MAX_NOTICES) this.notices.push(showReport(fields, this.#limits.text));
  }

  get columns(): ShownColumn[] | undefined {
    return this.#columns?.map(({ name, type }) => ({ name, type }));
  }

  get rows(): (Shown | null)[][] {
    return this.#rows;
  }

  get copy(): ShownCopy | undefined {
    if (this.copyKind === undefined) return undefined;
    const show = this.#copyBinary ? showHex : showText;
    return {
      format: this.#copyBinary ? 'binary' : 'text',
      messages: this.#copyMessages,
      bytes: this.#copyBytes,
      sample: show(this.#copySample, this.#limits.copy, this.#copyBytes),
    };
  }
}

/** An ErrorResponse or NoticeResponse in words. */
export function showReport(fields: ReportFields, limit: number): ShownReport {
  const text = (code: string): string | undefined => shorten(fields.get(code), limit);
  const optional = { detail: text('D'), hint: text('H'), position: text('P'), where: text('W') };
  return {
    severity: text('V') ?? text('S') ?? '',
    sqlstate: text('C') ?? '',
    message: text('M') ?? '',
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

/** At most `limit` characters, and a mark where some were left out. */
export function shorten(text: string | undefined, limit: number): string | undefined {
  return text === undefined || text.length <= limit ? text : `${text.slice(0, limit)}…`;
}
