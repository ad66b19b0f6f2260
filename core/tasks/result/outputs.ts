import type { RunDigests } from '../digests.ts';
import type { DeclaredOutput } from '../schema.ts';
import type { SeenBytes, SeenLiteral } from '../seen.ts';
import { DigestLog, digestOfAll } from './digest-log.ts';
import type { ResultOutput } from './result.ts';
import type { TakeBack } from './undo-log.ts';

/** Rows of a task's outputs, all together; what is kept of one output: rows, and characters or bytes. */
export const OUTPUT_ROWS_MAX = 1_000_000;
export const KEPT_ROWS_MAX = 1000;
export const KEPT_MAX = 64 << 10;

const ROW_BYTES = 32;
const VALUE_BYTES = 16;

const TOO_MANY = `it has more than ${OUTPUT_ROWS_MAX} rows`;
const TOO_MUCH_TO_KEEP = `it is more than the ${KEPT_ROWS_MAX} rows or ${KEPT_MAX >> 10} KiB that can be kept`;

type Row = readonly (SeenLiteral | null)[];

/** The rows of one answer as far as outputs want them, until it is known whether they count. */
export class AnswerRows {
  readonly rows = new DigestLog(ROW_BYTES);
  readonly columns: readonly DigestLog[];
  readonly kept: (readonly (string | null)[])[] = [];
  keptSize = 0;
  /** Why these are not all that the output has to have, in words. */
  fault: string | undefined;
  readonly #digests: RunDigests;
  readonly #places: readonly number[];
  readonly #keeps: boolean;

  /** `wanted`: columns of the output; `names`: those of the answer. */
  constructor(digests: RunDigests, wanted: readonly string[], names: readonly string[], keeps: boolean) {
    this.#digests = digests;
    this.#places = wanted.map((name) => names.indexOf(name));
    this.columns = wanted.map(() => new DigestLog(VALUE_BYTES));
    this.#keeps = keeps;
    const missing = wanted.find((name) => !names.includes(name));
    if (missing !== undefined) this.fault = `it has no column ${missing}`;
  }

