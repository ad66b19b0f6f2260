import { generateKeyPairSync } from 'node:crypto';
import { asCustodyError, CustodyError } from '../errors.ts';
import type { LeafSink } from '../ledger/leaves.ts';
import { sideBySide } from '../side-by-side.ts';
import { dueDecks } from './ageing.ts';
import { BlockCompressor } from './block-compressor.ts';
import { CommitLine, inOrder } from './commit-line.ts';
import { Deck } from './deck.ts';
import { Deferred } from './deferred.ts';
import type { CloseReason, CloseStatement } from './format.ts';
import { type DraftEntry, JournalKeys, vouchTogether } from './journal-keys.ts';
import { OwnPuts } from './own-puts.ts';
import { Pace } from './pace.ts';
import type { Journal, JournalEntry, RecordingSink, Signer } from './ports.ts';
import { recordingFailed } from './recording-failed.ts';
import { SegmentMemory } from './segment-content.ts';
import { causeOf, type SegmentPutPorts, SegmentPuts } from './segment-puts.ts';
import { type Opening, SessionClosing, SessionOpening } from './session-ends.ts';
import type { SessionIndex, SessionOutcome } from './session-index.ts';
import { gatherFrames, type SlabRange } from './slab.ts';
import { type SignedStatement, sha256Hex, signStatement } from './statements.ts';
import { type FinishedSegment, Tape, type TapeTools } from './tape.ts';
import { type LateSeal, Unsealed } from './unsealed.ts';

/** Old segments on their way to the store at once: the connections are for those that somebody waits for. */
export const AGEING_AT_ONCE = 16;
/** Segments that the journal has as well may wait for the store until they take so much memory: of one session, and in all. */
const UNSTORED_BYTES = 16 << 20;
const ALL_UNSTORED_BYTES = 256 << 20;
/** What is taken is gathered into blocks of at most this many slabs: 4 MiB, FORMAT.md's limit. */
const SLABS_PER_BLOCK = 4;

export type { Opening } from './session-ends.ts';

export interface RecorderPorts extends SegmentPutPorts {
  readonly sink: RecordingSink;
  readonly signer: Signer;
  readonly journal: Journal;
  readonly index: SessionIndex;
  readonly leaves: LeafSink;
}

/** Records that the recorder has not had yet, of a slab that may still be filled. */
export interface TakenRange extends SlabRange {
  /** Everything the gateway saw until then is in it, or came before it: its monotonic clock, milliseconds. */
  readonly at: number;
}

/** Tapes whose frames could not be made durable: their sessions must end. */
export type FailedTapes = readonly (readonly [tape: number, error: CustodyError])[];

/** What became of a commit. The frames of a tape that is named in neither are durable, or wait for the next tick. */
export interface Committed {
  readonly failed: FailedTapes;
  /** Tapes whose frames go straight to the store, and take their own time: an error, if their sessions must end. */
  readonly behind: readonly (readonly [tape: number, settled: Promise<CustodyError | undefined>])[];
  /** Frames for which nobody waits are not durable, of this commit or of an earlier one: a commit of all makes them so. */
  readonly isPartial: boolean;
  /** How many tapes took part. */
  readonly tapes: number;
}

export interface Ending {
  readonly reason: CloseReason;
  readonly endedAt: string;
  /** The gateway's monotonic clock, milliseconds. */
  readonly at: number;
  readonly detail?: string;
}

/**
 * Turns frames out of slabs into durable evidence for many sessions: keys and statements, blocks, journal, segments.
 * Runs off the relay's thread. `tape` numbers, from 1 on, are the gateway's names for its open sessions.
 */
export class Recorder {
  readonly #ports: RecorderPorts;
  readonly #decks = new Map<number, Deck>();
  readonly #deferred = new Deferred<Deck>();
  readonly #journalKeys = new JournalKeys();
  readonly #tools: TapeTools = { compressor: new BlockCompressor(), memory: new SegmentMemory() };
  readonly #scratch = Buffer.allocUnsafeSlow(SLABS_PER_BLOCK << 20);
  readonly #line: CommitLine;
  /** Old segments on their way to the store. */
  #ageing = 0;
  readonly #unsealed = new Unsealed();
  readonly #puts: SegmentPuts;

  constructor(ports: RecorderPorts) {
    this.#ports = ports;
    this.#puts = new SegmentPuts(ports);
    this.#line = new CommitLine(this.commitsAtOnce);
  }

  /** As many as the journal takes appends. One more may be given, and is compressed meanwhile. */
  get commitsAtOnce(): number {
    return this.#ports.journal.appendsAtOnce ?? 1;
  }

