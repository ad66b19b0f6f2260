import { createHash, type Hash } from 'node:crypto';
import type { z } from 'zod';
import { CustodyError } from '../../errors.ts';
import { type Head, headSchema, type OpenStatement, openStatementSchema } from '../format.ts';
import type { JournalEntry } from '../ports.ts';
import { type RecordedFrame, readContent, splitSegment } from '../read.ts';
import { headBytes } from '../trailer.ts';
import { parseStrictJson } from '../verify/json.ts';
import { isVouched, type VouchedHead, type VouchingKeys, vouchingKeys } from '../vouched.ts';

/** What is known of a recording up to where it was read, each piece of it checked. */
export class LiveChain {
  readonly open: OpenStatement;
  readonly #keys: VouchingKeys;
  /** The segment that is read now. */
  #segment = 0;
  /** SHA-256 of the file before it. */
  #previous: string;
  /** Of that segment: what was read of its content. */
  #hash = createHash('sha256');
  #offset = 0;
  #counts = { frames: 0, bytes: 0 };
  #totals = { frames: 0, bytes: 0 };
  #lastTimeUs = 0;
  /** The last segment that the store has is under a manifest: nobody but a sealer puts that, as the last. */
  #isRecovered = false;

  /** `open.json`, of which the signature was checked. Throws `format-invalid`. */
  constructor(session: string, open: Uint8Array) {
    this.open = parsedAs(openStatementSchema, open, 'open.json');
    if (this.open.session !== session) throw fault('open.json is of another session');
    this.#previous = sha256(open);
    this.#keys = vouchingKeys(this.open);
  }

  get segment(): number {
    return this.#segment;
  }

  /** SHA-256 of the last whole segment; of `open.json` before there is one. */
  get last(): string {
    return this.#previous;
  }

  /** Of all that was read. */
  get totals(): { readonly frames: number; readonly bytes: number } {
    const { frames, bytes } = this.#totals;
    return { frames: frames + this.#counts.frames, bytes: bytes + this.#counts.bytes };
  }

  /** Microseconds since `startedAt` of the last frame that was read. */
  get lastTimeUs(): number {
    return this.#lastTimeUs;
  }

  /** Whether its last whole segment is one that was recovered. */
  get isRecovered(): boolean {
    return this.#isRecovered;
  }

  /** True when nothing was read of the segment that comes next. */
  get isBetween(): boolean {
    return this.#offset === 0;
  }

  /** Where an entry stands: behind what was read, right after it, or further on than anybody can tell. */
  placeOf({ segment, offset }: JournalEntry): 'known' | 'next' | 'later' {
    if (segment !== this.#segment) return segment < this.#segment ? 'known' : 'later';
    if (offset === this.#offset) return 'next';
    return offset < this.#offset ? 'known' : 'later';
  }

  /** Frames of an entry that stands right after what was read. Throws `format-invalid` before it gives what is not vouched for. */
  *addEntry({ block, head: entered, voucher }: JournalEntry): Generator<RecordedFrame, void, undefined> {
    const name = `the journal's entry of segment ${this.#segment}`;
    const hash = this.#hash.copy().update(block);
    const vouched = { head: headBytes(entered), ...voucher };
    const head = this.#vouched(name, vouched, this.#offset + block.byteLength, hash);
    this.#hash = hash;
    this.#offset += block.byteLength;
    yield* this.#counted(name, block, head);
  }

  /** Frames of the segment's file that were not read yet; then the next segment comes. Throws as `addEntry` does. */
  *addSegment(file: Uint8Array): Generator<RecordedFrame, void, undefined> {
    const name = `segment ${this.#segment}`;
    const { content, ...vouched } = splitSegment(file);
    if (sha256(content.subarray(0, this.#offset)) !== this.#hash.copy().digest('hex'))
      throw fault(`${name} in the store is not what the journal had of it`);
    const rest = content.subarray(this.#offset);
    const hash = this.#hash.copy().update(rest);
    const head = this.#vouched(name, vouched, content.byteLength, hash);
    yield* this.#counted(name, rest, head);
    this.#next(sha256(file));
    this.#isRecovered = vouched.manifest !== undefined;
  }

  #next(hash: string): void {
    this.#totals = this.totals;
    this.#counts = { frames: 0, bytes: 0 };
    this.#segment += 1;
    this.#previous = hash;
    this.#hash = createHash('sha256');
    this.#offset = 0;
  }

  /** The head that the session's keys vouch for, of exactly this content at this place of the chain. */
  #vouched(name: string, vouched: VouchedHead, content: number, hash: Hash): Head {
    if (this.#isRecovered) throw fault(`${name} follows on one that was recovered`);
    if (!isVouched(vouched, this.#keys)) throw fault(`the head of ${name} is not signed`);
    const head = parsedAs(headSchema, vouched.head, `the head of ${name}`);
    const fits =
      head.session === this.open.session &&
      head.segment === this.#segment &&
      head.previous === this.#previous &&
      head.content === content &&
      head.sha256 === hash.copy().digest('hex');
    if (!fits) throw fault(`the head of ${name} is of something else`);
    return head;
  }

  *#counted(name: string, content: Uint8Array, head: Head): Generator<RecordedFrame, void, undefined> {
    for (const frame of readContent(content, this.#lastTimeUs)) {
      const { frames, bytes } = this.#counts;
      this.#counts = { frames: frames + 1, bytes: bytes + frame.payload.byteLength };
      if (this.#counts.frames > head.frames || this.#counts.bytes > head.bytes) break;
      this.#lastTimeUs = frame.timeUs;
      yield frame;
    }
    const { frames, bytes } = this.#counts;
    if (frames !== head.frames || bytes !== head.bytes || head.until < this.#lastTimeUs)
      throw fault(`${name} does not hold what its head counts`);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function parsedAs<T>(shape: z.ZodType<T>, bytes: Uint8Array, name: string): T {
  const parsed = shape.safeParse(parseStrictJson(bytes));
  if (parsed.success) return parsed.data;
  throw fault(`${name} is not in the form that it must have`);
}

export function fault(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}
