import { constants, createZstdCompress } from 'node:zlib';
import { CustodyError } from '../errors.ts';
import { PLAIN_MAX_BYTES, writePlainFrame } from './plain-frame.ts';

/** zstd level 1: on rows the levels above 3 cost more CPU than the storage they save. */
const ZSTD_LEVEL = 1;
/**
 * A table of 16 KiB, where level 1 has 64: it stays in a core's nearest cache beside what is compressed. On rows that takes a
 * tenth off the CPU of a large block and makes it no larger.
 */
const ZSTD_HASH_LOG = 12;

/** What node's zlib streams stand on: one call into zstd, with the context that the stream keeps. */
interface ZstdHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void;
}

interface Internals {
  readonly _handle: ZstdHandle | undefined;
  /** [0] room left in the output, [1] input left, after a write; as before it when zstd failed. */
  readonly _writeState: Uint32Array | undefined;
}

const ROOM_LEFT = 0;
const INPUT_LEFT = 1;
const UNTOUCHED = 0xffffffff;

/**
 * Compresses blocks, each one zstd frame with its content size declared (FORMAT.md, "Blocks").
 *
 * `zstdCompressSync` makes and drops a zstd context of megabytes for every call, which costs 25 µs a small block, and a
 * third of all CPU on bulk transfers once the garbage collector has to follow. This keeps one context. It needs what
 * zlib's streams keep to themselves; the node version is pinned and the constructor fails loudly without them.
 */
export class BlockCompressor {
  #handle: ZstdHandle | undefined;
  readonly #left: Uint32Array;
  #output: Buffer = Buffer.allocUnsafeSlow(64 << 10);

  /** Throws `internal` when this node's zlib streams are of another make. */
  constructor() {
    const params = {
      [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
      [constants.ZSTD_c_hashLog]: ZSTD_HASH_LOG,
    };
    const stream = createZstdCompress({ params });
    const { _handle: handle, _writeState: left } = stream as unknown as Internals;
    if (typeof handle?.writeSync !== 'function' || !(left instanceof Uint32Array))
      throw cannotCompress("zlib's zstd stream lacks _handle.writeSync or _writeState");
    stream.on('error', () => (this.#handle = undefined));
    this.#handle = handle;
    this.#left = left;
  }

  /** The block as one zstd frame, valid until the next call. Throws `internal`, and then for ever. */
  compress(raw: Uint8Array): Uint8Array {
    const isLittle = raw.byteLength <= PLAIN_MAX_BYTES;
    return isLittle ? this.#output.subarray(0, writePlainFrame(raw, this.#output)) : this.#compress(raw);
  }

  #compress(raw: Uint8Array): Uint8Array {
    this.#makeRoom(raw.byteLength);
    const output = this.#output;
    // All input, all the room it can need, and the end, in one call: zstd then declares the size and copies nothing.
    this.#left[INPUT_LEFT] = UNTOUCHED;
    this.#handle?.writeSync(constants.ZSTD_e_end, raw, 0, raw.byteLength, output, 0, output.byteLength);
    if (this.#left[INPUT_LEFT] !== 0) throw this.#broken();
    return output.subarray(0, output.byteLength - this.#left[ROOM_LEFT]!);
  }

  #broken(): CustodyError {
    this.#handle = undefined;
    return cannotCompress('zstd failed, most likely for want of memory');
  }

  #makeRoom(length: number): void {
    const bound = compressBound(length);
    if (bound > this.#output.byteLength) this.#output = Buffer.allocUnsafeSlow(bound);
  }
}

/** No less than ZSTD_COMPRESSBOUND (zstd.h). */
function compressBound(length: number): number {
  return length + (length >>> 8) + 1024;
}

function cannotCompress(detail: string): CustodyError {
  return new CustodyError('internal', 'this node cannot compress a recording', {
    hint: 'start the gateway with the node version that package.json pins',
    detail,
  });
}
