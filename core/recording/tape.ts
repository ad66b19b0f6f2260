import { createHash, type Hash, type KeyObject, sign } from 'node:crypto';
import type { BlockCompressor } from './block-compressor.ts';
import type { Head } from './format.ts';
import type { DraftEntry, JournalKey } from './journal-keys.ts';
import { SegmentContent, type SegmentMemory } from './segment-content.ts';
import { headBytes, signatureIn, trailerBytes } from './trailer.ts';

/** A segment that is complete, ready to be put. */
export interface FinishedSegment {
  readonly segment: number;
  /** Content and trailer: the object as FORMAT.md describes it. */
  readonly bytes: Uint8Array;
  /** Its entries have all of it, to the byte, its trailer too: what follows it does not depend on its being stored. */
  readonly isEntered: boolean;
  /** Gives the memory of `bytes` back, once it is stored. */
  readonly recycle: () => void;
}

/** What the tapes of one recorder share. */
export interface TapeTools {
  readonly compressor: BlockCompressor;
  readonly memory: SegmentMemory;
}

/** The keys that the open statement names, and what signs for them. */
export interface TapeKeys {
  /** The session's private Ed25519 key. */
  readonly session: KeyObject;
  readonly journal: JournalKey;
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
  readonly #keys: TapeKeys;
  readonly #tools: TapeTools;
  #segment = 0;
  #previous: string;
  #open: OpenSegment;
  #frames = 0;
  #bytes = 0;

  /** `openHash`: SHA-256 of open.json, where the chain begins. */
  constructor(session: string, keys: TapeKeys, openHash: string, tools: TapeTools) {
    this.session = session;
    this.#keys = keys;
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
   * The blocks added since the last call as an entry for the journal, whose head makes the content so far a whole segment; none
   * when there are none. `until`: microseconds since startedAt up to which the recording is complete. With `ends` it is the
   * segment's last: the session key signs it, so that the journal has the very segment that `finishSegment` then gives.
   */
  takeEntry(until: number, ends = false): DraftEntry | undefined {
    const open = this.#open;
    if (open.freshBytes === 0 && (!ends || open.raw === 0 || open.entered !== undefined)) return undefined;
    const head = this.#head(until);
    const trailer = ends ? this.#trailer(head) : undefined;
    const voucher = trailer === undefined ? { by: this.#keys.journal } : { signature: signatureIn(trailer) };
    return { session: this.session, segment: this.#segment, head, voucher, ...open.takeFresh(trailer) };
  }

  /** Ends the segment being filled and begins the next. Undefined when it is empty: no segment is empty. */
  finishSegment(until: number): FinishedSegment | undefined {
    if (this.#open.raw === 0) return undefined;
    const { content, freshBytes, entered } = this.#open;
    const isEntered = freshBytes === 0 && entered !== undefined;
    const trailer = isEntered ? entered : this.#trailer(this.#head(until));
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

  #trailer(head: Head): Buffer {
    const bytes = headBytes(head);
    return trailerBytes(bytes, sign(null, bytes, this.#keys.session));
  }

  #head(until: number): Head {
    return {
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
  }
}

/** The segment being filled: its content, the running hash over it, and what it counts. */
class OpenSegment {
  readonly content: SegmentContent;
  readonly #hash: Hash = createHash('sha256');
  /** How much of the content entries have. */
  #enteredBytes = 0;
  /** The trailer, once an entry has ended the segment. */
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

  /** The blocks that no journal entry has had yet. `trailer`: where that entry ends the segment. */
  takeFresh(trailer: Uint8Array | undefined): { offset: number; block: Uint8Array } {
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
