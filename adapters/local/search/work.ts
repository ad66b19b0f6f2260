/** What each thing costs, in some ten microseconds. */
const COSTS = { rows: 0.04, seek: 1, session: 3, step: 3, chunk: 15 } as const;

/** Of one page, unless it ends before: a tenth of a second. It is counted and not timed, so that a page is the same each time. */
const WORK_MAX = 8_000;

/** Counts what is done for a page. */
export class Work {
  #left: number = WORK_MAX;

  spend(kind: keyof typeof COSTS, times = 1): void {
    this.#left -= COSTS[kind] * times;
  }

  get isDone(): boolean {
    return this.#left <= 0;
  }
}
