/**
 * A slab carries frames of many sessions from the relay to the recorder: one buffer, handed over whole.
 * It is never stored. Record: u32 tape, u32 size, then a frame exactly as FORMAT.md stores it, padded to 8 bytes.
 */
import { FRAME_HEADER_BYTES, Stream, type StreamNumber } from './format.ts';

export const SLAB_BYTES = 1 << 20;
const RECORD_HEADER = 8;
const FRAME_AT = RECORD_HEADER + FRAME_HEADER_BYTES;
/** Below this `set` on a small view beats a native copy, which has a call to make. */
const SMALL = 1024;
const TWO_POW_32 = 2 ** 32;

/**
 * Memory for a slab, shared by both threads: whoever was handed it last may touch it. A transferred ArrayBuffer would be
 * safer, but V8 counts it anew on each arrival and collects garbage for every ten or so.
 */
export function newSlab(): SharedArrayBuffer {
  return new SharedArrayBuffer(SLAB_BYTES);
}

/** The writing end: lives on the relay's thread, written once per read event. */
export class SlabWriter {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  #used = 0;
  /** Where the payload of the last frame is. */
  #lastAt = 0;
  #lastEnd = 0;

  constructor(buffer: ArrayBufferLike) {
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
  }

  get buffer(): ArrayBufferLike {
    return this.#bytes.buffer;
  }

  get used(): number {
    return this.#used;
  }

  fits(length: number): boolean {
    return this.#used + recordBytes(length) <= this.#bytes.length;
  }

  /** Appends one frame; the caller has asked `fits`. `timeUs`: whole microseconds since the session's startedAt. */
  append(
    tape: number,
    stream: StreamNumber,
    flags: number,
    timeUs: number,
    source: Uint8Array,
    length: number,
  ): void {
    const at = this.#used;
    const word = at >>> 2;
    const words = this.#words;
    words[word] = tape;
    words[word + 1] = FRAME_HEADER_BYTES + length;
    words[word + 2] = length;
    words[word + 3] = stream | (flags << 8);
    words[word + 4] = timeUs % TWO_POW_32;
    words[word + 5] = timeUs / TWO_POW_32;
    this.#copy(source, length, at + FRAME_AT);
    this.#lastAt = at + FRAME_AT;
    this.#lastEnd = this.#lastAt + length;
    this.#used = at + recordBytes(length);
  }

  /** The last `length` bytes of the last frame's payload, where they lie; none where it is shorter. */
  lastOf(length: number): Uint8Array | undefined {
    if (this.#lastEnd - this.#lastAt < length) return undefined;
    return this.#bytes.subarray(this.#lastEnd - length, this.#lastEnd);
  }

  #copy(source: Uint8Array, length: number, to: number): void {
    const bytes = this.#bytes;
    if (length <= 32) {
      for (let i = 0; i < length; i += 1) bytes[to + i] = source[i]!;
    } else if (length === source.length) {
      bytes.set(source, to);
    } else if (length < SMALL) {
      bytes.set(source.subarray(0, length), to);
    } else {
      Buffer.prototype.copy.call(source, bytes, to, 0, length);
    }
  }
}

function recordBytes(length: number): number {
  return (FRAME_AT + length + 7) & ~7;
}

/** Consecutive frames of one session, gathered from slabs: a block before compression. */
export interface GatheredFrames {
  readonly tape: number;
  readonly rawFrames: Uint8Array;
  readonly frames: number;
  /** Payload bytes. */
  readonly payload: number;
  /** Something of it is the client's. */
  readonly hasClient: boolean;
}

interface Share {
  frames: number;
  hasClient: boolean;
  size: number;
  at: number;
}

/**
 * Sorts the frames of a few slabs by session, keeping their order. The result's views share `scratch`, which must
 * be as large as the slabs together; they are valid until the next call.
 */
export function gatherFrames(
  slabs: readonly { readonly buffer: ArrayBufferLike; readonly used: number }[],
  scratch: Uint8Array,
): GatheredFrames[] {
  const shares = measureShares(slabs);
  let end = 0;
  for (const share of shares.values()) {
    share.at = end;
    end += share.size;
  }
  for (const slab of slabs) copyShares(slab, shares, scratch);
  return [...shares].map(([tape, share]) => ({
    tape,
    rawFrames: scratch.subarray(share.at - share.size, share.at),
    frames: share.frames,
    payload: share.size - share.frames * FRAME_HEADER_BYTES,
    hasClient: share.hasClient,
  }));
}

function measureShares(
  slabs: readonly { readonly buffer: ArrayBufferLike; readonly used: number }[],
): Map<number, Share> {
  const shares = new Map<number, Share>();
  for (const { buffer, used } of slabs) {
    const words = new Uint32Array(buffer);
    for (let word = 0; word << 2 < used; ) {
      const tape = words[word]!;
      const size = words[word + 1]!;
      const hasClient = (words[word + 3]! & 0xff) === Stream.client;
      const share = shares.get(tape);
      if (share === undefined) shares.set(tape, { frames: 1, size, at: 0, hasClient });
      else {
        share.frames += 1;
        share.size += size;
        share.hasClient ||= hasClient;
      }
      word += recordBytes(size - FRAME_HEADER_BYTES) >>> 2;
    }
  }
  return shares;
}

/** Leaves `share.at` behind the share's last byte. */
function copyShares(
  { buffer, used }: { readonly buffer: ArrayBufferLike; readonly used: number },
  shares: ReadonlyMap<number, Share>,
  scratch: Uint8Array,
): void {
  const words = new Uint32Array(buffer);
  const bytes = Buffer.from(buffer);
  for (let at = 0; at < used; ) {
    const size = words[(at >>> 2) + 1]!;
    const share = shares.get(words[at >>> 2]!)!;
    bytes.copy(scratch, share.at, at + RECORD_HEADER, at + RECORD_HEADER + size);
    share.at += size;
    at += recordBytes(size - FRAME_HEADER_BYTES);
  }
}
