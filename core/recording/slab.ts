/**
 * A slab carries frames of many sessions from the relay to the recorder, in memory that both threads see. It is never stored.
 * Header: u32 how many records it has, which only grows, 4 bytes nothing. Then frames, each exactly as FORMAT.md stores it, one directly
 * behind the other. From the slab's end backwards a record for each: f64 when it was recorded, on the gateway's monotonic clock in
 * milliseconds, u32 tape, u32 where the frame ends. Neither changes once the header counts the record. One of tape 0 has no frame
 * and says only how late it is.
 */
import { FRAME_HEADER_BYTES, Stream, type StreamNumber } from './format.ts';

export const SLAB_BYTES = 1 << 20;
const SLAB_HEADER = 8;
const RECORD_BYTES = 16;
/** Below this `set` on a small view beats a native copy, which has a call to make. */
const SMALL = 4096;
/** So much of one session alone is a block as it lies: to copy it costs a twentieth of what the recorder does with it. */
const LARGE = 256 << 10;
/** In a frame's header (FORMAT.md). */
const STREAM_AT = 4;
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
  /** The number of the first record, and of the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** What they and their frames take. */
  readonly bytes: number;
}

/** The writing end: lives on the relay's thread, written once per read event. */
export class SlabWriter {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #times: Float64Array;
  /** The same, into which node copies natively. Into a Uint8Array it copies a whole source by `set`, which is slow in shared memory. */
  readonly #memory: DataView;
  /** Where the last frame ends. */
  #end = SLAB_HEADER;
  /** Where the last record begins. */
  #recordAt: number;
  #records = 0;
  /** Where the payload of the last frame is. */
  #lastAt = 0;
  #lastEnd = 0;

