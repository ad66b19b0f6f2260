import { constants, createZstdDecompress } from 'node:zlib';
import { CustodyError } from '../errors.ts';
import { BLOCK_MAX_BYTES } from './format.ts';

/** RFC 8878 section 3.1.1.1.2 asks every decoder for 8 MiB; nothing within our limits needs more. */
export const WINDOW_LOG_MAX = 23;

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
/** Small blocks share memory: an ArrayBuffer for each costs more than to decompress it. */
const FRESH_BYTES = 64 << 10;

interface Room {
  readonly memory: Uint8Array;
  readonly at: number;
}

/**
 * Decompresses whole zstd frames, one a call.
 *
 * `zstdDecompressSync` makes and drops a context for every call, 15 to 24 µs each: a file of 10-byte frames takes a hundred
 * times as long as with one context (0.2 µs). Like BlockCompressor it needs what zlib's streams keep to themselves, and its
 * constructor fails loudly without them. They share no code: a verifier has none in common with the writer.
 */
export class BlockDecompressor {
  readonly #stream = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX } });
  readonly #handle: ZstdHandle;
  readonly #left: Uint32Array;
  #fresh: Room = { memory: new Uint8Array(0), at: 0 };
  #shared: Room | undefined;

  /** Throws `internal` when this node's zlib streams are of another make. */
  constructor() {
    const { _handle: handle, _writeState: left } = this.#stream as unknown as Internals;
    if (typeof handle?.writeSync !== 'function' || !(left instanceof Uint32Array))
      throw new CustodyError('internal', 'this node cannot decompress a recording', {
        hint: 'run it with the node version that package.json pins',
        detail: "zlib's zstd stream lacks _handle.writeSync or _writeState",
      });
    this.#stream.on('error', () => undefined);
    this.#handle = handle;
    this.#left = left;
  }

  /**
   * What is in `frame`, which must be one whole zstd frame and nothing else, in memory that is not used again. `declared`: its
   * size, as the frame says. Undefined when zstd refuses it, or it has more than 4 MiB; no other call may follow then.
   */
  decompress(frame: Uint8Array, declared: number | undefined): Uint8Array | undefined {
    const room = Math.min(declared ?? BLOCK_MAX_BYTES, BLOCK_MAX_BYTES) + 1;
    const into = declared === undefined ? this.#sharedRoom() : this.#freshRoom(room);
    this.#left[INPUT_LEFT] = UNTOUCHED;
    this.#handle.writeSync(constants.ZSTD_e_end, frame, 0, frame.byteLength, into.memory, into.at, room);
    const length = room - this.#left[ROOM_LEFT]!;
    if (this.#left[INPUT_LEFT] !== 0 || length === room || (declared ?? length) !== length) return undefined;
    return declared === undefined ? this.#kept(into.memory.subarray(0, length)) : this.#taken(length);
  }

  /** Memory behind what was given away, of which `#taken` gives away the next piece. */
  #freshRoom(room: number): Room {
    if (this.#fresh.at + room > this.#fresh.memory.byteLength)
      this.#fresh = { memory: new Uint8Array(Math.max(room, FRESH_BYTES)), at: 0 };
    return this.#fresh;
  }

  #taken(length: number): Uint8Array {
    const { memory, at } = this.#fresh;
    this.#fresh = { memory, at: at + length };
    return memory.subarray(at, at + length);
  }

  /** Memory for the largest block, where a frame does not say what it needs. */
  #sharedRoom(): Room {
    this.#shared ??= { memory: new Uint8Array(BLOCK_MAX_BYTES + 1), at: 0 };
    return this.#shared;
  }

  #kept(bytes: Uint8Array): Uint8Array {
    const { memory, at } = this.#freshRoom(bytes.byteLength);
    memory.set(bytes, at);
    return this.#taken(bytes.byteLength);
  }

  /** Gives zstd's memory back. */
  close(): void {
    this.#stream.destroy();
  }
}
