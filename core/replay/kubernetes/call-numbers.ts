/** Numbers that were left out below the highest, at most. */
const GAPS_MAX = 4096;

/** Which calls there have been. Their numbers grow, though two heads may be recorded in the other order. */
export class CallNumbers {
  #highest = 0;
  readonly #gaps = new Set<number>();

  /** False where there was one of that number before. */
  begins(number: number): boolean {
    if (number <= this.#highest) return this.#gaps.delete(number);
    for (let gap = Math.max(this.#highest + 1, number - GAPS_MAX); gap < number; gap += 1)
      this.#gaps.add(gap);
    this.#highest = number;
    for (const oldest of this.#gaps) {
      if (this.#gaps.size <= GAPS_MAX) break;
      this.#gaps.delete(oldest);
    }
    return true;
  }
}
