/** The rows of one result, compressed in pieces: any of them are found at once, and a million take little memory. */
import { promisify } from 'node:util';
import { zstdCompressSync, zstdDecompress } from 'node:zlib';
import type { Shown } from '#core/replay/step.ts';

export type Row = readonly (Shown | null)[];

const PIECE_ROWS = 500;
const PIECE_CHARACTERS = 1 << 20;
const unpack = promisify(zstdDecompress);

interface Piece {
  /** Of its first row, from 1. */
  readonly first: number;
  readonly bytes: Buffer;
}

export class RowPieces {
  readonly #pieces: Piece[] = [];
  #filling: string[] = [];
  #characters = 0;
  #rows = 0;
  #bytes = 0;

  get rows(): number {
    return this.#rows;
  }

  /** In memory, of what is compressed. */
  get bytes(): number {
    return this.#bytes;
  }

  add(row: Row): void {
    const text = JSON.stringify(row);
    this.#filling.push(text);
    this.#rows += 1;
    this.#characters += text.length;
    if (this.#filling.length >= PIECE_ROWS || this.#characters >= PIECE_CHARACTERS) this.end();
  }

  /** Nothing follows. */
  end(): void {
    const { length } = this.#filling;
    if (length === 0) return;
    const bytes = zstdCompressSync(`[${this.#filling.join(',')}]`);
    this.#pieces.push({ first: this.#rows - length + 1, bytes });
    this.#bytes += bytes.length;
    [this.#filling, this.#characters] = [[], 0];
  }

  /** From `from`, a piece at a time. */
  async *after(from: number): AsyncGenerator<Row, void, undefined> {
    const begin = this.#pieces.findLastIndex(({ first }) => first <= from);
    for (const { first, bytes } of this.#pieces.slice(Math.max(0, begin))) {
      const rows = JSON.parse((await unpack(bytes)).toString('utf8')) as readonly Row[];
      yield* first < from ? rows.slice(from - first) : rows;
    }
  }
}
