import { generateKeyPairSync } from 'node:crypto';
import { asCustodyError, CustodyError } from '../errors.ts';
import type { LeafSink } from '../ledger/leaves.ts';
import { BlockCompressor } from './block-compressor.ts';
import type { CloseReason, CloseStatement } from './format.ts';
import { segmentName } from './layout.ts';
import { type HeldLease, leaseLost } from './leases.ts';
import { OwnPuts } from './own-puts.ts';
import type { Journal, JournalEntry, RecordingSink, Signer } from './ports.ts';
import { SegmentMemory } from './segment-content.ts';
import { type Opening, SessionClosing, SessionOpening } from './session-ends.ts';
import type { SessionIndex, SessionOutcome } from './session-index.ts';
import { gatherFrames } from './slab.ts';
import { sha256Hex } from './statements.ts';
import { type FinishedSegment, Tape, type TapeTools } from './tape.ts';
import { type LateSeal, Unsealed } from './unsealed.ts';

/** A segment is put when this many bytes of frames are in it, or when it is this old. */
const SEGMENT_BYTES = 8 << 20;
const SEGMENT_AGE_MS = 60_000;
/** Slabs are gathered into blocks of at most this many slabs: 4 MiB, FORMAT.md's limit. */
const SLABS_PER_BLOCK = 4;

export type { Opening } from './session-ends.ts';

export interface RecorderPorts {
  readonly sink: RecordingSink;
  readonly signer: Signer;
  readonly journal: Journal;
  readonly index: SessionIndex;
  readonly leaves: LeafSink;
  readonly lease: Pick<HeldLease, 'isHeld' | 'task'>;
}

export interface HandedSlab {
  readonly buffer: ArrayBufferLike;
  readonly used: number;
  /** The gateway's monotonic clock at hand-over, milliseconds. */
  readonly at: number;
}

/** Tapes whose frames could not be made durable: their sessions must end. */
export type FailedTapes = readonly (readonly [tape: number, error: CustodyError])[];

export interface Ending {
  readonly reason: CloseReason;
  readonly endedAt: string;
  /** The gateway's monotonic clock, milliseconds. */
  readonly at: number;
  readonly detail?: string;
}

interface Deck {
  readonly tape: Tape;
  readonly openHash: string;
  readonly stored: OwnPuts;
  /** Finished segments on their way to the store, or waiting for another try, in order. */
  readonly unstored: FinishedSegment[];
  /** The gateway's monotonic clock at startedAt, milliseconds. */
  readonly startedMs: number;
  /** When the segment being filled got its first block. */
  segmentSinceMs: number;
  /** Everything the gateway saw of this session up to here has arrived. */
  completeMs: number;
  /** Puts of one session happen one after the other, so that a crash never leaves a gap. */
  puts: Promise<void>;
  failure: CustodyError | undefined;
}

/**
 * Turns slabs of frames into durable evidence for many sessions: keys and statements, blocks, journal, segments.
 * Runs off the relay's thread. `tape` numbers are the gateway's names for its open sessions.
 */
export class Recorder {
  readonly #ports: RecorderPorts;
  readonly #decks = new Map<number, Deck>();
  readonly #tools: TapeTools = { compressor: new BlockCompressor(), memory: new SegmentMemory() };
  readonly #scratch = Buffer.allocUnsafeSlow(SLABS_PER_BLOCK << 20);
  #commits: Promise<void> = Promise.resolve();
  readonly #unsealed = new Unsealed();

  constructor(ports: RecorderPorts) {
    this.#ports = ports;
  }

