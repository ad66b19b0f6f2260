import { createHash, type Hash, type KeyObject, sign } from 'node:crypto';
import type { BlockCompressor } from './block-compressor.ts';
import { HEAD_BYTES, type Head, SIGNATURE_BYTES, SKIPPABLE_MAGIC, TRAILER_BYTES } from './format.ts';
import type { JournalEntry } from './ports.ts';
import { SegmentContent, type SegmentMemory } from './segment-content.ts';

/** A segment that is complete, ready to be put. */
export interface FinishedSegment {
  readonly segment: number;
  /** Content and trailer: the object as FORMAT.md describes it. */
  readonly bytes: Uint8Array;
  /** Its entries have all of it, to the byte: what follows it does not depend on its being stored. */
  readonly isEntered: boolean;
  /** Gives the memory of `bytes` back, once it is stored. */
  readonly recycle: () => void;
}

/** What the tapes of one recorder share. */
export interface TapeTools {
  readonly compressor: BlockCompressor;
  readonly memory: SegmentMemory;
}

export interface TapeTotals {
  readonly segments: number;
  readonly frames: number;
  readonly bytes: number;
  /** SHA-256 of the last finished segment; of the open statement when there is none. */
  readonly last: string;
}

/**
 * The writer's side of one recording: blocks of frames in, signed segments out (FORMAT.md, "Segments").
 * Knows nothing of where they are kept.
 */
export class Tape {
  readonly session: string;
  readonly #key: KeyObject;
  readonly #tools: TapeTools;
  #segment = 0;
  #previous: string;
  #open: OpenSegment;
  #frames = 0;
  #bytes = 0;

  /** `openHash`: SHA-256 of open.json, where the chain begins. `key`: the session's private Ed25519 key. */
  constructor(session: string, key: KeyObject, openHash: string, tools: TapeTools) {
    this.session = session;
    this.#key = key;
    this.#tools = tools;
    this.#open = new OpenSegment(new SegmentContent(tools.memory, 0));
    this.#previous = openHash;
  }

  /** Bytes of frames, before compression, in the segment being filled. */
  get openBytes(): number {
    return this.#open.raw;
  }

  /** Bytes of blocks, compressed, that no entry has had yet. */
  get freshBytes(): number {
    return this.#open.freshBytes;
  }

  /** The number of the segment being filled. */
  get segment(): number {
    return this.#segment;
  }

  /** Adds whole frames as one block. `payload` counts their payload bytes. Returns how many bytes the block has. */
  add(rawFrames: Uint8Array, frames: number, payload: number): number {
    const block = this.#tools.compressor.compress(rawFrames);
    this.#open.add(block, rawFrames.byteLength, frames, payload);
    this.#frames += frames;
    this.#bytes += payload;
    return block.byteLength;
  }

  /**
   * The blocks added since the last call as an entry for the journal, whose trailer makes the content so far a whole
   * segment; none when there are none. `until`: microseconds since startedAt up to which the recording is complete.
   */
  takeEntries(until: number): JournalEntry[] {
    if (this.#open.freshBytes === 0) return [];
    const trailer = this.#trailer(until);
    return [{ session: this.session, segment: this.#segment, trailer, ...this.#open.takeFresh(trailer) }];
  }

  /**
   * Ends the segment being filled and begins the next. Undefined when it is empty: no segment is empty. One that entries have
   * whole ends with the trailer of the last of them, so that the journal has the very same segment.
   */
  finishSegment(until: number): FinishedSegment | undefined {
    if (this.#open.raw === 0) return undefined;
    const { content, freshBytes, entered } = this.#open;
    const isEntered = freshBytes === 0 && entered !== undefined;
    const trailer = isEntered ? entered : this.#trailer(until);
    this.#previous = this.#open.hashWith(trailer);
    content.append(trailer);
    const bytes = content.from(0);
    const finished = { segment: this.#segment, bytes, isEntered, recycle: () => content.recycle() };
    this.#segment += 1;
    this.#open = new OpenSegment(new SegmentContent(this.#tools.memory, bytes.byteLength));
    return finished;
  }

  /** Totals over the finished segments; meaningful once the last segment is finished. */
  totals(): TapeTotals {
    return { segments: this.#segment, frames: this.#frames, bytes: this.#bytes, last: this.#previous };
  }

  #trailer(until: number): Uint8Array {
    const head: Head = {
      type: 'custody/head/1',
      session: this.session,
      segment: this.#segment,
      frames: this.#open.frames,
      bytes: this.#open.payload,
      content: this.#open.content.length,
      sha256: this.#open.hash(),
      previous: this.#previous,
      until,
    };
    return signTrailer(head, this.#key);
  }
}

/** The segment being filled: its content, the running hash over it, and what it counts. */
class OpenSegment {
  readonly content: SegmentContent;
  readonly #hash: Hash = createHash('sha256');
  /** How much of the content entries have. */
  #enteredBytes = 0;
  /** The trailer of the last entry. */
  entered: Uint8Array | undefined;
  raw = 0;
  frames = 0;
  payload = 0;

  constructor(content: SegmentContent) {
    this.content = content;
  }

  add(block: Uint8Array, raw: number, frames: number, payload: number): void {
    this.content.append(block);
    this.#hash.update(block);
    this.raw += raw;
    this.frames += frames;
    this.payload += payload;
  }

  get freshBytes(): number {
    return this.content.length - this.#enteredBytes;
  }

  /** The blocks that no journal entry has had yet, for an entry with this trailer. */
  takeFresh(trailer: Uint8Array): { offset: number; block: Uint8Array } {
    const offset = this.#enteredBytes;
    this.#enteredBytes = this.content.length;
    this.entered = trailer;
    return { offset, block: this.content.from(offset) };
  }

  hash(): string {
    return this.#hash.copy().digest('hex');
  }

  hashWith(trailer: Uint8Array): string {
    return this.#hash.copy().update(trailer).digest('hex');
  }
}

/** A trailer as FORMAT.md lays it out: skippable header, padded head, Ed25519 signature over the padded head. */
export function signTrailer(head: Head, key: KeyObject): Uint8Array {
  const trailer = Buffer.alloc(TRAILER_BYTES, 0x20);
  trailer.writeUInt32LE(SKIPPABLE_MAGIC, 0);
  trailer.writeUInt32LE(TRAILER_BYTES - 8, 4);
  trailer.write(JSON.stringify(head), 8, 'utf8');
  trailer[8 + HEAD_BYTES - 1] = 0x0a;
  const signature = sign(null, trailer.subarray(8, 8 + HEAD_BYTES), key);
  trailer.set(signature, TRAILER_BYTES - SIGNATURE_BYTES);
  return trailer;
}
