/** All rows of an answer, in memory that is bounded: what they come to, and the first of them as they were. */
import { createHash, hash as hashOnce } from 'node:crypto';
import type { Budget } from '../../postgres/memory.ts';

export type Row = readonly (Uint8Array | null)[];

const ROW_OVERHEAD = 64;
/** Hashes of rows that are kept, so that the first that differs is found beyond those that are. */
export const MARKS_MAX = 1 << 20;

export class Rows {
  count = 0;
  /** From the first on, without a gap. */
  readonly kept: Row[] = [];
  readonly marks: number[] = [];
  readonly #ordered = createHash('sha256');
  /** Whatever the order: the sum of the rows' hashes. */
  #sum = 0n;
  /** Of rows that have no mark. */
  readonly #beyond = createHash('sha256');
  readonly #budget: Budget;
  readonly #isLeftOut: (column: number) => boolean;
  #weight = 0;
  #isFull = false;

  /** `isLeftOut`: columns that may differ, which are not in what rows come to. */
  constructor(budget: Budget, isLeftOut: (column: number) => boolean) {
    this.#budget = budget;
    this.#isLeftOut = isLeftOut;
  }

  /** `lengths`: of values of which only the beginning is there. */
  add(row: Row, lengths: readonly number[]): void {
    this.count++;
    const digest = hashOnce('sha256', this.#canonical(row, lengths), 'buffer');
    this.#ordered.update(digest);
    this.#sum = (this.#sum + digest.readBigUInt64LE(8)) & MASK;
    if (this.marks.length < MARKS_MAX) this.marks.push(digest.readUIntLE(0, 6));
    else this.#beyond.update(digest);
    this.#keep(row);
  }

  /** It is asked once, when all are there. */
  end(): RowsSummary {
    const { count, kept, marks } = this;
    return {
      count,
      kept,
      marks,
      ordered: this.#ordered.digest('hex'),
      sum: this.#sum,
      beyond: this.#beyond.digest('hex'),
      free: () => this.#budget.giveBack(this.#weight),
    };
  }

  #canonical(row: Row, lengths: readonly number[]): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const [column, value] of row.entries()) {
      if (this.#isLeftOut(column)) continue;
      const header = Buffer.alloc(8);
      header.writeInt32LE(value === null ? -1 : 0, 0);
      header.writeUInt32LE(value === null ? 0 : lengths[column]!, 4);
      parts.push(header);
      if (value !== null) parts.push(value);
    }
    return Buffer.concat(parts);
  }

  #keep(row: Row): void {
    if (this.#isFull) return;
    const weight = row.reduce((sum, value) => sum + (value?.length ?? 0) + ROW_OVERHEAD, ROW_OVERHEAD);
    if (!this.#budget.take(weight)) this.#isFull = true;
    else {
      this.#weight += weight;
      this.kept.push(row.map((value) => (value === null ? null : Uint8Array.from(value))));
    }
  }
}

const MASK = (1n << 64n) - 1n;

export interface RowsSummary extends Pick<Rows, 'count' | 'kept' | 'marks'> {
  readonly ordered: string;
  readonly sum: bigint;
  /** What the rows come to, in order, that have no mark. */
  readonly beyond: string;
  /** What is kept is looked at no more. */
  readonly free: () => void;
}