  /** When it returns, the open statement is signed, stored and on its way into the ledger, and the tape takes frames. Rejects: no session. */
  async open(tape: number, opening: Opening, startedMs: number): Promise<void> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const { session, retention } = opening;
    const begun = new SessionOpening(opening, publicKey, new OwnPuts(this.#ports.sink, session, retention));
    const openHash = await begun.store(this.#ports).catch((cause: unknown) => {
      // A name that is taken is another session's.
      if (asCustodyError(cause).code !== 'already-exists')
        this.#unsealed.keep(session, 0, () => begun.giveUp(this.#ports, () => this.#mayContinue()));
      failRecording(cause);
    });
    this.#mayContinue();
    this.#decks.set(tape, {
      tape: new Tape(opening.session, privateKey, openHash, this.#tools),
      openHash,
      stored: begun.stored,
      unstored: [],
      startedMs,
      segmentSinceMs: startedMs,
      completeMs: startedMs,
      puts: Promise.resolve(),
      failure: undefined,
    });
  }

  /**
   * Makes the slabs' frames durable. Resolves with the tapes that failed (their sessions must end); the other
   * sessions' frames are durable. Blocks are compressed before it returns its promise, so slabs may be reused at once.
   */
  commit(slabs: readonly HandedSlab[]): Promise<FailedTapes> {
    const touched = this.#addBlocks(slabs);
    for (const deck of touched.values()) deck.completeMs = slabs.at(-1)!.at;
    return this.#inTurn(() => this.#persist(touched));
  }

  /** Puts segments that have been open for long, so that the journal never has to keep much. Takes its turn. */
  putAged(at: number): Promise<FailedTapes> {
    return this.#inTurn(() => {
      const aged = [...this.#decks].filter(
        ([, deck]) => deck.tape.openBytes > 0 && at - deck.segmentSinceMs > SEGMENT_AGE_MS,
      );
      return this.#settle(aged.map(([tape, deck]) => [tape, this.#putSegment(deck)]));
    });
  }

  /**
   * Stores what remains and the signed close statement. Rejects when it cannot: the session stays unsealed until `sealAgain`
   * succeeds.
   */
  async close(tape: number, ending: Ending): Promise<SessionOutcome> {
    await this.#commits;
    const deck = this.#deck(tape);
    this.#decks.delete(tape);
    deck.completeMs = ending.at;
    const closing = new SessionClosing(() => this.#closeStatement(deck, ending), deck.stored);
    const seal = (): Promise<SessionOutcome> => this.#seal(deck, closing);
    return this.#putSegment(deck)
      .then(seal)
      .catch((cause: unknown) => {
        this.#unsealed.keep(deck.tape.session, takeOut(deck.unstored), seal);
        failRecording(cause);
      });
  }

  /** Sessions that could not be sealed, and wait for another try. */
  get unsealed(): number {
    return this.#unsealed.size;
  }

  /**
   * Tries again what could not be sealed; resolves with what is sealed now. Every object, statement and leaf is the one of
   * the first try: whatever that one had stored is neither stored twice nor contradicted.
   */
  sealAgain(): Promise<readonly LateSeal[]> {
    return this.#unsealed.tryAgain(() => this.#ports.lease.isHeld);
  }

  /** What an earlier try has stored is not stored again. */
  async #seal(deck: Deck, closing: SessionClosing): Promise<SessionOutcome> {
    while (deck.unstored.length > 0) await this.#putNext(deck);
    this.#mayContinue();
    return closing.store(this.#ports);
  }

  /** One after the other: the journal takes one append at a time, and entries follow the segments they hang on. */
  #inTurn(work: () => Promise<FailedTapes>): Promise<FailedTapes> {
    const done = this.#commits.then(work);
    this.#commits = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  #addBlocks(slabs: readonly HandedSlab[]): Map<number, Deck> {
    const touched = new Map<number, Deck>();
    for (let first = 0; first < slabs.length; first += SLABS_PER_BLOCK) {
      for (const part of gatherFrames(slabs.slice(first, first + SLABS_PER_BLOCK), this.#scratch)) {
        const deck = this.#decks.get(part.tape);
        if (deck === undefined) continue;
        if (deck.tape.openBytes === 0) deck.segmentSinceMs = slabs[first]!.at;
        deck.tape.add(part.rawFrames, part.frames, part.payload);
        touched.set(part.tape, deck);
      }
    }
    return touched;
  }

  async #persist(touched: ReadonlyMap<number, Deck>): Promise<FailedTapes> {
    const journaled: JournalEntry[] = [];
    const work: [number, Promise<void>][] = [];
    const waiting: [number, Deck][] = [];
    for (const [tape, deck] of touched) {
      if (deck.tape.openBytes >= SEGMENT_BYTES) work.push([tape, this.#putSegment(deck)]);
      else {
        const entries = deck.tape.takeEntries(untilUs(deck));
        journaled.push(...entries);
        // A session that was closed meanwhile has its frames in a segment, and does not depend on others' entries.
        if (entries.length > 0) waiting.push([tape, deck]);
        else work.push([tape, deck.puts]);
      }
    }
    const appended = journaled.length > 0 ? this.#append(journaled) : Promise.resolve();
    // An entry is worth nothing without the segments before it, of which one may still be on its way to the store.
    for (const [tape, { puts }] of waiting)
      work.push([tape, Promise.all([appended, puts]).then(() => undefined)]);
    return this.#settle(work);
  }

  /** Acknowledged only while the lease is held: whoever seals in our place reads the journal after that. */
  async #append(entries: readonly JournalEntry[]): Promise<void> {
    await this.#ports.journal.append(entries);
    this.#mayContinue();
  }

  #mayContinue(): void {
    if (!this.#ports.lease.isHeld) throw leaseLost(this.#ports.lease.task);
  }

  async #settle(work: readonly (readonly [number, Promise<void>])[]): Promise<FailedTapes> {
    const settled = await Promise.allSettled(work.map(([, done]) => done));
    return settled.flatMap((result, i) => {
      const tape = work[i]![0];
      // Behind a gap nothing is durable, whatever becomes of it by itself.
      const cause: unknown = result.status === 'rejected' ? result.reason : this.#decks.get(tape)?.failure;
      return cause === undefined ? [] : [[tape, this.#failed(tape, cause)] as const];
    });
  }

  #failed(tape: number, cause: unknown): CustodyError {
    const error = recordingFailed(cause);
    const deck = this.#decks.get(tape);
    if (deck !== undefined) deck.failure ??= error;
    return error;
  }

  #putSegment(deck: Deck): Promise<void> {
    const finished = deck.tape.finishSegment(untilUs(deck));
    if (finished === undefined) return deck.puts;
    deck.unstored.push(finished);
    deck.puts = deck.puts.then(() => this.#putNext(deck));
    return deck.puts;
  }

  /** The oldest of those that are not stored. */
  async #putNext({ tape, stored, unstored }: Deck): Promise<void> {
    const [{ segment, bytes, recycle }] = unstored as [FinishedSegment];
    this.#mayContinue();
    await stored.put(segmentName(segment), bytes);
    this.#mayContinue();
    this.#ports.journal.release(tape.session, segment);
    unstored.shift();
    recycle();
  }

  #deck(tape: number): Deck {
    const deck = this.#decks.get(tape);
    if (deck === undefined)
      throw new CustodyError('internal', 'no such recording', { detail: `tape ${tape}` });
    return deck;
  }

  async #closeStatement(deck: Deck, ending: Ending): Promise<CloseStatement> {
    const totals = deck.tape.totals();
    const detail = ending.detail ?? deck.failure?.detail;
    return {
      type: 'custody/close/1',
      session: deck.tape.session,
      endedAt: ending.endedAt,
      reason: ending.reason,
      recovered: false,
      recordedUntil: untilUs(deck),
      ...totals,
      open: deck.openHash,
      signer: sha256Hex(await this.#ports.signer.publicKey()),
      ...(detail === undefined ? {} : { detail: detail.slice(0, 500) }),
    };
  }
}

function untilUs(deck: Deck): number {
  return Math.max(0, Math.floor((deck.completeMs - deck.startedMs) * 1000));
}

function failRecording(cause: unknown): never {
  throw recordingFailed(cause);
}

function recordingFailed(cause: unknown): CustodyError {
  if (cause instanceof CustodyError && (cause.code === 'recording-failed' || cause.code === 'task-fenced'))
    return cause;
  return new CustodyError('recording-failed', 'the recording could not be stored, so the session ends', {
    hint: 'nothing runs unrecorded; tell whoever runs the gateway',
    detail: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
    cause,
  });
}

/** Out of memory that is larger, as segments share it. Returns how many bytes are held. */
function takeOut(unstored: FinishedSegment[]): number {
  for (const [i, { segment, bytes }] of unstored.entries())
    unstored[i] = { segment, bytes: Uint8Array.from(bytes), recycle: () => undefined };
  return unstored.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
}