  take(row: Row, isWhole: boolean): void {
    if (!isWhole) this.fault ??= 'a value of it is longer than 64 KiB';
    if (this.rows.length >= OUTPUT_ROWS_MAX) this.fault ??= TOO_MANY;
    if (this.fault !== undefined) return;
    const values = this.#places.map((place) => row[place] ?? null);
    const digests = values.map((value) => this.#digests.ofLiteral(value));
    this.rows.push(this.#digests.ofRow(digests));
    for (const [at, digest] of digests.entries()) this.columns[at]!.push(digest);
    if (this.#keeps) this.#keep(values.map((value) => value && value.text));
  }

  #keep(row: readonly (string | null)[]): void {
    this.keptSize += row.reduce((sum, text) => sum + (text?.length ?? 0) + 8, 0);
    if (this.kept.length < KEPT_ROWS_MAX && this.keptSize <= KEPT_MAX) this.kept.push(row);
    else this.fault ??= TOO_MUCH_TO_KEEP;
  }
}

/** One output of rows, of all answers that count. */
export class RowsOutput {
  readonly #name: string;
  readonly #declared: DeclaredOutput & { readonly columns: readonly string[] };
  readonly #rows = new DigestLog(ROW_BYTES);
  readonly #columns: readonly DigestLog[];
  readonly #kept: (readonly (string | null)[])[] = [];
  #keptSize = 0;
  #answers = 0;
  fault: string | undefined;

  constructor(name: string, declared: DeclaredOutput & { readonly columns: readonly string[] }) {
    this.#name = name;
    this.#declared = declared;
    this.#columns = declared.columns.map(() => new DigestLog(VALUE_BYTES));
  }

  get isThere(): boolean {
    return this.#answers > 0;
  }

  answer(digests: RunDigests, names: readonly string[]): AnswerRows {
    return new AnswerRows(digests, this.#declared.columns, names, this.#declared.keep);
  }

  /** An answer counts. Returns how it is taken back. */
  add(answer: AnswerRows): TakeBack {
    const faultBefore = this.fault;
    this.#answers += 1;
    this.fault ??= answer.fault ?? this.#tooMuch(answer);
    const isLeftOut = this.fault !== undefined;
    if (!isLeftOut) this.#append(answer);
    const { length } = answer.rows;
    const { keptSize } = answer;
    const kept = answer.kept.length;
    return () => {
      this.#answers -= 1;
      this.fault = faultBefore;
      if (!isLeftOut) this.#removeLast(length, kept, keptSize);
    };
  }

  #append(answer: AnswerRows): void {
    this.#rows.append(answer.rows);
    for (const [at, column] of this.#columns.entries()) column.append(answer.columns[at]!);
    for (const row of answer.kept) this.#kept.push(row);
    this.#keptSize += answer.keptSize;
  }

  #removeLast(rows: number, kept: number, keptSize: number): void {
    this.#rows.removeLast(rows);
    for (const column of this.#columns) column.removeLast(rows);
    this.#kept.splice(this.#kept.length - kept, kept);
    this.#keptSize -= keptSize;
  }

  #tooMuch({ rows, kept, keptSize }: AnswerRows): string | undefined {
    if (this.#rows.length + rows.length > OUTPUT_ROWS_MAX) return TOO_MANY;
    const isTooLong = this.#kept.length + kept.length > KEPT_ROWS_MAX;
    return isTooLong || this.#keptSize + keptSize > KEPT_MAX ? TOO_MUCH_TO_KEEP : undefined;
  }

  result(): ResultOutput {
    const { of, columns, keep } = this.#declared;
    return {
      name: this.#name,
      of,
      rows: this.#rows.length,
      digest: digestOfAll(this.#rows.sorted()).digest,
      columns: columns.map((name, at) => {
        const { digest, count } = digestOfAll(this.#columns[at]!.sorted().different());
        return { name, distinct: count, digest };
      }),
      ...(keep && this.fault === undefined && { kept: this.#kept }),
    };
  }

  /** Digests of the different values of a column; undefined where there are more than `most`. */
  values(column: string, most: number): ReadonlySet<string> | undefined {
    const values = new Set<string>();
    for (const digest of this.#columns[this.#declared.columns.indexOf(column)]!.sorted().different()) {
      if (values.size >= most) return undefined;
      values.add(digest);
    }
    return values;
  }
}

/** One output of bytes: of one answer alone. */
export class StreamOutput {
  readonly #name: string;
  readonly #declared: DeclaredOutput;
  readonly #answers: { readonly seen: SeenBytes; readonly first: Uint8Array }[] = [];

  constructor(name: string, declared: DeclaredOutput) {
    this.#name = name;
    this.#declared = declared;
  }

  get isThere(): boolean {
    return this.#answers.length > 0;
  }

  get fault(): string | undefined {
    if (this.#answers.length > 1) return 'it came more than once';
    const { seen, first } = this.#answers[0] ?? {};
    return this.#declared.keep && seen !== undefined && seen.bytes > first!.length
      ? `it is more than the ${KEPT_MAX >> 10} KiB that can be kept`
      : undefined;
  }

  add(seen: SeenBytes, first: Uint8Array): TakeBack {
    // The second is kept to know that there are several; the others change nothing.
    this.#answers.push({ seen, first: this.#answers.length === 0 ? first : new Uint8Array(0) });
    return () => this.#answers.pop();
  }

  result(): ResultOutput {
    const { seen, first } = this.#answers[0]!;
    const kept = this.#declared.keep && this.fault === undefined;
    return {
      name: this.#name,
      of: this.#declared.of,
      sha256: seen.sha256,
      bytes: seen.bytes,
      ...(kept && { kept: Buffer.from(first).toString('utf8') }),
    };
  }

  get bytes(): readonly [name: string, seen: SeenBytes] {
    return [this.#name, this.#answers[0]!.seen];
  }
}
