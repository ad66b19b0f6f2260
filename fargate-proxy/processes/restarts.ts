/** Long enough for what kills a process at its start to be told from what kills it once a day. */
const SETTLED_MS = 60_000;
const FIRST_PAUSE_MS = 250;
const PAUSE_MAX_MS = 30_000;

/** How long it is waited before a process that died is started again: not at all at first, and longer each time that it dies young. */
export class Restarts {
  #young = 0;

  /** `livedMs`: how long it took sockets; 0 where it never came to that. */
  pauseAfter(livedMs: number): number {
    if (livedMs >= SETTLED_MS) this.#young = 0;
    this.#young += 1;
    return this.#young === 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (this.#young - 2), PAUSE_MAX_MS);
  }
}
