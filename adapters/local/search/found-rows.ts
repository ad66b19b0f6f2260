import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Work } from './work.ts';

export const ROWS_SQL =
  'SELECT rowid FROM steps WHERE steps MATCH ? AND rowid >= ? AND rowid <= ? ORDER BY rowid LIMIT ?';

const FIRST_READ = 128;
const READ_MAX = 4096;

/** Rows that FTS5 finds, in their order, from anywhere: read ahead the more the longer they are gone through. */
export class FoundRows {
  readonly #statement: StatementSync;
  readonly #expression: string;
  readonly #last: bigint;
  readonly #work: Work;
  #rows: readonly bigint[] = [];
  /** All rows from here on, and before there, are among `#rows`. */
  #from = 0n;
  #to = 0n;
  #at = 0;
  #size = FIRST_READ;

  /** None behind `last`. */
  constructor(database: DatabaseSync, expression: string, last: bigint, work: Work) {
    this.#statement = database.prepare(ROWS_SQL);
    this.#statement.setReadBigInts(true);
    this.#expression = expression;
    this.#last = last;
    this.#work = work;
  }

  /** The first one that is not before. */
  from(row: bigint): bigint | undefined {
    if (row > this.#last) return undefined;
    if (row < this.#from || row >= this.#to) this.#read(row);
    if (this.#at > 0 && this.#rows[this.#at - 1]! >= row) this.#at = 0;
    while (this.#at < this.#rows.length && this.#rows[this.#at]! < row) this.#at += 1;
    const found = this.#rows[this.#at];
    return found === undefined && this.#to <= this.#last ? this.from(this.#to) : found;
  }

  #read(row: bigint): void {
    this.#size = row === this.#to ? Math.min(READ_MAX, this.#size * 2) : FIRST_READ;
    this.#work.spend('rows', this.#size);
    const found = this.#statement.all(this.#expression, row, this.#last, this.#size);
    this.#rows = found.map(({ rowid }) => rowid as bigint);
    this.#from = row;
    this.#to = found.length < this.#size ? this.#last + 1n : this.#rows.at(-1)! + 1n;
    this.#at = 0;
  }
}
