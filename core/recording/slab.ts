/**
 * A slab carries frames of many sessions from the relay to the recorder, in memory that both threads see. It is never stored.
 * Header: u32 how far it is filled, which only grows, 4 bytes nothing. Record: u32 tape, u32 size, then a frame exactly as FORMAT.md
 * stores it, padded to 8 bytes, then f64 when it was recorded, on the gateway's monotonic clock in milliseconds. A record never changes
 * once the header counts it. One of tape 0 has no frame and says only how late it is.
 */
import { FRAME_HEADER_BYTES, Stream, type StreamNumber } from './format.ts';

export const SLAB_BYTES = 1 << 20;
const SLAB_HEADER = 8;
const RECORD_HEADER = 8;
const FRAME_AT = RECORD_HEADER + FRAME_HEADER_BYTES;
const TIME_BYTES = 8;
/** Below this `set` on a small view beats a native copy, which has a call to make. */
const SMALL = 4096;
const TWO_POW_32 = 2 ** 32;

/**
 * Memory for a slab, shared by both threads. A transferred ArrayBuffer would be safer, but V8 counts it anew on each arrival and
 * collects garbage for every ten or so.
 */
export function newSlab(): SharedArrayBuffer {
  return new SharedArrayBuffer(SLAB_BYTES);
}

/** Whole records of a slab. */
export interface SlabRange {
  readonly buffer: ArrayBufferLike;
  readonly from: number;
  readonly to: number;
}

/** The writing end: lives on the relay's thread, written once per read event. */
export class SlabWriter {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #times: Float64Array;
  /** The same, into which node copies natively. Into a Uint8Array it copies a whole source by `set`, which is slow in shared memory. */
  readonly #memory: DataView;
  #end = SLAB_HEADER;
  /** Where the payload of the last frame is. */
  #lastAt = 0;
  #lastEnd = 0;

