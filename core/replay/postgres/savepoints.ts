/** More than these are not told apart. */
const KEPT_MAX = 10_000;

/** The savepoints of a transaction, the outermost first. Depths count them: what is made after the first is of depth 1. */
export class Savepoints {
  #names: string[] = [];

  get depth(): number {
    return this.#names.length;
  }

  set(name: string): void {
    if (this.#names.length < KEPT_MAX) this.#names.push(name);
  }

  /** Takes away the last of this name and those after it; what was made after it is then of the depth returned. */
  release(name: string): number {
    this.#names.length = Math.max(0, this.#names.lastIndexOf(name));
    return this.depth;
  }

  /** Takes away those after the last of this name; what is of the depth returned or more was made after it. */
  rollbackTo(name: string): number {
    this.#names.length = this.#names.lastIndexOf(name) + 1;
    return this.depth;
  }

  clear(): void {
    this.#names = [];
  }
}
