import { asCustodyError } from '../errors.ts';
import type { Deck } from './deck.ts';
import { segmentName } from './layout.ts';
import { type HeldLease, leaseLost } from './leases.ts';
import type { Journal } from './ports.ts';
import { recordingFailed } from './recording-failed.ts';
import type { FinishedSegment } from './tape.ts';

/** While a segment is put, more comes together: for a moment longer, where the put is quick. */
const GATHER_MS = 30;
const GATHERED_BYTES = 1 << 20;
/** What a segment that could not be put waits before the next try. */
const FIRST_PAUSE_MS = 100;
const PAUSE_MAX_MS = 2_000;

export interface SegmentPutPorts {
  readonly journal: Pick<Journal, 'release'>;
  readonly lease: Pick<HeldLease, 'isHeld' | 'task'>;
  /** Resolves after so many milliseconds. Where it is not given, nothing is tried again and nothing gathered. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

/** Puts segments into the store: those of one session one after another, those of different sessions at the same time. */
export class SegmentPuts {
  readonly #ports: SegmentPutPorts;

  constructor(ports: SegmentPutPorts) {
    this.#ports = ports;
  }

  /** Ends the segment being filled, and puts it behind those before it, once no entry of it is on its way to the journal. */
  putOpen(deck: Deck): Promise<void> {
    const finished = deck.tape.finishSegment(deck.untilUs);
    deck.isDue = false;
    if (finished === undefined) return deck.puts;
    deck.unstored.push(finished);
    deck.puts = this.#putBehind(deck, deck.puts, deck.entered);
    deck.becomesDurable(deck.puts);
    return deck.puts;
  }

  /**
   * Segment after segment, for as long as there is much: of what is added meanwhile, the journal gets nothing. `rest` is called
   * where something is left in the end, which is little.
   */
  async putMuch(deck: Deck, rest: () => Promise<unknown>): Promise<void> {
    deck.isPutting = true;
    do {
      await causeOf(this.putOpen(deck));
      const gathers = deck.isBulk && deck.tape.freshBytes < GATHERED_BYTES;
      if (gathers && !deck.isClosing) await this.#ports.pause?.(GATHER_MS);
    } while (deck.isForStore && !deck.isClosing && deck.failure === undefined);
    deck.isPutting = false;
    if (deck.isWaitedFor && !deck.isClosing) await rest();
  }

  /** Puts the oldest of those that are not stored. A store that is away is waited for, unless the session is at its end. */
  async putNext(deck: Deck): Promise<void> {
    const { tape, stored, unstored } = deck;
    const [{ segment, bytes, recycle }] = unstored as [FinishedSegment];
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      this.mayContinue();
      try {
        await stored.put(segmentName(segment), bytes);
        break;
      } catch (cause) {
        if (deck.isClosing || !this.#mayTryAgain(cause)) throw cause;
      }
      await this.#ports.pause!(pauseMs);
    }
    this.mayContinue();
    this.#ports.journal.release(tape.session, segment);
    unstored.shift();
    recycle();
  }

  /** Throws once the lease is lost. */
  mayContinue(): void {
    const { isHeld, task } = this.#ports.lease;
    if (!isHeld) throw leaseLost(task);
  }

  #mayTryAgain(cause: unknown): boolean {
    return this.#ports.pause !== undefined && asCustodyError(cause).code === 'store-unavailable';
  }

  /** Behind a gap nothing is durable, whatever becomes of it by itself. */
  async #putBehind(deck: Deck, before: Promise<void>, entered: Promise<void>): Promise<void> {
    await causeOf(entered);
    try {
      await before;
      await this.putNext(deck);
    } catch (cause) {
      deck.fail(recordingFailed(cause));
      throw cause;
    }
  }
}

/** Why it was rejected; undefined when it was not. */
export async function causeOf(done: Promise<void>): Promise<unknown> {
  try {
    return await done;
  } catch (cause) {
    return cause ?? new Error('rejected without a cause');
  }
}
