import type { Run } from '#core/tasks/run.ts';
import type { Runs } from '#core/tasks/store.ts';

/** How often a run of live sessions is looked at. */
const EVERY_MS = 1_000;

interface Seen {
  readonly run?: Run;
  /** When it was seen last, or first looked for. */
  readonly at: number;
  /** When the last look began; one that hangs is no reason to begin another. */
  lookedAt: number;
  looking: boolean;
}

/** The runs of live sessions, as they were seen last. Nobody waits for a look: a run that cannot be seen is no other session's matter. */
export class SeenRuns {
  readonly #runs: Pick<Runs, 'get'>;
  readonly #monotonic: () => number;
  #seen = new Map<string, Seen>();

  constructor(runs: Pick<Runs, 'get'>, monotonic: () => number) {
    this.#runs = runs;
    this.#monotonic = monotonic;
  }

  /** Looks after these, and forgets all others. */
  look(ids: ReadonlySet<string>): void {
    const now = this.#monotonic();
    this.#seen = new Map([...this.#seen].filter(([id]) => ids.has(id)));
    for (const id of ids) {
      const seen = this.#seen.get(id) ?? { at: now, lookedAt: -Infinity, looking: false };
      this.#seen.set(id, seen);
      if (seen.looking || now - seen.lookedAt < EVERY_MS) continue;
      seen.lookedAt = now;
      seen.looking = true;
      void this.#get(id, seen, now);
    }
  }

  /** Undefined before it was seen. */
  of(id: string): Run | undefined {
    return this.#seen.get(id)?.run;
  }

  /** How long it has not been seen, milliseconds. */
  unseenMs(id: string): number {
    const seen = this.#seen.get(id);
    return seen === undefined ? 0 : this.#monotonic() - seen.at;
  }

  async #get(id: string, before: Seen, at: number): Promise<void> {
    try {
      const run = await this.#runs.get(id);
      if (this.#seen.get(id) === before)
        this.#seen.set(id, { run, at, lookedAt: before.lookedAt, looking: false });
    } catch {
      // What lasts ends its sessions.
      before.looking = false;
    }
  }
}
