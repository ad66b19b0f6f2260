import type { SessionOutcome } from './session-index.ts';

/** What is held in memory for sessions that could not be sealed. Beyond it, they are left to the sealer and the next start. */
const UNSEALED_MAX_BYTES = 256 << 20;
/** What one of them takes beside its segments: statements, keys, signatures. */
const UNSEALED_BYTES = 8 << 10;
/** Failures in a row after which the others of a round are not tried: the store is still away. */
const FAILURES_IN_A_ROW = 3;

/** What somebody waited for in vain, and what became of it at a later try. */
export interface LateSeal {
  readonly session: string;
  readonly outcome: SessionOutcome;
}

interface Waiting {
  readonly session: string;
  readonly bytes: number;
  readonly seal: () => Promise<SessionOutcome>;
}

/** Sessions that could not be sealed, and wait for another try. */
export class Unsealed {
  readonly #waiting = new Set<Waiting>();
  #bytes = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** `seal` does what the first try did, with the objects, statements and leaves of that one. */
  keep(session: string, segmentBytes: number, seal: Waiting['seal']): void {
    const bytes = UNSEALED_BYTES + segmentBytes;
    if (this.#bytes + bytes > UNSEALED_MAX_BYTES) return;
    this.#bytes += bytes;
    this.#waiting.add({ session, bytes, seal });
  }

  /** Tries each once, while `mayContinue`. Resolves with what is sealed now. */
  async tryAgain(mayContinue: () => boolean): Promise<readonly LateSeal[]> {
    const sealed: LateSeal[] = [];
    let failures = 0;
    for (const waiting of [...this.#waiting]) {
      if (failures >= FAILURES_IN_A_ROW || !mayContinue()) break;
      this.#waiting.delete(waiting);
      try {
        sealed.push({ session: waiting.session, outcome: await waiting.seal() });
        this.#bytes -= waiting.bytes;
        failures = 0;
      } catch {
        // Behind the others: one that can never be sealed keeps none of them waiting.
        this.#waiting.add(waiting);
        failures += 1;
      }
    }
    return sealed;
  }
}
