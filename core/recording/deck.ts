import type { CustodyError } from '../errors.ts';
import type { DurabilityMode } from './format.ts';
import type { DraftEntry } from './journal-keys.ts';
import type { OwnPuts } from './own-puts.ts';
import type { Pace } from './pace.ts';
import type { GatheredFrames } from './slab.ts';
import type { FinishedSegment, Tape } from './tape.ts';

/** A segment is put when this many bytes of frames are in it, or when it is old. */
const SEGMENT_BYTES = 8 << 20;
/** What comes meanwhile goes together, up to this: half of what FORMAT.md allows. */
const SEGMENT_MOST_BYTES = 32 << 20;
/** The journal takes so much, compressed, also where it completes a segment: nobody waits for a store for so little. */
const LITTLE_BYTES = 64 << 10;
/** A store may take so long for an object. A session whose window is no longer waits for none. */
const STORE_MS = 150;

/** What a deck is of. */
export interface DeckOf {
  readonly tape: Tape;
  readonly openHash: string;
  readonly stored: OwnPuts;
  readonly durability: { readonly mode: DurabilityMode; readonly windowMs: number };
  /** How fast it comes, compressed. */
  readonly pace: Pace;
  /** The gateway's monotonic clock at startedAt, milliseconds. */
  readonly startedMs: number;
}

/** One session's tape, and what of it is on its way to the store. */
export class Deck {
  readonly tape: Tape;
  readonly openHash: string;
  readonly stored: OwnPuts;
  /** Finished segments on their way to the store, or waiting for another try, in order. */
  readonly unstored: FinishedSegment[] = [];
  /** When the segment being filled got its first block. */
  segmentSinceMs: number;
  /** Everything the gateway saw of this session up to here has arrived. */
  completeMs: number;
  /** Puts of one session happen one after the other, so that a crash never leaves a gap. */
  puts: Promise<void> = Promise.resolve();
  /** Settles with the last of its entries that went to the journal, and so behind all of them. */
  entered: Promise<void> = Promise.resolve();
  /** Its blocks go straight to the store: none goes to the journal before that is done. */
  isPutting = false;
  /** Its segment is old: it is put once the journal has all of it. */
  isDue = false;
  /** Nothing more will come. */
  isClosing = false;
  #failure: CustodyError | undefined;
  readonly #startedMs: number;
  readonly #pace: Pace;
  readonly #isAhead: boolean;
  readonly #mayWait: boolean;
  #waiting: PromiseWithResolvers<void> | undefined;
  #isAwaited = false;
  /** Since its last entry only the target spoke. */
  #isTargets = true;

  constructor({ tape, openHash, stored, durability, pace, startedMs }: DeckOf) {
    this.tape = tape;
    this.openHash = openHash;
    this.stored = stored;
    this.segmentSinceMs = startedMs;
    this.completeMs = startedMs;
    this.#startedMs = startedMs;
    this.#pace = pace;
    this.#isAhead = durability.mode === 'write-ahead';
    this.#mayWait = durability.windowMs > STORE_MS;
  }

  /** Why its session must end: nothing of it that comes later is durable. */
  get failure(): CustodyError | undefined {
    return this.#failure;
  }

  /** The first failure stands. One at its end is none: nobody goes on, and it is tried again. */
  fail(error: CustodyError): void {
    if (!this.isClosing) this.#failure ??= error;
  }

  /** Microseconds since startedAt up to which the recording is complete. */
  get untilUs(): number {
    return Math.max(0, Math.floor((this.completeMs - this.#startedMs) * 1000));
  }

  /** The segment being filled has enough. */
  get isFull(): boolean {
    return this.tape.openBytes >= SEGMENT_BYTES;
  }

  /** The segment being filled takes no more, though the one before it is not stored. */
  get isOverfull(): boolean {
    return this.tape.openBytes >= SEGMENT_MOST_BYTES;
  }

  /** More comes than the journal takes gladly, and the session can wait for the store. */
  get isBulk(): boolean {
    return this.#pace.isFast && this.#mayWait && !this.#isAwaited;
  }

  /** What the journal does not have goes to the store without it. */
  get isForStore(): boolean {
    if (this.tape.freshBytes === 0) return false;
    return this.isBulk || (this.isFull && this.tape.freshBytes > LITTLE_BYTES && !this.#isAwaited);
  }

  /** A segment is on its way that the journal does not have: what follows it is worth nothing without it. */
  get hangs(): boolean {
    return this.unstored.some(({ isEntered }) => !isEntered);
  }

  /** What finished segments take in memory. */
  get unstoredBytes(): number {
    return this.unstored.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  }

  /** Adds frames as one block. `at`: all of them were recorded by then, on the gateway's monotonic clock. */
  add({ rawFrames, frames, payload, hasClient, isTargets }: GatheredFrames, at: number): void {
    if (this.tape.openBytes === 0) this.segmentSinceMs = at;
    this.#pace.add(this.tape.add(rawFrames, frames, payload), at);
    // With write-ahead, what a client sent goes nowhere before it is durable.
    if (this.#isAhead && hasClient) this.#isAwaited = true;
    if (!isTargets) this.#isTargets = false;
  }

  /** The segment being filled is to be put as soon as the journal has all of it. */
  get isEnding(): boolean {
    return this.isFull || this.isDue;
  }

  /** Nobody waits for what the journal does not have of it: it may go there with the next tick. */
  get isUnhurried(): boolean {
    if (this.#isAhead && !this.#isTargets) return false;
    return !this.isEnding && !this.isPutting && !this.isForStore && this.#failure === undefined;
  }

  /** What the journal does not have yet; undefined where it has everything. */
  takeEntry(): DraftEntry | undefined {
    this.#isTargets = true;
    return this.tape.takeEntry(this.untilUs, this.isEnding);
  }

  /** Resolves when all that was added is durable, by whatever way. */
  whenDurable(): Promise<void> {
    this.#waiting ??= Promise.withResolvers<void>();
    return this.#waiting.promise;
  }

  /** All that was added went to the journal, and becomes durable with `entered`, or never. */
  entersJournal(entered: Promise<void>): void {
    this.entered = entered;
    this.becomesDurable(entered);
  }

  /** All that was added becomes durable with `done`, or never. */
  becomesDurable(done: Promise<void>): void {
    this.#isAwaited = false;
    if (this.#waiting !== undefined) done.then(this.#waiting.resolve, this.#waiting.reject);
    this.#waiting = undefined;
  }

  /** Somebody waits for what is on no way yet. */
  get isWaitedFor(): boolean {
    return this.#waiting !== undefined;
  }
}