  /** What the memory held before must be of no use to anybody any more. */
  constructor(buffer: ArrayBufferLike) {
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#times = new Float64Array(buffer);
    this.#memory = new DataView(buffer);
    this.#recordAt = buffer.byteLength;
    Atomics.store(this.#words, 0, 0);
  }

  get buffer(): ArrayBufferLike {
    return this.#bytes.buffer;
  }

  /** Bytes of frames and records. */
  get used(): number {
    return this.#end - SLAB_HEADER + this.#records * RECORD_BYTES;
  }

  /** All that is in it. */
  get range(): SlabRange {
    return { buffer: this.buffer, from: 0, to: this.#records, bytes: this.used };
  }

  fits(length: number): boolean {
    return this.#end + FRAME_HEADER_BYTES + length + RECORD_BYTES <= this.#recordAt;
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
    const memory = this.#memory;
    memory.setUint32(at, length, true);
    memory.setUint32(at + 4, stream | (flags << 8), true);
    memory.setUint32(at + 8, timeUs % TWO_POW_32, true);
    memory.setUint32(at + 12, timeUs / TWO_POW_32, true);
    this.#lastAt = at + FRAME_HEADER_BYTES;
    this.#lastEnd = this.#lastAt + length;
    this.#copy(source, length, this.#lastAt);
    this.#publish(tape, this.#lastEnd, atMs);
  }

  /** Everything recorded until `atMs` is in it. */
  mark(atMs: number): void {
    if (this.#end + RECORD_BYTES <= this.#recordAt) this.#publish(0, this.#end, atMs);
  }

  /** The last `length` bytes of the last frame's payload, where they lie; none where it is shorter. */
  lastOf(length: number): Uint8Array | undefined {
    if (this.#lastEnd - this.#lastAt < length) return undefined;
    return this.#bytes.subarray(this.#lastEnd - length, this.#lastEnd);
  }

  #publish(tape: number, end: number, atMs: number): void {
    const at = this.#recordAt - RECORD_BYTES;
    const word = at >>> 2;
    this.#times[at >>> 3] = atMs;
    this.#words[word + 2] = tape;
    this.#words[word + 3] = end;
    this.#recordAt = at;
    this.#end = end;
    this.#records += 1;
    Atomics.store(this.#words, 0, this.#records);
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

/** The records of a slab, as the other thread reads them. */
class Records {
  readonly buffer: ArrayBufferLike;
  readonly bytes: Uint8Array;
  readonly #words: Uint32Array;

  constructor(buffer: ArrayBufferLike) {
    this.buffer = buffer;
    this.bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
  }

  get count(): number {
    return Atomics.load(this.#words, 0);
  }

  tape(record: number): number {
    return this.#words[this.#words.length - 4 * record - 2]!;
  }

  /** Where the frame of a record ends, and that of the next begins. */
  end(record: number): number {
    return record < 0 ? SLAB_HEADER : this.#words[this.#words.length - 4 * record - 1]!;
  }
}

/** The reading end of a slab that is still being filled: takes what has come since the last time. */
export class SlabReader {
  readonly #records: Records;
  #taken = 0;

  constructor(buffer: ArrayBufferLike) {
    this.#records = new Records(buffer);
  }

  /** Undefined where nothing has come. */
  take(): SlabRange | undefined {
    const from = this.#taken;
    const to = this.#records.count;
    if (to === from) return undefined;
    this.#taken = to;
    const frames = this.#records.end(to - 1) - this.#records.end(from - 1);
    return { buffer: this.#records.buffer, from, to, bytes: frames + (to - from) * RECORD_BYTES };
  }
}

/** When the last record of a range was made: everything recorded until then is in it, or in what came before it. */
export function lastTimeMs({ buffer, to }: SlabRange): number {
  return new Float64Array(buffer, buffer.byteLength - to * RECORD_BYTES, 1)[0]!;
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
 * Sorts the frames of a few ranges by session, keeping their order. The result's views are of the slabs, or of `scratch`, which must
 * be as large as the ranges together; they are valid until the next call, and as long as the slabs are.
 */
export function gatherFrames(ranges: readonly SlabRange[], scratch: Uint8Array): GatheredFrames[] {
  const gathered: GatheredFrames[] = [];
  let room = scratch;
  let mixed: Taken[] = [];
  const copyMixed = (): void => {
    const copied = copySorted(mixed, room);
    gathered.push(...copied);
    room = room.subarray(copied.reduce((sum, { rawFrames }) => sum + rawFrames.byteLength, 0));
    mixed = [];
  };
  for (const { buffer, from, to } of ranges) {
    const taken = { records: new Records(buffer), from, to };
    const asItLies = largeOfOne(taken);
    if (asItLies === undefined) mixed.push(taken);
    else {
      copyMixed();
      gathered.push(asItLies);
    }
  }
  copyMixed();
  return gathered;
}

interface Taken {
  readonly records: Records;
  readonly from: number;
  readonly to: number;
}

/** Much of one session and nothing of others needs no sorting. */
function largeOfOne(taken: Taken): GatheredFrames | undefined {
  const { records, from, to } = taken;
  const [begin, end] = [records.end(from - 1), records.end(to - 1)];
  if (end - begin < LARGE || !isOfOne(taken)) return undefined;
  const shares = new Map<number, Share>();
  measureShares(taken, shares);
  const [share] = shares.values();
  return gatheredOf(share!, records.bytes.subarray(begin, end));
}

function isOfOne({ records, from, to }: Taken): boolean {
  let first = 0;
  for (let record = from; record < to; record += 1) {
    const tape = records.tape(record);
    if (first === 0) first = tape;
    else if (tape !== first && tape !== 0) return false;
  }
  return true;
}

function copySorted(ranges: readonly Taken[], scratch: Uint8Array): GatheredFrames[] {
  const shares = new Map<number, Share>();
  for (const range of ranges) measureShares(range, shares);
  let end = 0;
  for (const share of shares.values()) {
    share.at = end;
    end += share.size;
  }
  for (const range of ranges) copyShares(range, shares, scratch);
  return [...shares.values()].map((share) =>
    gatheredOf(share, scratch.subarray(share.at - share.size, share.at)),
  );
}

function gatheredOf(share: Share, rawFrames: Uint8Array): GatheredFrames {
  const { tape, frames, size, hasClient, isTargets } = share;
  return { tape, rawFrames, frames, payload: size - frames * FRAME_HEADER_BYTES, hasClient, isTargets };
}

function measureShares({ records, from, to }: Taken, shares: Map<number, Share>): void {
  let share: Share | undefined;
  let at = records.end(from - 1);
  for (let record = from; record < to; record += 1) {
    const tape = records.tape(record);
    if (tape === 0) continue;
    if (share?.tape !== tape) share = shareOf(tape, shares);
    const end = records.end(record);
    share.frames += 1;
    share.size += end - at;
    const stream = records.bytes[at + STREAM_AT];
    if (stream !== Stream.target) share.isTargets = false;
    if (stream === Stream.client) share.hasClient = true;
    at = end;
  }
}

function shareOf(tape: number, shares: Map<number, Share>): Share {
  const known = shares.get(tape);
  if (known !== undefined) return known;
  const share = { tape, frames: 0, size: 0, at: 0, hasClient: false, isTargets: true };
  shares.set(tape, share);
  return share;
}

/** Consecutive frames of a tape at once. Leaves `share.at` behind the share's last byte. */
function copyShares(
  { records, from, to }: Taken,
  shares: ReadonlyMap<number, Share>,
  scratch: Uint8Array,
): void {
  const bytes = Buffer.from(records.buffer);
  for (let record = from; record < to; ) {
    const tape = records.tape(record);
    const begin = records.end(record - 1);
    do record += 1;
    while (record < to && records.tape(record) === tape);
    if (tape === 0) continue;
    const share = shares.get(tape)!;
    const end = records.end(record - 1);
    // A native copy, however small: byte by byte and by a view were both slower from 24 bytes on.
    bytes.copy(scratch, share.at, begin, end);
    share.at += end - begin;
  }
}