  /** What the memory held before must be of no use to anybody any more. */
  constructor(buffer: ArrayBufferLike) {
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#times = new Float64Array(buffer);
    this.#memory = new DataView(buffer);
    Atomics.store(this.#words, 0, SLAB_HEADER);
  }

  get buffer(): ArrayBufferLike {
    return this.#bytes.buffer;
  }

  /** Bytes of records. */
  get used(): number {
    return this.#end - SLAB_HEADER;
  }

  /** All that is in it. */
  get range(): SlabRange {
    return { buffer: this.buffer, from: SLAB_HEADER, to: this.#end };
  }

  fits(length: number): boolean {
    return this.#end + recordBytes(FRAME_HEADER_BYTES + length) <= this.#bytes.length;
  }

  /**
   * Appends one frame, which the other thread can see from then on; the caller has asked `fits`. `timeUs`: whole microseconds since the
   * session's startedAt. `atMs`: the same moment on the gateway's monotonic clock.
   */
  append(
    tape: number,
    stream: StreamNumber,
    flags: number,
    timeUs: number,
    source: Uint8Array,
    length: number,
    atMs: number,
  ): void {
    const at = this.#end;
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
    this.#publish(at + recordBytes(FRAME_HEADER_BYTES + length), atMs);
  }

  /** Everything recorded until `atMs` is in it. */
  mark(atMs: number): void {
    const end = this.#end + recordBytes(0);
    if (end > this.#bytes.length) return;
    this.#words[this.#end >>> 2] = 0;
    this.#words[(this.#end >>> 2) + 1] = 0;
    this.#publish(end, atMs);
  }

  /** The last `length` bytes of the last frame's payload, where they lie; none where it is shorter. */
  lastOf(length: number): Uint8Array | undefined {
    if (this.#lastEnd - this.#lastAt < length) return undefined;
    return this.#bytes.subarray(this.#lastEnd - length, this.#lastEnd);
  }

  #publish(end: number, atMs: number): void {
    this.#times[(end - TIME_BYTES) >>> 3] = atMs;
    this.#end = end;
    Atomics.store(this.#words, 0, end);
  }

  #copy(source: Uint8Array, length: number, to: number): void {
    const bytes = this.#bytes;
    if (length <= 32) {
      for (let i = 0; i < length; i += 1) bytes[to + i] = source[i]!;
    } else if (length < SMALL) {
      bytes.set(length === source.length ? source : source.subarray(0, length), to);
    } else {
      Buffer.prototype.copy.call(source, this.#memory, to, 0, length);
    }
  }
}

/** The reading end of a slab that is still being filled: takes what has come since the last time. */
export class SlabReader {
  readonly #buffer: ArrayBufferLike;
  readonly #words: Uint32Array;
  #taken = SLAB_HEADER;

  constructor(buffer: ArrayBufferLike) {
    this.#buffer = buffer;
    this.#words = new Uint32Array(buffer);
  }

  /** Undefined where nothing has come. */
  take(): SlabRange | undefined {
    const from = this.#taken;
    const to = Atomics.load(this.#words, 0);
    if (to === from) return undefined;
    this.#taken = to;
    return { buffer: this.#buffer, from, to };
  }
}

/** When the last record of a range was made: everything recorded until then is in it, or in what came before it. */
export function lastTimeMs({ buffer, to }: SlabRange): number {
  return new Float64Array(buffer, to - TIME_BYTES, 1)[0]!;
}

function recordBytes(size: number): number {
  return ((RECORD_HEADER + size + 7) & ~7) + TIME_BYTES;
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
  /** All of it is the target's. */
  readonly isTargets: boolean;
}

interface Share {
  readonly tape: number;
  frames: number;
  hasClient: boolean;
  isTargets: boolean;
  size: number;
  at: number;
}

/**
 * Sorts the frames of a few ranges by session, keeping their order. The result's views share `scratch`, which must
 * be as large as the ranges together; they are valid until the next call.
 */
export function gatherFrames(ranges: readonly SlabRange[], scratch: Uint8Array): GatheredFrames[] {
  const shares = new Map<number, Share>();
  for (const range of ranges) measureShares(range, shares);
  let end = 0;
  for (const share of shares.values()) {
    share.at = end;
    end += share.size;
  }
  for (const range of ranges) copyShares(range, shares, scratch);
  return [...shares.values()].map((share) => ({
    tape: share.tape,
    rawFrames: scratch.subarray(share.at - share.size, share.at),
    frames: share.frames,
    payload: share.size - share.frames * FRAME_HEADER_BYTES,
    hasClient: share.hasClient,
    isTargets: share.isTargets,
  }));
}

function measureShares({ buffer, from, to }: SlabRange, shares: Map<number, Share>): void {
  const words = new Uint32Array(buffer);
  let share: Share | undefined;
  for (let at = from; at < to; at += recordBytes(words[(at >>> 2) + 1]!)) {
    const word = at >>> 2;
    const tape = words[word]!;
    if (tape === 0) continue;
    if (share?.tape !== tape) share = shareOf(tape, shares);
    share.frames += 1;
    share.size += words[word + 1]!;
    const stream = words[word + 3]! & 0xff;
    if (stream === Stream.target) continue;
    share.isTargets = false;
    if (stream === Stream.client) share.hasClient = true;
  }
}

function shareOf(tape: number, shares: Map<number, Share>): Share {
  const known = shares.get(tape);
  if (known !== undefined) return known;
  const share = { tape, frames: 0, size: 0, at: 0, hasClient: false, isTargets: true };
  shares.set(tape, share);
  return share;
}

/** Leaves `share.at` behind the share's last byte. */
function copyShares(
  { buffer, from, to }: SlabRange,
  shares: ReadonlyMap<number, Share>,
  scratch: Uint8Array,
): void {
  const words = new Uint32Array(buffer);
  const bytes = Buffer.from(buffer);
  let share: Share | undefined;
  for (let at = from; at < to; at += recordBytes(words[(at >>> 2) + 1]!)) {
    const tape = words[at >>> 2]!;
    if (tape === 0) continue;
    const size = words[(at >>> 2) + 1]!;
    if (share?.tape !== tape) share = shares.get(tape)!;
    // A native copy, however small: byte by byte and by a view were both slower from 24 bytes on.
    bytes.copy(scratch, share.at, at + RECORD_HEADER, at + RECORD_HEADER + size);
    share.at += size;
  }
}
