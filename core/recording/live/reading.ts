import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { asCustodyError } from '../../errors.ts';
import {
  type CloseReason,
  type CloseStatement,
  closeStatementSchema,
  SEGMENT_FILE_MAX_BYTES,
  STATEMENT_MAX_BYTES,
} from '../format.ts';
import { CLOSE, OPEN, objectKey, segmentName, sessionPrefix, signatureName, TASK_RESULT } from '../layout.ts';
import type { JournalEntry, RecordingSource } from '../ports.ts';
import type { RecordedFrame } from '../read.ts';
import { fault, LiveChain, parsedAs } from './chain.ts';
import type { JournalTail, JournalTails } from './ports.ts';

export interface LivePorts {
  readonly source: RecordingSource;
  readonly tails: JournalTails;
  /** The key that statements are signed with (SPKI, DER). */
  readonly signer: Uint8Array;
}

/** Which session, and the gateway task that holds it. */
export interface LiveSessionName {
  readonly session: string;
  readonly task: string;
}

/** Frames, each as soon as it is durable, or word that there are no more for now. */
export type LivePart = { readonly frames: readonly RecordedFrame[] } | { readonly idle: true };

/**
 * `verified`: the recording is closed, and everything in it was checked, the ledger's proof aside. `failed`: what was given holds, and
 * what follows does not; `fault` says why.
 */
export type LiveEnding =
  | { readonly verdict: 'verified'; readonly reason: CloseReason; readonly close: CloseStatement }
  | { readonly verdict: 'failed'; readonly fault: string };

const BATCH_FRAMES = 1_024;
const BATCH_BYTES = 1 << 20;
const SIGNATURE_MAX_BYTES = 256;

/**
 * A recording from its beginning to its end, while it is written: what the store has, then the durable tail of the journal, each
 * piece verified before its frames are given. Every `idle` is the caller's time to wait, or to stop. One segment is in memory at a
 * time. Rejects where store or journal cannot be read; what the evidence is never makes it reject.
 */
export async function* readLive(
  { session, task }: LiveSessionName,
  ports: LivePorts,
): AsyncGenerator<LivePart, LiveEnding, undefined> {
  const tail = ports.tails.follow(task, session);
  try {
    return yield* new Reading(session, tail, ports).parts();
  } catch (thrown) {
    const error = asCustodyError(thrown);
    if (error.code !== 'format-invalid') throw thrown;
    return { verdict: 'failed', fault: error.message };
  } finally {
    await tail.close();
  }
}

class Reading {
  readonly #session: string;
  readonly #tail: JournalTail;
  readonly #ports: LivePorts;
  /** Entries that cannot be read yet: the segment before theirs is on its way into the store. */
  #waiting: readonly JournalEntry[] = [];

  constructor(session: string, tail: JournalTail, ports: LivePorts) {
    this.#session = session;
    this.#tail = tail;
    this.#ports = ports;
  }

  async *parts(): AsyncGenerator<LivePart, LiveEnding, undefined> {
    const signer = createPublicKey({ key: Buffer.from(this.#ports.signer), format: 'der', type: 'spki' });
    while (!(await this.#has(OPEN))) yield { idle: true };
    const chain = new LiveChain(this.#session, await this.#signed(OPEN, signer));
    for (;;) {
      // Looked at first: whoever closes a recording has stored all its segments.
      const isClosed = await this.#has(signatureName(CLOSE));
      const more = yield* this.#next(chain);
      if (more) continue;
      if (isClosed) return this.#end(chain, signer);
      yield { idle: true };
    }
  }

  /** False where there is nothing more for now. */
  async *#next(chain: LiveChain): AsyncGenerator<LivePart, boolean, undefined> {
    const name = segmentName(chain.segment);
    if (await this.#has(name)) {
      yield* inBatches(chain.addSegment(await this.#get(name, SEGMENT_FILE_MAX_BYTES)));
      return true;
    }
    if (this.#waiting.length === 0) this.#waiting = await this.#tail.read();
    if (this.#waiting.length === 0) return false;
    return yield* this.#fromJournal(chain);
  }

  async *#fromJournal(chain: LiveChain): AsyncGenerator<LivePart, boolean, undefined> {
    for (const [at, entry] of this.#waiting.entries()) {
      const place = chain.placeOf(entry);
      // What the journal has let go of is in the store, or is about to be.
      if (place === 'later' && entry.segment > chain.segment) {
        this.#waiting = this.#waiting.slice(at);
        return false;
      }
      if (place === 'next') yield* inBatches(chain.addEntry(entry));
    }
    this.#waiting = [];
    return true;
  }

  async #end(chain: LiveChain, signer: KeyObject): Promise<LiveEnding> {
    const close = parsedAs(closeStatementSchema, await this.#signed(CLOSE, signer), CLOSE);
    const { frames, bytes } = chain.totals;
    const fits =
      chain.isBetween &&
      close.session === this.#session &&
      close.signer === chain.open.signer &&
      close.segments === chain.segment &&
      close.frames === frames &&
      close.bytes === bytes &&
      close.last === chain.last &&
      close.recordedUntil >= chain.lastTimeUs &&
      (close.recovered || !chain.isRecovered);
    if (!fits) throw fault(`${CLOSE} does not fit what was recorded`);
    await this.#refuseForeign(chain.segment);
    return { verdict: 'verified', reason: close.reason, close };
  }

  async #refuseForeign(segments: number): Promise<void> {
    const own = new Set([OPEN, CLOSE, TASK_RESULT].flatMap((name) => [name, signatureName(name)]));
    own.delete(signatureName(TASK_RESULT));
    for (let segment = 0; segment < segments; segment += 1) own.add(segmentName(segment));
    const names = await this.#ports.source.list(sessionPrefix(this.#session));
    if (!names.every((name) => own.has(name)))
      throw fault('something is stored that is no part of the recording');
  }

  /** A statement under its signature. */
  async #signed(name: string, signer: KeyObject): Promise<Uint8Array> {
    const bytes = await this.#get(name, STATEMENT_MAX_BYTES);
    const signature = await this.#get(signatureName(name), SIGNATURE_MAX_BYTES);
    if (verify('sha256', bytes, { key: signer, dsaEncoding: 'der' }, signature)) return bytes;
    throw fault(`${name} is not signed by this gateway's signer`);
  }

  #get(name: string, atMost: number): Promise<Uint8Array> {
    return this.#ports.source.get(objectKey(this.#session, name), atMost);
  }

  async #has(name: string): Promise<boolean> {
    try {
      await this.#ports.source.size(objectKey(this.#session, name));
      return true;
    } catch (error) {
      if (asCustodyError(error).code === 'not-found') return false;
      throw error;
    }
  }
}

function* inBatches(frames: Iterable<RecordedFrame>): Generator<LivePart, void, undefined> {
  let batch: RecordedFrame[] = [];
  let bytes = 0;
  try {
    for (const frame of frames) {
      batch.push(frame);
      bytes += frame.payload.byteLength;
      if (batch.length < BATCH_FRAMES && bytes < BATCH_BYTES) continue;
      yield { frames: batch };
      [batch, bytes] = [[], 0];
    }
  } catch (thrown) {
    // What was counted before a fault holds.
    if (batch.length > 0) yield { frames: batch };
    throw thrown;
  }
  if (batch.length > 0) yield { frames: batch };
}
