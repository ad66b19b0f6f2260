/** Together, commits under way append no more than this, unless it is one alone: what each holds is held until its turn to be over. */
const UNDER_WAY_BYTES = 4 << 20;

/** A commit: its first, synchronous step appends. `before` settles once every commit that began earlier is over; it never rejects. */
export type Commit<T> = (before: Promise<void>) => Promise<T>;

interface Waiting {
  readonly begin: Commit<unknown>;
  readonly bytes: () => number;
}

/**
 * The commits of one recorder. They begin in the order in which they come, each in one step, as many at once as the journal takes;
 * a commit that heeds `before` is over behind all that began earlier. So one that is slow lets a few begin behind it, and no more.
 */
export class CommitLine {
  readonly #atOnce: number;
  readonly #waiting: Waiting[] = [];
  #underWay = 0;
  #bytesUnderWay = 0;
  #over: Promise<void> = Promise.resolve();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /**
   * Resolves or rejects as `commit` does. It begins where there is room, and once the caller is done: what is added with it in one step
   * goes with it. `bytes`: what it will append, asked then.
   */
  enter<T>(commit: Commit<T>, bytes: () => number = () => 0): Promise<T> {
    return new Promise((resolve) => {
      const begin: Commit<T> = (before) => {
        const done = commit(before);
        resolve(done);
        return done;
      };
      this.#waiting.push({ begin, bytes });
      queueMicrotask(() => this.#beginAll());
    });
  }

  #beginAll(): void {
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const bytes = next.bytes();
      if (!this.#hasRoom(bytes)) return;
      this.#waiting.shift();
      this.#begin(next.begin, bytes);
    }
  }

  #hasRoom(bytes: number): boolean {
    if (this.#underWay === 0) return true;
    return this.#underWay < this.#atOnce && this.#bytesUnderWay + bytes <= UNDER_WAY_BYTES;
  }

  #begin(begin: Commit<unknown>, bytes: number): void {
    this.#underWay += 1;
    this.#bytesUnderWay += bytes;
    this.#over = Promise.allSettled([this.#over, begin(this.#over)]).then(() => {
      this.#underWay -= 1;
      this.#bytesUnderWay -= bytes;
      this.#beginAll();
    });
  }
}

/** As `done`, and not before `before`. */
export async function inOrder(before: Promise<void>, done: Promise<void>): Promise<void> {
  const [fate] = await Promise.allSettled([done, before]);
  if (fate.status === 'rejected') throw fate.reason;
}
