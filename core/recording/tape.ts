import { createHash, type Hash, type KeyObject, sign } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { HEAD_BYTES, type Head, SIGNATURE_BYTES, SKIPPABLE_MAGIC, TRAILER_BYTES } from './format.ts';
import type { JournalEntry } from './ports.ts';

/** zstd level 1: on rows the levels above 3 cost more than they save (TOOLBOX.md). */
const ZSTD_LEVEL = 1;

/** A segment that is complete, ready to be put. */
export interface FinishedSegment {
  readonly segment: number;
  /** Content and trailer: the object as FORMAT.md describes it. */
  readonly bytes: Uint8Array;
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
  #segment = 0;
  #previous: string;
  #open = new OpenSegment();
  #frames = 0;
  #bytes = 0;

  /** `openHash`: SHA-256 of open.json, where the chain begins. `key`: the session's private Ed25519 key. */
  constructor(session: string, key: KeyObject, openHash: string) {
    this.session = session;
    this.#key = key;
    this.#previous = openHash;
  }

  /** Bytes of frames, before compression, in the segment being filled. */
  get openBytes(): number {
    return this.#open.raw;
  }

  /** The number of the segment being filled. */
  get segment(): number {
    return this.#segment;
  }

  /** Adds whole frames as one block. `payload` counts their payload bytes. */
  add(rawFrames: Uint8Array, frames: number, payload: number): void {
    this.#open.add(compressBlock(rawFrames), rawFrames.byteLength, frames, payload);
    this.#frames += frames;
    this.#bytes += payload;
  }

  /**
   * The blocks added since the last call, as entries for the journal; the last entry's trailer makes the content so
   * far a whole segment. `until`: microseconds since startedAt up to which the recording is complete.
   */
  takeEntries(until: number): JournalEntry[] {
    const fresh = this.#open.takeFresh();
    if (fresh.length === 0) return [];
    const block = fresh.length === 1 ? fresh[0]!.block : concat(fresh.map((part) => part.block));
    return [
      {
        session: this.session,
        segment: this.#segment,
        offset: fresh[0]!.offset,
        block,
        trailer: this.#trailer(until),
      },
    ];
  }

  /** Ends the segment being filled and begins the next. Undefined when it is empty: no segment is empty. */
  finishSegment(until: number): FinishedSegment | undefined {
    if (this.#open.raw === 0) return undefined;
    const trailer = this.#trailer(until);
    const bytes = concat([...this.#open.blocks, trailer]);
    const finished = { segment: this.#segment, bytes };
    this.#previous = this.#open.hashWith(trailer);
    this.#segment += 1;
    this.#open = new OpenSegment();
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
      content: this.#open.content,
      sha256: this.#open.hash(),
      previous: this.#previous,
      until,
    };
    return signTrailer(head, this.#key);
  }
}

/** The segment being filled: its blocks and the running hash over them. */
class OpenSegment {
  readonly blocks: Uint8Array[] = [];
  readonly #hash: Hash = createHash('sha256');
  #fresh: { offset: number; block: Uint8Array }[] = [];
  raw = 0;
  frames = 0;
  payload = 0;
  content = 0;

  add(block: Uint8Array, raw: number, frames: number, payload: number): void {
    this.#fresh.push({ offset: this.content, block });
    this.blocks.push(block);
    this.#hash.update(block);
    this.raw += raw;
    this.frames += frames;
    this.payload += payload;
    this.content += block.byteLength;
  }

  takeFresh(): { offset: number; block: Uint8Array }[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  hash(): string {
    return this.#hash.copy().digest('hex');
  }

  hashWith(trailer: Uint8Array): string {
    return this.#hash.copy().update(trailer).digest('hex');
  }
}

/** One zstd frame with its content size declared, so that readers can refuse before they decompress. */
function compressBlock(raw: Uint8Array): Uint8Array {
  return zstdCompressSync(raw, {
    pledgedSrcSize: raw.byteLength,
    chunkSize: Math.max(1024, Math.min(raw.byteLength + 512, 1 << 20)),
    params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
  });
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

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
