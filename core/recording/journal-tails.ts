/**
 * A dead task's journal, read without holding it: first what there is of each segment, then, part by part, what is needed.
 * What is held at once is bounded, whatever the journal's length.
 */
import { CONTENT_MAX_BYTES, type Head } from './format.ts';
import type { JournalEntry, JournaledTail, JournalRemains } from './ports.ts';
import type { Voucher } from './vouched.ts';

/** Of each session, the segments that the journal holds and how many bytes of content follow on each other in it. */
export type Held = ReadonlyMap<string, SegmentBytes>;
export type SegmentBytes = ReadonlyMap<number, number>;

/** Tails that are held in memory together. */
export interface TailBatch {
  readonly held: Held;
  /** Sessions of which a later batch has more, from a later segment on. */
  readonly unfinished: ReadonlySet<string>;
}

/** Reads everything and keeps nothing of it. `seen` is told of each entry, and waited for. */
export async function surveyTails(
  remains: JournalRemains,
  seen: () => void | Promise<void> = () => undefined,
): Promise<Held> {
  const held = new Map<string, Map<number, number>>();
  await remains.read(({ session, segment, offset, block }) => {
    const bytes = held.get(session)?.get(segment) ?? 0;
    if (offset === bytes && isPossible(bytes + block.byteLength))
      held.set(
        session,
        (held.get(session) ?? new Map<number, number>()).set(segment, bytes + block.byteLength),
      );
    return seen();
  });
  return held;
}

/** No segment is longer: what a journal has beyond it does not verify, and need not be held. */
function isPossible(contentBytes: number): boolean {
  return contentBytes <= CONTENT_MAX_BYTES;
}

export function bytesOf(held: Held): number {
  return [...held.values()].reduce((sum, segments) => sum + sessionBytes(segments), 0);
}

function sessionBytes(segments: SegmentBytes): number {
  return [...segments.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * Parts what is held into batches of at most `maxBytes`, or of one segment. Sessions that hold little come first, so that those
 * that hold much keep nobody waiting; one that holds more than a batch goes through several, its segments in order.
 */
export function batchesOf(held: Held, maxBytes: number): readonly TailBatch[] {
  const batches: { held: Map<string, SegmentBytes>; unfinished: Set<string> }[] = [];
  let free = -1;
  for (const [session, segments] of [...held].toSorted(([, a], [, b]) => sessionBytes(a) - sessionBytes(b))) {
    const parts = partsOf(segments, maxBytes);
    for (const part of parts) {
      // Two parts of one session never fit into one batch.
      if (sessionBytes(part) > free) {
        batches.push({ held: new Map(), unfinished: new Set() });
        free = maxBytes;
      }
      free -= sessionBytes(part);
      batches.at(-1)!.held.set(session, part);
      if (part !== parts.at(-1)) batches.at(-1)!.unfinished.add(session);
    }
  }
  return batches;
}

/** In order, each as much as `maxBytes` takes. */
function partsOf(segments: SegmentBytes, maxBytes: number): readonly SegmentBytes[] {
  const parts: Map<number, number>[] = [new Map()];
  for (const [segment, bytes] of [...segments].toSorted(([a], [b]) => a - b)) {
    const last = parts.at(-1)!;
    if (last.size > 0 && sessionBytes(last) + bytes > maxBytes) parts.push(new Map([[segment, bytes]]));
    else last.set(segment, bytes);
  }
  return parts;
}

/** The tails of a batch, by session. `seen`: as in `surveyTails`. */
export async function readTails(
  remains: JournalRemains,
  { held }: Pick<TailBatch, 'held'>,
  seen: () => void | Promise<void> = () => undefined,
): Promise<ReadonlyMap<string, readonly JournaledTail[]>> {
  const found = new Map([...held].map(([session, segments]) => [session, emptyTails(segments)] as const));
  await remains.read((entry) => {
    found.get(entry.session)?.get(entry.segment)?.join(entry);
    return seen();
  });
  return new Map([...found].map(([session, tails]) => [session, tailsOf(session, tails)] as const));
}

/** Whether these are all that the batch has of a session: another sealer may have cleared the journal meanwhile. */
export function isWhole(tails: readonly JournaledTail[], segments: SegmentBytes): boolean {
  return [...segments].every(([segment, bytes]) =>
    tails.some((tail) => tail.segment === segment && tail.content.byteLength === bytes),
  );
}

function emptyTails(segments: SegmentBytes): Map<number, GrowingTail> {
  return new Map([...segments].map(([segment, bytes]) => [segment, new GrowingTail(bytes)]));
}

function tailsOf(session: string, tails: ReadonlyMap<number, GrowingTail>): JournaledTail[] {
  return [...tails].flatMap(([segment, { content, last }]) =>
    last === undefined ? [] : [{ session, segment, content, ...last }],
  );
}

/** A head, and who vouches for it. */
interface Vouched {
  readonly head: Head;
  readonly voucher: Voucher;
}

/** Content of a known length, as far as it has come. */
class GrowingTail {
  readonly #bytes: Buffer;
  #length = 0;
  #last: Vouched | undefined;

  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(bytes);
  }

  /** One that does not follow on is left out, with all behind it; so is what came after the journal was looked through. */
  join({ offset, block, head, voucher }: JournalEntry): void {
    if (offset !== this.#length || offset + block.byteLength > this.#bytes.byteLength) return;
    this.#bytes.set(block, offset);
    this.#length += block.byteLength;
    this.#last = { head, voucher: { ...voucher, signature: Uint8Array.from(voucher.signature) } };
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Of what has come; undefined where nothing has. */
  get last(): Vouched | undefined {
    return this.#last;
  }
}
