import { setImmediate as turn } from 'node:timers/promises';

/** Turns of the event loop after which whatever needs no time is done. */
const TURNS = 3;

/** Time that passes only when everybody waits for it: what takes a second of it is done at once, and always in the same order. */
export class VirtualTime {
  #nowMs = 0;
  readonly #waiting: { readonly at: number; readonly go: () => void }[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  readonly sleep = (ms: number): Promise<void> =>
    new Promise((go) => this.#waiting.push({ at: this.#nowMs + ms, go }));

  /** Lets time pass until `work` is done. Its parts may wait for nothing but this time. */
  async until<T>(work: Promise<T>): Promise<T> {
    const state = { done: false };
    const done = work.finally(() => (state.done = true));
    done.catch(() => undefined);
    for (;;) {
      for (let i = 0; i < TURNS; i += 1) await turn();
      if (state.done) return done;
      this.#pass();
    }
  }

  /** To the next moment that somebody waits for, of those that wait for the same one in their order. */
  #pass(): void {
    const at = Math.min(...this.#waiting.map((one) => one.at));
    if (at === Number.POSITIVE_INFINITY)
      throw new Error('nobody waits for time to pass, and the work is not done');
    this.#nowMs = at;
    const due = this.#waiting.filter((one) => one.at === at);
    for (const one of due) this.#waiting.splice(this.#waiting.indexOf(one), 1);
    for (const { go } of due) go();
  }
}
