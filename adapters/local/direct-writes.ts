import { constants, ftruncate, write } from 'node:fs';
import { promisify } from 'node:util';

/** Pieces of this size are written, whole blocks of any common disk. */
const PIECE_BYTES = 1 << 20;
const BLOCK_BYTES = 4096;
const SPARE_PIECES = 2;

const writeAt = promisify(write);
const cutOff = promisify(ftruncate);

/** A file that `DirectWrites` writes is opened with it; undefined where the platform has no such flag. */
export const O_DIRECT: number | undefined = constants.O_DIRECT;

/**
 * Writes whole files past the page cache (open(2), O_DIRECT). What is written once and read by nobody soon needs no copy there: to
 * find the pages, to copy and to write them back takes two or three times the CPU. Flushes nothing.
 */
export class DirectWrites {
  readonly #spare: Buffer[] = [];

  /** A file that is empty then has `bytes`. Rejects with EINVAL where the file system or the disk wants none of it. */
  async write(file: number, bytes: Uint8Array): Promise<void> {
    const piece = this.#spare.pop() ?? pageAligned(PIECE_BYTES);
    for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
      const part = bytes.subarray(at, at + PIECE_BYTES);
      piece.set(part);
      await writeAll(file, piece.subarray(0, wholeBlocks(part.byteLength)), at);
    }
    if (this.#spare.length < SPARE_PIECES) this.#spare.push(piece);
    // Behind the end, in its last block, stands what the piece held before. The file system reads that block first.
    await cutOff(file, bytes.byteLength);
  }
}

async function writeAll(file: number, bytes: Uint8Array, at: number): Promise<void> {
  for (let written = 0; written < bytes.byteLength; )
    written += (await writeAt(file, bytes, written, bytes.byteLength - written, at + written)).bytesWritten;
}

/** V8 reserves whole pages for memory that may be resized, and open(2) asks for memory that starts where a block could. */
function pageAligned(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length, { maxByteLength: length }));
}

function wholeBlocks(length: number): number {
  return Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES;
}