  /** When it returns, the open statement is signed, stored and on its way into the ledger, and the tape takes frames. Rejects: no session. */
  async open(tape: number, opening: Opening, startedMs: number): Promise<void> {
    if (tape === 0) throw new CustodyError('internal', 'no recording has the number 0');
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const { session, retention } = opening;
    const journal = this.#journalKeys.for(startedMs);
    const keys = { recorder: publicKey, journal: journal.publicKey };
    const begun = new SessionOpening(opening, keys, new OwnPuts(this.#ports.sink, session, retention));
    const openHash = await begun.store(this.#ports).catch((cause: unknown) => {
      // A name that is taken is another session's.
      if (asCustodyError(cause).code !== 'already-exists')
        this.#unsealed.keep(session, 0, () => begun.giveUp(this.#ports, () => this.#puts.mayContinue()));
      failRecording(cause);
    });
    this.#puts.mayContinue();
    const deck = new Deck({
      tape: new Tape(opening.session, { session: privateKey, journal }, openHash, this.#tools),
      openHash,
      stored: begun.stored,
      durability: opening.durability,
      pace: new Pace(this.#ports.journal.sessionBytesPerS ?? Number.POSITIVE_INFINITY),
      startedMs,
    });
    this.#decks.set(tape, deck);
  }

  /**
   * Makes the ranges' frames durable. Resolves once the journal has what it is to have, with the tapes that failed and those whose
   * frames go to the store instead; the others' are durable. Blocks are compressed before it returns its promise, so slabs may
   * be reused at once. Several may be under way: they resolve in the order in which they were asked for. Without `all`, frames for
   * which nobody waits take no entry in the journal: of windowed sessions, and in write-ahead ones what the target alone said.
   */
  commit(ranges: readonly TakenRange[], all = true): Promise<Committed> {
    const touched = this.#addBlocks(ranges);
    for (const deck of touched.values()) deck.completeMs = ranges.at(-1)!.at;
    return this.#inLine(this.#deferred.choose(touched, all));
  }

  /**
   * Puts some of the segments that have been open for long, so that the journal never has to keep much. No commit waits for that:
   * the journal has them until they are stored. Resolves with the tapes that failed.
   */
  async putAged(at: number): Promise<FailedTapes> {
    const due = dueDecks(this.#decks, at, AGEING_AT_ONCE - this.#ageing);
    if (due.size === 0) return [];
    this.#ageing += due.size;
    for (const deck of due.values()) deck.isDue = true;
    await this.#inLine(due);
    const fates = await Promise.all(
      [...due].map(async ([tape, deck]) => [tape, await fateOf(deck, deck.puts)] as const),
    );
    this.#ageing -= due.size;
    return fates.filter(hasFailed);
  }

  /**
   * Stores what remains and the signed close statement. Rejects when it cannot: the session stays unsealed until `sealAgain`
   * succeeds.
   */
  async close(tape: number, ending: Ending): Promise<SessionOutcome> {
    const deck = this.#deck(tape);
    const { put } = await this.#line.enter((before) => before.then(() => this.#end(tape, deck, ending)));
    const closing = new SessionClosing(() => this.#signClose(deck, ending), deck.stored);
    const seal = (): Promise<SessionOutcome> => this.#seal(deck, closing);
    const signed = sideBySide(put, closing.sign());
    return signed.then(seal).catch((cause: unknown) => {
      this.#unsealed.keep(deck.tape.session, takeOut(deck.unstored), seal);
      failRecording(cause);
    });
  }

  /** Something is not durable for which nobody waits: a commit of all is owed. */
  get isPartial(): boolean {
    return this.#deferred.isAny;
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

  /** Nothing more comes, and no entry of it is on its way to the journal. */
  #end(tape: number, deck: Deck, { at }: Ending): { readonly put: Promise<void> } {
    this.#decks.delete(tape);
    this.#deferred.end(tape);
    deck.isClosing = true;
    // Its last frames may be younger than its end: they were recorded while that waited for others'.
    deck.completeMs = Math.max(deck.completeMs, at);
    return { put: this.#puts.putOpen(deck) };
  }

  /** What an earlier try has stored is not stored again. */
  async #seal(deck: Deck, closing: SessionClosing): Promise<SessionOutcome> {
    while (deck.unstored.length > 0) await this.#puts.putNext(deck);
    this.#puts.mayContinue();
    return closing.store(this.#ports);
  }

  #inLine(touched: ReadonlyMap<number, Deck>): Promise<Committed> {
    const { isPartial } = this;
    return this.#line.enter(
      async (before) => ({ ...(await this.#persist(touched, before)), isPartial, tapes: touched.size }),
      () => freshBytesOf(touched),
    );
  }

  #addBlocks(ranges: readonly TakenRange[]): Map<number, Deck> {
    const touched = new Map<number, Deck>();
    for (let first = 0; first < ranges.length; first += SLABS_PER_BLOCK) {
      for (const part of gatherFrames(ranges.slice(first, first + SLABS_PER_BLOCK), this.#scratch)) {
        const deck = this.#decks.get(part.tape);
        if (deck === undefined) continue;
        deck.add(part, ranges[first]!.at);
        touched.set(part.tape, deck);
      }
    }
    return touched;
  }

  /** What is for the store goes its way; the journal gets the rest in one append, and nothing else is waited for. */
  async #persist(
    touched: ReadonlyMap<number, Deck>,
    before: Promise<void>,
  ): Promise<Omit<Committed, 'isPartial' | 'tapes'>> {
    const toStore: [number, Promise<void>][] = [];
    const entered: [number, Deck, DraftEntry | undefined][] = [];
    for (const [tape, deck] of touched) {
      if (isForStore(deck)) toStore.push([tape, this.#putInstead(deck)]);
      else entered.push([tape, deck, deck.takeEntry()]);
    }
    const drafts = entered.map(([, , draft]) => draft).filter((draft) => draft !== undefined);
    const appended = this.#append(vouchTogether(drafts), before);
    for (const [, deck, draft] of entered) this.#afterEntry(deck, draft, appended);
    const cause = await causeOf(appended);
    const failed: [number, CustodyError][] = [];
    for (const [tape, deck, draft] of entered) {
      if (draft !== undefined && cause !== undefined) deck.fail(recordingFailed(cause));
      if (deck.failure !== undefined) failed.push([tape, deck.failure]);
      else if (deck.hangs || this.#isCrowded(deck)) toStore.push([tape, deck.puts]);
    }
    const behind = toStore.map(([tape, stored]) => [tape, fateOf(touched.get(tape)!, stored)] as const);
    return { failed, behind };
  }

  /** Its entry is on its way to the journal: then the segment may be put, if it is time. */
  #afterEntry(deck: Deck, draft: DraftEntry | undefined, appended: Promise<void>): void {
    if (draft !== undefined) deck.entersJournal(appended);
    if (deck.isEnding) void causeOf(this.#puts.putOpen(deck));
  }

  /** The journal gets nothing of it before it is stored. Resolves when all that was added is durable. */
  #putInstead(deck: Deck): Promise<void> {
    const durable = deck.whenDurable();
    if (!deck.isPutting) void this.#puts.putMuch(deck, () => this.#inLine(new Map([[0, deck]])));
    else if (deck.isOverfull) void causeOf(this.#puts.putOpen(deck));
    return durable;
  }

  /** Much memory is taken by segments that are not stored yet: more would be taken by what follows. */
  #isCrowded({ unstored, unstoredBytes }: Deck): boolean {
    if (unstored.length === 0) return false;
    const all = [...this.#decks.values()].reduce((sum, deck) => sum + deck.unstoredBytes, 0);
    return unstoredBytes > UNSTORED_BYTES || all > ALL_UNSTORED_BYTES;
  }

  /**
   * In order: what stands in an earlier commit of the same session is durable, or the session has failed. And only while the lease is
   * held, however many were under way when it was lost: whoever seals in our place reads the journal after that.
   */
  async #append(entries: readonly JournalEntry[], before: Promise<void>): Promise<void> {
    if (entries.length === 0) return before;
    await inOrder(before, this.#ports.journal.append(entries));
    this.#puts.mayContinue();
  }

  #deck(tape: number): Deck {
    const deck = this.#decks.get(tape);
    if (deck === undefined)
      throw new CustodyError('internal', 'no such recording', { detail: `tape ${tape}` });
    return deck;
  }

  async #signClose(deck: Deck, ending: Ending): Promise<SignedStatement<CloseStatement>> {
    return signStatement(await this.#closeStatement(deck, ending), this.#ports.signer);
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
      recordedUntil: deck.untilUs,
      ...totals,
      open: deck.openHash,
      signer: sha256Hex(await this.#ports.signer.publicKey()),
      ...(detail === undefined ? {} : { detail: detail.slice(0, 500) }),
    };
  }
}

/** What a commit of them appends, at most. */
function freshBytesOf(touched: ReadonlyMap<number, Deck>): number {
  return [...touched.values()].reduce((sum, { tape }) => sum + tape.freshBytes, 0);
}

/** What the journal does not have of it goes to the store: for as long as segments of it are put, all of it does. */
function isForStore(deck: Deck): boolean {
  return deck.failure === undefined && deck.tape.freshBytes > 0 && (deck.isPutting || deck.isForStore);
}

/** What becomes of a session's frames that are durable once `stored` resolves: an error, if the session must end. */
async function fateOf(deck: Deck, stored: Promise<void>): Promise<CustodyError | undefined> {
  const cause = await causeOf(stored);
  if (cause === undefined) return deck.failure;
  deck.fail(recordingFailed(cause));
  return recordingFailed(cause);
}

function hasFailed(fate: readonly [number, CustodyError | undefined]): fate is [number, CustodyError] {
  return fate[1] !== undefined;
}

function failRecording(cause: unknown): never {
  throw recordingFailed(cause);
}

/** Out of memory that is larger, as segments share it. Returns how many bytes are held. */
function takeOut(unstored: FinishedSegment[]): number {
  for (const [i, segment] of unstored.entries())
    unstored[i] = { ...segment, bytes: Uint8Array.from(segment.bytes), recycle: () => undefined };
  return unstored.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
}
