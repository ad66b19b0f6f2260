import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CustodyError } from '../errors.ts';
import type { LeafSink } from '../ledger/leaves.ts';
import { BlockCompressor } from './block-compressor.ts';
import type { CloseReason, CloseStatement, OpenStatement } from './format.ts';
import { objectKey, segmentName } from './layout.ts';
import { type HeldLease, leaseLost } from './leases.ts';
import type { Journal, JournalEntry, RecordingSink, Retention, Signer } from './ports.ts';
import { SegmentMemory } from './segment-content.ts';
import type { SessionIndex, SessionOutcome } from './session-index.ts';
import { gatherFrames } from './slab.ts';
import { sha256Hex, storeClose, storeOpen } from './statements.ts';
import { type FinishedSegment, Tape, type TapeTools } from './tape.ts';

/** A segment is put when this many bytes of frames are in it, or when it is this old. */
const SEGMENT_BYTES = 8 << 20;
const SEGMENT_AGE_MS = 60_000;
/** Slabs are gathered into blocks of at most this many slabs: 4 MiB, FORMAT.md's limit. */
const SLABS_PER_BLOCK = 4;

export interface RecorderPorts {
  readonly sink: RecordingSink;
  readonly signer: Signer;
  readonly journal: Journal;
  readonly index: SessionIndex;
  readonly leaves: LeafSink;
  readonly lease: Pick<HeldLease, 'isHeld' | 'task'>;
}

/** What the gateway knows of a session before the recorder adds its keys. */
export type Opening = Omit<OpenStatement, 'type' | 'recorder' | 'signer'>;

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
  readonly retention: Retention | undefined;
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

  constructor(ports: RecorderPorts) {
    this.#ports = ports;
  }

  /** When it returns, the open statement is signed, stored and on its way into the ledger, and the tape takes frames. Rejects: no session. */
  async open(tape: number, opening: Opening, startedMs: number): Promise<void> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const openHash = await this.#storeOpening(opening, publicKey).catch(failRecording);
    this.#mayContinue();
    this.#decks.set(tape, {
      tape: new Tape(opening.session, privateKey, openHash, this.#tools),
      openHash,
      retention: opening.retention,
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

  /** Stores what remains and the signed close statement. Rejects when it cannot: the session stays unsealed. */
  async close(tape: number, ending: Ending): Promise<SessionOutcome> {
    await this.#commits;
    const deck = this.#deck(tape);
    this.#decks.delete(tape);
    return this.#seal(deck, ending).catch(failRecording);
  }

  async #storeOpening(opening: Opening, recorder: KeyObject): Promise<string> {
    const { index, signer, sink, leaves } = this.#ports;
    await index.opened(indexRecord(opening));
    const statement = await this.#openStatement(opening, recorder);
    return storeOpen(statement, signer, sink, leaves);
  }

  async #seal(deck: Deck, ending: Ending): Promise<SessionOutcome> {
    deck.completeMs = ending.at;
    await this.#putSegment(deck);
    const statement = await this.#closeStatement(deck, ending);
    this.#mayContinue();
    const { signer, sink, leaves } = this.#ports;
    await storeClose(statement, signer, sink, leaves, deck.retention);
    const outcome = outcomeOf(statement);
    await this.#ports.index.closed(statement.session, outcome);
    return outcome;
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
    deck.puts = deck.puts.then(() => this.#put(deck, finished));
    return deck.puts;
  }

  async #put({ tape, retention }: Deck, { segment, bytes, recycle }: FinishedSegment): Promise<void> {
    const { session } = tape;
    this.#mayContinue();
    await this.#ports.sink.put(objectKey(session, segmentName(segment)), bytes, retention);
    this.#mayContinue();
    this.#ports.journal.release(session, segment);
    recycle();
  }

  #deck(tape: number): Deck {
    const deck = this.#decks.get(tape);
    if (deck === undefined)
      throw new CustodyError('internal', 'no such recording', { detail: `tape ${tape}` });
    return deck;
  }

  async #openStatement(opening: Opening, recorder: KeyObject): Promise<OpenStatement> {
    return {
      type: 'custody/open/1',
      ...opening,
      recorder: recorder.export({ type: 'spki', format: 'der' }).toString('base64'),
      signer: sha256Hex(await this.#ports.signer.publicKey()),
    };
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

function indexRecord(opening: Opening): Parameters<SessionIndex['opened']>[0] {
  const { issuer, subject, email } = opening.principal;
  const { address, application } = opening.client;
  return {
    id: opening.session,
    startedAt: opening.startedAt,
    principal: email === undefined ? { issuer, subject } : { issuer, subject, email },
    target: opening.target.name,
    protocol: opening.target.protocol,
    rule: opening.grant.rule,
    task: opening.gateway.task,
    client: application === undefined ? { address } : { address, application },
  };
}

/** The outcome a close statement tells. */
export function outcomeOf(statement: CloseStatement): SessionOutcome {
  const { endedAt, reason, recovered, segments, frames, bytes } = statement;
  return { endedAt, reason, recovered, segments, frames, bytes };
}
